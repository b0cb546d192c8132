"""The task's own optimizer: the same steps by single calls, in one call, and under a large
epsilon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bench.proof.bounds import (
    AGAIN_LOSSES,
    AGAIN_TYPICAL,
    LARGE_EPSILON,
    ONE_UNIT,
    bound,
    relative,
    typical,
    without_worst,
)
from bench.proof.checks import Check, worst
from bench.proof.forward import exactness
from bench.proof.trial import STEPS, Trial
from tasks.spec.training import Adam
from tasks.weights import Weights


def checks(t: Trial) -> list[Check]:
    """All steps one call each, against the oracle; then the same steps in one call."""

    def compute() -> Mapping[str, np.ndarray]:
        data = t.build(t.oracle, t.task)
        losses = np.array([float(t.oracle.train(data, row[None])) for row in t.order])
        return {"losses": losses, **t.update(t.oracle)}

    expected = dict(t.answer("trajectory", compute))
    expected_losses = expected.pop("losses")
    data = t.build(t.adapter, t.task)
    losses = np.array([float(t.adapter.train(data, row[None])) for row in t.order])
    moved = t.update(t.adapter)
    mean = float(t.adapter.train(t.build(t.adapter, t.task), t.order))
    at_once = t.update(t.adapter)
    limit = bound(t.task, "losses")
    worst_loss = float(np.max(np.abs(losses - expected_losses) / np.abs(expected_losses)))
    mean_loss = relative(np.array(mean), np.array(expected_losses.mean()))
    of_all = f"worst of {STEPS} steps"
    return [
        Check("losses", worst_loss, limit, of_all, again_up_to=AGAIN_LOSSES),
        *moves("update", moved, expected, t),
        Check("mean loss", mean_loss, limit, "all steps in one call", again_up_to=AGAIN_LOSSES),
        *moves("calls", at_once, moved, t),
        *([] if t.by_layer else [_float32(t, moved, expected)]),
    ]


def _float32(t: Trial, moved: Weights, expected: Mapping[str, np.ndarray]) -> Check:
    """Of the weights that moved: whether they were kept, and moved, in float32."""
    start = t.weights
    got, right = (
        np.concatenate([(start[n] + u[n])[np.asarray(expected[n]) != 0].ravel() for n in start])
        for u in (moved, expected)
    )
    return exactness("weights", got.astype(np.float32), right)


def epsilon(t: Trial) -> list[Check]:
    """A short trajectory under an epsilon that matters: its form, and that it is passed on."""
    if not isinstance(t.task.optimizer, Adam):
        return []
    task = t.task.with_optimizer(replace(t.task.optimizer, epsilon=LARGE_EPSILON))

    def compute() -> Mapping[str, np.ndarray]:
        t.oracle.train(t.build(t.oracle, task), t.order[:5])
        return t.update(t.oracle)

    expected = t.answer("large epsilon", compute)
    t.adapter.train(t.build(t.adapter, task), t.order[:5])
    return moves("epsilon", t.update(t.adapter), expected, t)


def moves(name: str, got: Weights, expected: Mapping[str, np.ndarray], t: Trial) -> list[Check]:
    """How far the weights moved, by norm and by the typical element; see bench.proof.bounds."""
    got, right = t.parts(got), t.parts(expected)
    check = worst(name, got, right, bound(t.task, "update"))
    found = [check]
    if not t.by_layer and check.bound < check.error <= ONE_UNIT:
        few = worst(f"{name}, few apart", got, right, check.bound, without_worst)
        found = [replace(check, bound=ONE_UNIT, detail=f"{check.detail}; see few apart"), few]
    limit = bound(t.task, "typical")
    return [*found, worst(f"{name}, typical", got, right, limit, typical, AGAIN_TYPICAL)]
