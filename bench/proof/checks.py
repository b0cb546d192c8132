"""One comparison and the verdict over many, as plain data; and the measures they are made with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from bench.proof.bounds import relative

Measure = Callable[[np.ndarray, np.ndarray], float]
Unit = Literal["relative", "count", "standard errors", "pixel range"]


@dataclass(frozen=True)
class Check:
    """One comparison: passed when `error` is at most `bound`.

    unit: what `error` is; "relative" is ||a - b|| / ||b||, "count" how many things are wrong.
    kind: the module of bench/proof that makes it. again_up_to: an error over the bound and up to
    this may be luck of the draw, so the check is made on more draws and the median decides.
    """

    name: str
    error: float
    bound: float
    detail: str = ""
    kind: str = ""
    unit: Unit = "relative"
    again_up_to: float = 0.0

    @property
    def passed(self) -> bool:
        """NaN never passes."""
        return bool(self.error <= self.bound)

    @property
    def undecided(self) -> bool:
        """Failed by so little that one more draw may show it was luck."""
        return bool(self.bound < self.error <= self.again_up_to)


@dataclass(frozen=True)
class Certificate:
    """The verdict over all checks, for one task × implementation × device × precision."""

    checks: tuple[Check, ...]
    adam_form: str
    seed: int

    @property
    def passed(self) -> bool:
        """True when there are checks and all hold."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def reason(self) -> str:
        """The first failed check in words, or an empty string."""
        for check in self.checks:
            if not check.passed:
                detail = f" ({check.detail})" if check.detail else ""
                return f"{check.name}: error {check.error:.2g} over bound {check.bound:.0e}{detail}"
        return ""

    def as_dict(self) -> dict[str, object]:
        """JSON form, with the derived verdicts."""
        checks = [asdict(c) | {"passed": c.passed} for c in self.checks]
        return {
            "passed": self.passed,
            "reason": self.reason(),
            "adam_form": self.adam_form,
            "seed": self.seed,
            "checks": checks,
        }


def count(name: str, wrong: float, detail: str = "") -> Check:
    """A check of how many things are wrong: none may be."""
    return Check(name, float(wrong), 0.0, detail, unit="count")


def worst(
    name: str,
    got: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    limit: float,
    measure: Measure = relative,
    again_up_to: float = 0.0,
) -> Check:
    """The largest error over the parameters, which `detail` names."""
    errors = {key: measure(got[key], expected[key]) for key in expected}
    # max() would step over a NaN: it must win.
    key = max(errors, key=lambda k: np.inf if np.isnan(errors[k]) else errors[k])
    return Check(name, errors[key], limit, f"worst in {key}", again_up_to=again_up_to)
