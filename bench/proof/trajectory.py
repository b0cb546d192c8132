"""The task's own optimizer, over calls of a few steps each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bench.proof.bounds import (
    AGAIN_LOSSES,
    AGAIN_TYPICAL,
    ONE_UNIT,
    bound,
    typical,
    without_worst,
)
from bench.proof.checks import Check, worst
from bench.proof.forward import exactness
from bench.proof.narrow import STEP_OPERATIONS, step_operations
from bench.proof.trial import STEPS, Trial
from tasks.weights import Weights

CALLS = 4
# Of a costly network: more than the oracle should take long for, and calls.py has longer stretches.
COSTLY_STEPS = 12


def checks(t: Trial) -> list[Check]:
    """Calls of some steps each, as they are timed; the oracle takes the steps one by one."""

    def compute() -> Mapping[str, np.ndarray]:
        data = t.build(t.oracle, t.task)
        losses = np.array([float(t.oracle.train(data, rows)) for rows in _calls(t)])
        return {"losses": losses, **t.update(t.oracle)}

    expected = dict(t.answer("trajectory", compute))
    expected_losses = expected.pop("losses")
    t.begin_again(t.adapter, t.task)
    data = t.adapter.stage(t.x, t.y)
    losses = np.array([float(t.adapter.train(data, rows)) for rows in _calls(t)])
    moved = t.update(t.adapter)
    error = float(np.max(np.abs(losses - expected_losses) / np.abs(expected_losses)))
    limit, detail = bound(t.task, "losses"), f"worst of {CALLS} calls of {len(_calls(t)[0])} steps"
    return [
        Check("losses", error, limit, detail, again_up_to=AGAIN_LOSSES),
        *moves("update", moved, expected, t),
        *_statistics(t, moved, expected),
        *([] if t.by_layer else [_float32(t, moved, expected)]),
    ]


def _statistics(t: Trial, moved: Weights, expected: Mapping[str, np.ndarray]) -> list[Check]:
    """Running statistics are state: no optimizer's form or rate excuses them."""
    if not t.state:
        return []
    got, right = ({name: each[name] for name in t.state} for each in (moved, expected))
    limit, name = bound(t.task, "statistics"), "running statistics"
    return [worst(name, got, right, limit, again_up_to=AGAIN_LOSSES)]


def _calls(t: Trial) -> list[np.ndarray]:
    """Of one length, so that one program is compiled."""
    steps = COSTLY_STEPS if step_operations(t.task) > STEP_OPERATIONS else STEPS
    return np.split(t.order[:steps], CALLS)


def _float32(t: Trial, moved: Weights, expected: Mapping[str, np.ndarray]) -> Check:
    """Of the weights that moved: whether they were kept, and moved, in float32."""
    start = t.weights
    got, right = (
        np.concatenate([(start[n] + u[n])[np.asarray(expected[n]) != 0].ravel() for n in start])
        for u in (moved, expected)
    )
    return exactness("weights", got.astype(np.float32), right)


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
