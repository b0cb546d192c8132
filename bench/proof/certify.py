"""The certificate: proof that an implementation did the task's work, in the form that is timed.

Each check compares the contender with the float64 oracle (adapters.reference.oracle) on the same
weights and rows. The kinds of checks are the modules beside this one. Pure apart from calling the
two adapters and, where a folder is given, keeping the oracle's answers there: no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from adapters.base import Adapter, Precision
from adapters.reference.oracle import Reference
from bench.proof import (
    augmentation,
    calls,
    drawn,
    dropout,
    extremes,
    forward,
    gradients,
    memory,
    prediction,
    settings,
    swings,
    trajectory,
)
from bench.proof.bounds import (
    DRAWS,
    LOWER_AGAIN,
    LOWER_DRAWS,
    LOWER_FACTOR,
    LOWER_LEAST,
    LOWER_PIXEL,
    ROUNDING,
    lower_bound,
)
from bench.proof.checks import Certificate, Check
from bench.proof.memo import Memo, rows_digest
from bench.proof.trial import Trial
from tasks.spec.network import Task

__all__ = ["Certificate", "Check", "certify", "certify_all"]


@dataclass(frozen=True)
class Group:
    """Checks of one kind. lower_draws: over how many draws the oracle's own error in a lower
    precision is taken; luck matters most where few numbers are compared. not_of_graphs: why graphs
    are not asked this way; empty where they are."""

    kind: str
    checks: Callable[[Trial], list[Check]]
    lower_draws: int = 1
    not_of_graphs: str = ""


_NORMS = "norms and softmax take the size of rows and weights away that this check varies"
# From what is cheap and says most to what takes longest: the first that fails ends it. Those that
# train the same task, or all of it but its learning rate, are neighbours, so that an adapter may
# keep what it compiled.
GROUPS = (
    Group("forward", forward.checks, LOWER_DRAWS),
    Group("trajectory", trajectory.checks, LOWER_DRAWS),
    Group("prediction", prediction.checks),
    Group("swings", swings.checks, not_of_graphs=_NORMS),
    Group("gradients", gradients.checks, LOWER_DRAWS),
    Group("drawn", drawn.checks),
    Group("extremes", extremes.checks, not_of_graphs=_NORMS),
    Group("memory", memory.checks),
    Group("augmentation", augmentation.checks, LOWER_DRAWS, "no graph of the catalogue augments"),
    Group("dropout", dropout.checks, not_of_graphs="no graph of the catalogue draws masks"),
    Group("calls", calls.checks),
    Group("settings", settings.checks),
)


def certify(
    adapter: Adapter,
    task: Task,
    x: np.ndarray,
    y: np.ndarray,
    seed: int,
    precision: Precision = "fp32",
    test: np.ndarray | None = None,
    kept: Path | None = None,
) -> Certificate:
    """Run the checks, up to the first group that fails.

    x, y: the task's training rows. precision: what the contender says it computes in; under fp32's
    the bounds follow the oracle's own error in it. test: the rows to predict on, (N, ...) as x;
    without them x. kept: a folder for the oracle's answers, which other contenders need too.
    """
    oracle = Reference(adam=adapter.adam_form, variance=adapter.variance_form)
    test = x if test is None else test
    trial = Trial(adapter, oracle, task, x, y, test, seed, rows_digest(x, y), Memo(kept))
    if precision != "fp32":
        trial = replace(trial, by_layer=True)
    checks: list[Check] = []
    for group in GROUPS:
        if task.is_graph and group.not_of_graphs:
            continue
        lower = precision != "fp32"
        checks += lower_settled(group, trial, precision) if lower else settled(group, trial)
        if not all(check.passed for check in checks):
            break  # what follows would only repeat the fault
    return Certificate(tuple(checks), adapter.adam_form, seed)


def settled(group: Group, trial: Trial) -> list[Check]:
    """A group's checks; where some failed by little and none by much, on further draws too: each of
    those then stands with the median error, and says so."""
    found = [replace(check, kind=group.kind) for check in group.checks(trial)]
    open_checks = [check for check in found if not check.passed]
    if not open_checks or not all(check.undecided for check in open_checks):
        return found
    errors = {check.name: [check.error] for check in open_checks}
    for number in range(1, DRAWS):
        for check in group.checks(trial.redrawn(number)):
            if check.name in errors:
                errors[check.name].append(check.error)
        if all(_will_pass(errors[check.name], check.bound) for check in open_checks):
            break
    found = [_median(c, errors[c.name]) if c.name in errors else c for c in found]
    return _as_float32_can(group, trial, found)


def _will_pass(errors: list[float], limit: float) -> bool:
    """Whether most of all draws are within the bound already, so that the median is."""
    return sum(error <= limit for error in errors) > DRAWS // 2


def _median(check: Check, errors: list[float]) -> Check:
    """NaN among the errors is kept, and fails."""
    said = ", ".join(f"{error:.1e}" for error in errors)
    detail = f"{check.detail}; " if check.detail else ""
    detail += f"over the bound in one draw, so the median of {len(errors)}: {said}"
    return replace(check, error=float(np.median(errors)), detail=detail)


def _as_float32_can(group: Group, trial: Trial, checks: list[Check]) -> list[Check]:
    """The checks that are still over their bound, held to what float32 itself keeps there.

    Some data make hundreds of steps ill-conditioned: then the NumPy oracle in float32 leaves the
    one in float64 as well, and nobody can be asked for more. A contender may err so many times as
    far as it does; where it errs little, as nearly always, nothing changes.
    """
    still_open = {check.name for check in checks if not check.passed}
    own: dict[str, list[float]] = {name: [] for name in still_open}
    float32 = Reference(
        precision="fp32", adam=trial.adapter.adam_form, variance=trial.adapter.variance_form
    )
    for number in range(DRAWS if still_open else 0):
        for check in group.checks(replace(trial.redrawn(number), adapter=float32)):
            if check.name in own:
                own[check.name].append(check.error)
    return [_held_to(check, own.get(check.name, [])) for check in checks]


def _held_to(check: Check, own: list[float]) -> Check:
    limit = min(LOWER_FACTOR * float(np.median(own)), check.again_up_to) if own else 0.0
    if not limit > check.bound:
        return check
    detail = f"{check.detail}; float32 itself errs by {float(np.median(own)):.1e} there"
    return replace(check, bound=limit, detail=detail)


def lower_settled(group: Group, trial: Trial, precision: Precision) -> list[Check]:
    """As `settled`, in a lower precision: how far a check is over its bound decides whether it is
    drawn again, and of how many bounds its errors are is what the median is taken of."""
    found = _lower(group, trial, precision)
    open_checks = {check.name: [_bounds(check)] for check in found if not check.passed}
    if not all(shares[0] <= LOWER_AGAIN for shares in open_checks.values()):
        return found
    for number in range(1, DRAWS if open_checks else 1):
        for check in _lower(group, trial.redrawn(number), precision):
            if check.name in open_checks:
                open_checks[check.name].append(_bounds(check))
        if all(_will_pass(shares, 1.0) for shares in open_checks.values()):
            break
    return [_of_bound(c, open_checks[c.name]) if c.name in open_checks else c for c in found]


def _bounds(check: Check) -> float:
    """Its error as a multiple of its bound; infinite where nothing is allowed."""
    return check.error / check.bound if check.bound else float("inf")


def _of_bound(check: Check, shares: list[float]) -> Check:
    return _median(check, [share * check.bound for share in shares])


def _lower(group: Group, trial: Trial, precision: Precision) -> list[Check]:
    """A group's checks, with bounds from what the oracle itself errs in the lower precision."""
    own: dict[str, float] = {}
    adapter = Reference(
        precision=precision, adam=trial.adapter.adam_form, variance=trial.adapter.variance_form
    )
    for turn in range(group.lower_draws):
        for check in group.checks(replace(trial, adapter=adapter, turn=turn)):
            own[check.name] = max(own.get(check.name, 0.0), check.error)
    found = []
    for check in group.checks(trial):
        found += [replace(c, kind=group.kind) for c in _widened(check, own, precision)]
    return found


def _widened(check: Check, own: Mapping[str, float], precision: Precision) -> list[Check]:
    """The check with a bound from the oracle's own error, and for outputs one check more, unless
    under TF32: that is leave to compute in it, which libraries take for some shapes and not for
    others."""
    if check.unit in ("count", "standard errors") or not check.bound:
        return [check]
    allowed = own.get(check.name, 0.0)
    limit = max(check.bound, LOWER_PIXEL) if check.unit == "pixel range" else check.bound
    rounding = ROUNDING.get(precision, 0.0) if check.name.startswith("predictions") else 0.0
    found = [replace(check, bound=lower_bound(limit, allowed, rounding))]
    if check.name == "outputs" and precision != "tf32":
        least = LOWER_LEAST * allowed
        detail = f"outputs err by {check.error:.1e}, the oracle in it by {allowed:.1e}"
        found.append(Check("precision", float(check.error < least), 0.0, detail, unit="count"))
    return found


def certify_all(
    adapter: Adapter,
    tasks: Mapping[str, Task],
    x: np.ndarray,
    y: np.ndarray,
    seed: int,
    precision: Precision = "fp32",
    test: np.ndarray | None = None,
    kept: Path | None = None,
) -> Certificate:
    """One certificate over several tasks on the same rows; each check named "<key>: <check>". Up to
    the first task that fails."""
    checks: list[Check] = []
    for key, task in tasks.items():
        found = certify(adapter, task, x, y, seed, precision, test, kept)
        checks += [replace(check, name=f"{key}: {check.name}") for check in found.checks]
        if not found.passed:
            break
    return Certificate(tuple(checks), adapter.adam_form, seed)
