"""Long memory: whether the first words of a sequence count, and nothing of the last batch does.

With fresh weights an LSTM has forgotten after some ten steps what came before, so sequences cut
short, gradients cut short, or a state carried on to the next batch hardly show.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.proof.bounds import AGAIN_MEMORY, MEMORY, MEMORY_OUTPUTS, relative
from bench.proof.checks import Check, worst
from bench.proof.trial import Trial
from tasks.spec.layers import LSTM, SimpleRNN
from tasks.spec.network import Task, layer_name
from tasks.spec.training import SGD
from tasks.weights import Weights

FORGET = 6.0  # sigmoid(6)^200 = 0.6
# Of SGD: an LSTM's gradients are small, and those of a state that adds up are large. At 1 and four
# steps an LSTM's rounding grows to 8e-3.
LSTM_RATE, RNN_RATE = 0.3, 1e-2
STEPS = 4


def checks(t: Trial) -> list[Check]:
    """Outputs, and the move of four steps, of recurrent layers that forget nothing."""
    weights = remembering(t.whole, t.weights)
    if weights is None:
        return []
    start = weights
    task = t.task.with_optimizer(SGD(_rate(t.task)))
    rows = t.order[1:3].ravel()
    batch = len(rows) // 2

    def compute() -> Mapping[str, np.ndarray]:
        data = t.build(t.oracle, task, start)
        outputs = t.oracle.predict(t.oracle.stage(t.x[rows], t.y[rows]), batch)
        t.oracle.train(data, t.order[:STEPS])
        return {"outputs": outputs, **t.update(t.oracle, start)}

    expected = dict(t.answer("long memory", compute, by_adam=False))
    outputs = expected.pop("outputs")
    t.begin_again(t.adapter, task, start)
    data = t.adapter.stage(t.x, t.y)
    got = t.adapter.predict(t.adapter.stage(t.x[rows], t.y[rows]), batch)
    for step in range(STEPS):
        t.adapter.train(data, t.order[step : step + 1])
    moved = t.update(t.adapter, start)
    return [
        Check("long memory, outputs", relative(got, outputs), MEMORY_OUTPUTS),
        worst(
            "long memory, update", t.parts(moved), t.parts(expected), MEMORY, relative, AGAIN_MEMORY
        ),
    ]


def _rate(task: Task) -> float:
    return RNN_RATE if any(isinstance(x, SimpleRNN) for x in task.layers) else LSTM_RATE


def remembering(task: Task, weights: Weights) -> Weights | None:
    """Weights whose recurrent layers keep what they saw; None without such layers. An LSTM's forget
    gate is open; a simple layer adds its state to what comes (Le, Jaitly & Hinton 2015)."""
    found = {name: value.copy() for name, value in weights.items()}
    recurrent = False
    for index, layer in enumerate(task.layers):
        name = layer_name(index, layer)
        if isinstance(layer, LSTM):
            recurrent = True
            found[f"{name}/bias"][layer.units : 2 * layer.units] = FORGET
        if isinstance(layer, SimpleRNN):
            recurrent = True
            found[f"{name}/recurrent"] = np.eye(layer.units, dtype=np.float32)
            found[f"{name}/kernel"] *= np.float32(0.3)
    return found if recurrent else None
