"""Graphs at weights that hide nothing: every array away from what it begins with.

Fresh biases are zero, fresh scales one, fresh running statistics those of no rows, and scores of
fresh attention so small that all places count alike: a form that is wrong there does nothing wrong
on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from adapters.base import Adapter
from bench.proof.bounds import AGAIN_EXTREME, EXTREME_GRADIENTS, EXTREME_OUTPUTS, relative, typical
from bench.proof.checks import Check, worst
from bench.proof.gradients import gradients_of, reading
from bench.proof.trial import Trial
from tasks.spec.network import moved_arrays, task_arrays
from tasks.weights import Weights

# Tables begin at 0.05; kernels so much larger make scores and gates count and norms stay sound.
TABLE, KERNEL, AROUND = 20.0, 2.0, 0.2


def checks(t: Trial) -> list[Check]:
    """Outputs, and the loss and gradients of every update. Nothing for chains: see extremes."""
    if not t.task.is_graph:
        return []
    weights = _away(t)
    found: list[Check] = []
    for number, update in enumerate(t.task.rules):
        said = f", update {number + 1}" if len(t.task.rules) > 1 else ""
        alone = replace(t, whole=reading(replace(t.task, updates=(update,))))
        answer = partial(_step, alone, t.oracle, weights)
        expected = t.answer(f"drawn weights{said}", answer, by_adam=False)
        got = _step(alone, t.adapter, weights)
        if not number:
            error = relative(got["outputs"], expected["outputs"])
            found.append(
                Check("drawn weights: outputs", error, EXTREME_OUTPUTS, again_up_to=AGAIN_EXTREME)
            )
        name, names = f"drawn weights{said}", moved_arrays(t.task, update)
        a, b = (t.parts({n: each[n] for n in names}) for each in (got, expected))
        loss = relative(got["loss"], expected["loss"])
        found += [
            Check(f"{name}: loss", loss, EXTREME_GRADIENTS),
            worst(f"{name}: gradients", a, b, EXTREME_GRADIENTS, relative, AGAIN_EXTREME),
            worst(f"{name}: gradients, typical", a, b, EXTREME_GRADIENTS, typical, AGAIN_EXTREME),
        ]
    return found


def _away(t: Trial) -> Weights:
    """The trial's weights, larger where they are drawn, and moved where they are constants."""
    rng = np.random.default_rng((t.seed, 0xDA))
    found = {}
    for name, part in task_arrays(t.task).items():
        value = t.weights[name]
        if part.draw == "uniform":
            value = value * TABLE
        elif part.draw == "glorot":
            value = value * KERNEL
        elif part.draw != "orthogonal":
            moved = rng.standard_normal(value.shape)
            value = value + AROUND * (np.abs(moved) if name.endswith("/variance") else moved)
        found[name] = value.astype(np.float32)
    return found


def _step(t: Trial, each: Adapter, weights: Weights) -> Mapping[str, np.ndarray]:
    """The outputs, and one step of one update, on the first batch."""
    t.begin_again(each, t.whole, weights)
    rows = t.order[0]
    data = each.stage(np.ascontiguousarray(t.x[rows]), np.ascontiguousarray(t.y[rows]))
    outputs = each.predict(data, len(rows))
    loss = float(each.train(data, np.arange(len(rows), dtype=np.int32)[None]))
    moved = gradients_of(t.update(each, weights))
    return {"outputs": outputs, "loss": np.array(loss), **moved}
