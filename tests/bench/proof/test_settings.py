"""A mode for debugging is refused: by a launch at once, by a certificate when it comes on later."""

from __future__ import annotations

from typing import SupportsFloat

import numpy as np
import pytest

from adapters.base import Data, Setting, modes_on
from adapters.mutants.mutant import Wrapped
from adapters.reference.oracle import Reference
from bench.proof.certify import certify
from bench.proof.settings import debugging, unlike_job
from tests.support.small import FNN, random_rows


class Debugged(Wrapped):
    """A mode comes on with the first step of a call of some length, and is read back."""

    is_on = False

    def train(
        self, data: Data, order: np.ndarray, warps: np.ndarray | None = None
    ) -> SupportsFloat:
        self.is_on |= len(order) > 1
        return self.inner.train(data, order, warps)

    def settings(self) -> dict[str, Setting]:
        return self.inner.settings() | {
            "debugging": modes_on({"every value looked at": self.is_on})
        }


def test_modes_are_named_or_there_are_none() -> None:
    assert modes_on({"a": False, "b": False}) == "none"
    assert modes_on({"a": True, "b": False, "c": True}) == "a, c"


@pytest.mark.parametrize(("said", "modes"), [({}, ""), ({"debugging": "none"}, ""),
                                             ({"debugging": "a, c"}, "a, c")])  # fmt: skip
def test_a_launch_is_refused_for_what_its_settings_say(said: dict[str, str], modes: str) -> None:
    settings = Reference(precision="fp32").settings() | said
    assert debugging(settings) == modes
    reason = unlike_job(settings, "cpu", "fp32", 1)
    assert (modes in reason and bool(reason)) if modes else reason == ""


def test_a_certificate_asks_after_the_work() -> None:
    debugged = Debugged(Reference(precision="fp32"))
    assert unlike_job(debugged.settings(), "cpu", "fp32", 1) == ""
    certificate = certify(debugged, FNN, *random_rows(FNN), seed=1)
    assert not certificate.passed
    assert certificate.reason().startswith("modes for debugging")
    assert "every value looked at" in certificate.reason()
    honest = certify(Reference(precision="fp32"), FNN, *random_rows(FNN), seed=1)
    assert honest.passed
    assert [c.name for c in honest.checks if c.kind == "settings"] == ["modes for debugging"]
