"""Augmented images: their very pixels in calls of one and of many steps, and the loss of a batch.

The pixels are read as bench.proof.probe says; they are those of the task's own rows, each used
several times, under another map at every use.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from adapters.reference.oracle import warp
from bench.proof.bounds import AGAIN_LOSSES, PIXEL, bound
from bench.proof.checks import Check
from bench.proof.probe import nothing, reading_task, values
from bench.proof.trial import Trial
from tasks.draws import draw_warps
from tasks.weights import Weights

ROWS, BATCH = 8, 2
# Steps of a first call of many and of single ones after it; each goes over the rows again.
MANY, SINGLE = 24, 8


def checks(t: Trial) -> list[Check]:
    """Nothing for a task that does not augment."""
    if t.task.augmentation is None:
        return []
    return [_loss(t), *_pixels(t)]


def _loss(t: Trial) -> Check:
    batch = t.order[:1]
    assert t.task.augmentation is not None
    warps = draw_warps(t.task.augmentation, 1, batch.shape[1], t.task.input_shape, t.seed)

    def compute() -> Mapping[str, np.ndarray]:
        return {"loss": np.array(t.oracle.train(t.build(t.oracle, t.task), batch, warps))}

    expected = float(t.answer("augmented loss", compute)["loss"])
    got = float(t.adapter.train(t.build(t.adapter, t.task), batch, warps))
    error = abs(got - expected) / abs(expected)
    return Check("augmented loss", error, bound(t.task, "losses"), again_up_to=AGAIN_LOSSES)


def _pixels(t: Trial) -> list[Check]:
    """The mean distance of a pixel, of the worst row; a row's images are read as their sum."""
    x = np.ascontiguousarray(t.x[np.resize(t.order[0], ROWS)])
    task = reading_task(t.whole, "augmentation-probe", t.whole.input_shape, (), ROWS, BATCH)
    assert task.augmentation is not None
    maps = draw_warps(task.augmentation, MANY + SINGLE, BATCH, task.input_shape, t.seed + 1)
    rng = np.random.default_rng(t.seed)
    passes = (MANY + SINGLE) * BATCH // ROWS
    order = np.concatenate([rng.permutation(ROWS) for _ in range(passes)])
    order = order.reshape(-1, BATCH).astype(np.int32)
    t.adapter.build(task, nothing(task), t.seed)
    data = t.adapter.stage(x, np.arange(ROWS, dtype=np.int32))
    t.adapter.train(data, order[:MANY], maps[:MANY])
    t.adapter.wait()
    between = {name: value.copy() for name, value in t.adapter.weights().items()}
    for step in range(MANY, MANY + SINGLE):
        t.adapter.train(data, order[step : step + 1], maps[step : step + 1])
    t.adapter.wait()
    breadth = float(x.max() - x.min()) or 1.0

    def compared(name: str, before: Weights, after: Weights, steps: slice) -> Check:
        expected = _warped(x, order[steps], maps[steps])
        times = len(order[steps]) * BATCH // ROWS
        apart = np.abs(values(task, before, after) - expected) / times
        error = float(np.max(np.mean(apart, axis=1))) / breadth
        return Check(f"augmented pixels, {name}", error, PIXEL, "worst row", unit="pixel range")

    return [
        compared("many steps", nothing(task), between, slice(0, MANY)),
        compared("single steps", between, t.adapter.weights(), slice(MANY, None)),
    ]


def _warped(x: np.ndarray, order: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """float64 (ROWS, pixels): for each row the sum of its warped images."""
    total = np.zeros((len(x), x[0].size))
    for rows, some in zip(order, maps, strict=True):
        total[rows] += warp(x[rows].astype(np.float64), some).reshape(len(rows), -1)
    return total
