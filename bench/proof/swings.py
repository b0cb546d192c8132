"""Gradients that swing: large, usual and none, under the task's own optimizer.

Adam forgets its second moment over hundreds of steps, and its steps do not depend on the size of
gradients that stay the same; so an Adam that keeps the largest moment, or cuts large gradients off,
does nothing strange in a short training on rows of one kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from adapters.base import Adapter
from bench.proof.bounds import AGAIN_TYPICAL, SWINGS, typical
from bench.proof.checks import Check, worst
from bench.proof.narrow import cropped, narrowed
from bench.proof.trial import Trial
from tasks.spec.training import Adam
from tasks.weights import Weights

LARGE = 30.0  # times the rows' own size: gradients of a norm over any that one clips at
# Steps on large rows, on the rows as they are, and on rows of zeros, in one call.
STEPS = (2, 4, 14)


def checks(t: Trial) -> list[Check]:
    """Nothing for words, which have no size, and for other optimizers."""
    if not isinstance(t.task.optimizer, Adam) or t.x.dtype.kind != "f":
        return []
    narrow = narrowed(t.task)
    t = replace(t, whole=narrow, x=cropped(t.x, narrow))
    batch = t.task.batch_size
    usual = t.x[t.order[0]]
    # As many rows as the training has: the same program serves both.
    x = np.concatenate([LARGE * usual, usual, np.zeros_like(usual), t.x[3 * batch :]])
    y = np.concatenate([t.y[t.order[0]]] * 3 + [t.y[3 * batch :]])
    order = np.concatenate(
        [np.tile(np.arange(batch) + part * batch, (count, 1)) for part, count in enumerate(STEPS)]
    ).astype(np.int32)
    expected = t.answer("swings", lambda: _moved(t, t.oracle, x, y, order))
    got = _moved(t, t.adapter, x, y, order)
    a, b = t.parts(got), t.parts(dict(expected))
    limit = max(SWINGS, t.whole.proof.typical if t.whole.proof else 0.0)
    return [worst("swings, typical", a, b, limit, typical, AGAIN_TYPICAL)]


def _moved(
    t: Trial, each: Adapter, x: np.ndarray, y: np.ndarray, order: np.ndarray
) -> Mapping[str, np.ndarray]:
    t.begin_again(each, t.task)
    each.train(each.stage(x, y), order)
    moved: Weights = t.update(each)
    return moved
