"""Predictions as they are timed, after training, against the oracle with the contender's weights.

The whole task, dropout in. No trajectory has to agree: the contender's own weights are read, and
what it predicts is held against what they give.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from adapters.base import Adapter
from adapters.reference.oracle import Reference
from bench.proof.bounds import OWN_WEIGHTS, relative
from bench.proof.checks import Check, count
from bench.proof.forward import exactness
from bench.proof.narrow import STEP_OPERATIONS, step_operations
from bench.proof.rows import distinct_rows
from bench.proof.trial import Trial
from tasks import flops
from tasks.weights import Weights

INFER_BATCH = 256  # as in the timed rounds
REMAINDER_ROWS = 300  # one whole batch and part of another
SINGLE_ROWS = 3
# Of a large staged set the oracle computes some rows: these many operations, a second or less.
ORACLE_OPERATIONS = 4e8
FEWEST, MOST = 60, 600
# Steps of a call; of costly ones fewer. Long calls are those of bench.proof.calls.
MOST_STEPS, MOST_COSTLY = 20, 8


@dataclass(frozen=True)
class _Set:
    """Staged rows, how they are asked for, and which of them the oracle is asked for."""

    name: str
    x: np.ndarray
    batch: int
    looked_at: np.ndarray
    data: Any


def checks(t: Trial) -> list[Check]:
    """Predict, train, predict again; then the weights of before are loaded again."""
    t.begin_again(t.adapter, t.whole)
    first = t.adapter.stage(t.x, t.y)
    sets = _stage(t)
    for each in sets:  # whatever is remembered or built at the first call is now there
        t.adapter.predict(each.data, each.batch)
    t.adapter.train(first, _call(t))
    kept = {name: value.copy() for name, value in t.adapter.weights().items()}
    outputs, late = _outputs(t.adapter, sets)
    expected = _expected(t, sets, kept)
    scale = float(np.sqrt(np.mean(expected[0] ** 2)))
    found = [
        Check(f"predictions, {s.name}", apart(got, right, scale), OWN_WEIGHTS)
        for s, got, right in zip(sets, outputs, expected, strict=True)
    ]
    found.append(count("predictions given out", late, "changed later"))
    if not t.by_layer:
        found.append(exactness("predictions", outputs[0], expected[0]))
    return [*found, *_again(t, first, sets[1:], outputs[1:], kept)]


def _again(
    t: Trial, first: Any, sets: list[_Set], before: list[np.ndarray], kept: Weights
) -> list[Check]:
    """One more call shows in the very next prediction; and weights of before give those of before,
    which is what early stopping asks for."""
    t.adapter.train(first, _call(t))  # of the same length, so that one program is compiled
    moved = {name: value.copy() for name, value in t.adapter.weights().items()}
    outputs, _ = _outputs(t.adapter, sets[:1])
    right = _expected(t, sets[:1], moved)
    t.begin_again(t.adapter, t.whole, kept)
    one = sets[0]
    restored = t.adapter.predict(t.adapter.stage(one.x, _targets(t, len(one.x))), one.batch)
    return [
        Check("predictions, a call on", relative(outputs[0], right[0]), OWN_WEIGHTS),
        Check(
            "predictions, restored",
            relative(restored[one.looked_at], before[0].astype(np.float64)),
            OWN_WEIGHTS,
        ),
    ]


def _call(t: Trial) -> np.ndarray:
    """As many steps as in a timed round, up to some that take no network long."""
    most = MOST_COSTLY if step_operations(t.whole) > STEP_OPERATIONS else MOST_STEPS
    return t.order[: min(t.whole.round_steps, most)]


def apart(got: np.ndarray, right: np.ndarray, scale: float) -> float:
    """RMS of the differences relative to `scale`: a single output may lie near 0 by chance."""
    if got.shape != right.shape:
        return float("inf")
    return float(np.sqrt(np.mean((got - right) ** 2))) / (scale or 1.0)


def _stage(t: Trial) -> list[_Set]:
    """The timed shapes: many rows by 256, a remainder, single rows; all alive together."""
    wanted = t.whole.infer_batches * INFER_BATCH
    rows = distinct_rows(t.test, wanted + REMAINDER_ROWS + SINGLE_ROWS, t.seed)
    afford = int(ORACLE_OPERATIONS // max(flops.forward(t.whole), 1))
    looked_at = min(max(afford, FEWEST), MOST)
    rng = np.random.default_rng((t.seed, 0xF0))

    def staged(name: str, begin: int, length: int, batch: int) -> _Set:
        x = np.ascontiguousarray(rows[begin : begin + length])
        some = np.sort(rng.permutation(length)[:looked_at])
        some = np.unique(np.concatenate([[0, length - 1], some]))  # the edges always
        return _Set(name, x, batch, some, t.adapter.stage(x, _targets(t, length)))

    sets = [
        staged("many rows", 0, wanted, INFER_BATCH),
        staged("a remainder", wanted, REMAINDER_ROWS, INFER_BATCH),
    ]
    for number in range(SINGLE_ROWS):
        begin = wanted + REMAINDER_ROWS + number
        sets.append(staged(f"one row ({number + 1})", begin, 1, 1))
    return sets


def _targets(t: Trial, length: int) -> np.ndarray:
    """Targets have no part in predictions, but are staged with the rows."""
    return np.resize(np.asarray(t.y), (length, *t.y.shape[1:]))


def _outputs(adapter: Adapter, sets: list[_Set]) -> tuple[list[np.ndarray], int]:
    """What is given out for the rows looked at; and in how many sets that was changed later."""
    given = [adapter.predict(each.data, each.batch) for each in sets]
    copies = [outputs.copy() for outputs in given]
    adapter.wait()
    late = sum(not np.array_equal(a, b) for a, b in zip(given, copies, strict=True))
    looked_at = []
    for each, outputs in zip(sets, copies, strict=True):
        whole = len(outputs) == len(each.x)
        looked_at.append(outputs[each.looked_at] if whole else outputs)
    return looked_at, late


def _expected(t: Trial, sets: list[_Set], weights: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    return [own_outputs(t, each.x[each.looked_at], weights) for each in sets]


def own_outputs(t: Trial, x: np.ndarray, weights: Mapping[str, np.ndarray]) -> np.ndarray:
    """The oracle's outputs with the contender's weights. Not from the memo: they are its own."""
    oracle = Reference(adam=t.oracle.adam_form)
    oracle.build(t.task, dict(weights), t.seed)
    return oracle.predict((x, None), INFER_BATCH)
