"""Augmented images: their very pixels in calls of one and of many steps, and the loss of a batch.

The pixels are read as bench.proof.probe says; they are those of the task's own rows under maps of
its own, a different one for every row of every step.
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

STEPS, BATCH = 4, 4


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
    """The mean distance of a pixel, of the worst image."""
    rows = STEPS * BATCH
    x = np.ascontiguousarray(t.x[np.resize(t.order[0], rows)])
    task = reading_task(t.whole, "augmentation-probe", t.whole.input_shape, (), rows, BATCH)
    assert task.augmentation is not None
    maps = draw_warps(task.augmentation, STEPS, BATCH, task.input_shape, t.seed + 1)
    order = np.arange(rows, dtype=np.int32).reshape(STEPS, BATCH)
    expected = warp(x.astype(np.float64), maps.reshape(rows, 6)).reshape(rows, -1)
    breadth = float(x.max() - x.min()) or 1.0
    found = []
    for name, calls in (("one call", [slice(0, STEPS)]), ("single steps", [0, 1, 2, 3])):
        t.adapter.build(task, nothing(task), t.seed)
        data = t.adapter.stage(x, np.arange(rows, dtype=np.int32))
        for call in calls:
            steps = call if isinstance(call, slice) else slice(call, call + 1)
            t.adapter.train(data, order[steps], maps[steps])
        t.adapter.wait()
        got = values(task, nothing(task), t.adapter.weights())
        error = float(np.max(np.mean(np.abs(got - expected), axis=1))) / breadth
        found.append(
            Check(f"augmented pixels, {name}", error, PIXEL, "worst image", unit="pixel range")
        )
    return found
