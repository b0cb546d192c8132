"""What a certificate makes of a unit at relu's kink, and of faults that look a little like one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from adapters.reference.oracle import Reference
from bench.proof import gradients
from bench.proof.bounds import KINKS, relative, typical, without_worst
from bench.proof.certify import certify
from bench.proof.graph_kinks import OFF_EVERY
from bench.proof.kinks import away_from_kinks
from bench.proof.memo import rows_digest
from bench.proof.trial import Trial
from tasks.spec.layers import Conv2D, Dense
from tasks.spec.network import Task
from tasks.weights import Weights
from tests.support.small import CNN, FNN, RNN, random_rows


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
    adapter = Off(2 * KINKS, single_rows)
    passed, _ = _checks(adapter)
    assert not passed
    x, y = random_rows(CNN)
    trial = Trial(adapter, Reference(), CNN, x, y, x, 1, rows_digest(x, y))
    assert not {check.name: check.passed for check in gradients.checks(trial)}["gradients"]


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


@pytest.mark.parametrize("task", [FNN, CNN, RNN], ids=lambda task: task.name)
def test_weights_are_found_that_keep_units_off_their_kinks(task: Task) -> None:
    """On every row three of four units are on and one is off, at about the size they had."""
    x, y = random_rows(task)
    oracle = Reference()
    rows = rows_digest(x, y)
    trial = Trial(oracle, oracle, task.without_dropout(), x, y, x, 1, rows)
    weights = away_from_kinks(trial, x)
    looked_at = 0
    for index, layer in enumerate(trial.task.layers):
        if not isinstance(layer, (Dense, Conv2D)) or layer.activation != "relu":
            continue
        looked_at += 1
        before, after = (
            outputs_of(trial.task, index, given, x) for given in (trial.weights, weights)
        )
        is_off = np.arange(after.shape[1]) % OFF_EVERY == OFF_EVERY - 1
        assert np.all(after[:, is_off] == 0)
        assert np.all(after[:, ~is_off] > 0.2 * np.ptp(after[:, ~is_off], axis=0))
        assert np.any(before == 0) and np.any(before > 0), "there was nothing to keep away from"
    assert looked_at


def outputs_of(task: Task, index: int, weights: Weights, x: np.ndarray) -> np.ndarray:
    """(values of a unit, units): what a layer passes on."""
    oracle = Reference()
    begins = tuple(f"{number}_" for number in range(index + 1))
    used = {name: value for name, value in weights.items() if name.startswith(begins)}
    oracle.build(replace(task, layers=task.layers[: index + 1]), used, 0)
    outputs = oracle.predict(oracle.stage(x, np.zeros(len(x))), 64)
    return outputs.reshape(-1, outputs.shape[-1])
