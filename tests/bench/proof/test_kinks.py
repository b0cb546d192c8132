"""What a certificate makes of a unit at relu's kink, and of faults that look a little like one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adapters.reference.oracle import Reference
from bench.proof.bounds import KINKS, relative, typical, without_worst
from bench.proof.certify import certify
from tasks.weights import Weights
from tests.support.small import CNN, random_rows


class Off(Reference):
    """float32, its gradients off by `share` of their norm: in batches of different rows only (as
    one unit at its kink is), or also where every row is the same one."""

    def __init__(self, share: float, single_rows: bool) -> None:
        super().__init__(precision="fp32")
        self.share, self.single_rows = share, single_rows

    def gradients(self, x: np.ndarray, y: np.ndarray) -> tuple[float, Weights]:
        loss, found = super().gradients(x, y)
        mixed = len(np.unique(x.reshape(len(x), -1), axis=0)) > 1
        if mixed or self.single_rows:
            name = next(iter(found))
            change = np.zeros_like(found[name])
            change.flat[0] = self.share * np.linalg.norm(found[name])
            found[name] = found[name] + change
        return loss, found


def _checks(adapter: Any) -> tuple[bool, dict[str, bool]]:
    certificate = certify(adapter, CNN, *random_rows(CNN), seed=1)
    return certificate.passed, {check.name: check.passed for check in certificate.checks}


def test_an_unspoiled_gradient_is_not_looked_at_twice() -> None:
    passed, checks = _checks(Reference(precision="fp32"))
    assert passed
    assert "gradients, row by row" not in checks


def test_one_unit_at_its_kink_is_seen_through() -> None:
    _, checks = _checks(Off(2e-3, single_rows=False))
    assert checks["gradients"] and checks["gradients, row by row"]


def test_a_fault_of_that_size_in_every_row_is_refused() -> None:
    passed, checks = _checks(Off(2e-3, single_rows=True))
    assert not passed
    assert checks["gradients"] and not checks["gradients, row by row"]


@pytest.mark.parametrize("single_rows", [True, False])
def test_more_than_kinks_can_do_is_refused(single_rows: bool) -> None:
    passed, checks = _checks(Off(2 * KINKS, single_rows))
    assert not passed
    assert not checks["gradients"]


def test_few_elements_far_off_and_many_a_little() -> None:
    rng = np.random.default_rng(0)
    right = rng.normal(size=512)
    one_unit, all_units = right.copy(), right * 1.05
    one_unit[7] = -right[7] - 2
    assert relative(one_unit, right) > 2e-2 > without_worst(one_unit, right)
    assert without_worst(all_units, right) > 2e-2
    assert typical(one_unit, right) == 0.0


def test_a_small_parameter_has_no_worst_hundredth() -> None:
    right = np.ones(99)
    wrong = right.copy()
    wrong[0] = 2
    assert without_worst(wrong, right) == relative(wrong, right)
