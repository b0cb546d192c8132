"""Large weights: clips and limits inside a framework, which small ones never meet.

relu6 for relu, a clipped LSTM cell, gradients clipped by their norm, probabilities kept off 0 and
1: on fresh weights none of these does anything.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.proof.bounds import AGAIN_LARGE, LARGE_GRADIENTS, LARGE_OUTPUTS, relative, typical
from bench.proof.checks import Check, worst
from bench.proof.gradients import negated, oracle_gradients
from bench.proof.trial import Trial
from tasks.spec.layers import LSTM
from tasks.spec.network import Task, layer_name
from tasks.spec.training import SGD
from tasks.weights import Weights

KERNEL, TABLE, LSTM_RECURRENT, RNN_RECURRENT, FORGET = 5.0, 20.0, 3.0, 1.2, 5.0


def checks(t: Trial) -> list[Check]:
    """Outputs, loss and gradients of a batch with large weights."""
    weights = large(t.whole, t.weights)
    plain = t.task.with_optimizer(SGD(1.0))
    rows = t.order[0]
    loss, gradients = oracle_gradients(t, plain, rows, weights, "large weights")
    data = t.build(t.adapter, plain, weights)
    few = t.adapter.stage(t.x[rows], t.y[rows])
    outputs = t.adapter.predict(few, len(rows))
    got_loss = float(t.adapter.train(data, rows[None]))
    got = t.parts(negated(t.update(t.adapter, weights)))
    right = t.parts(gradients)

    def compute() -> Mapping[str, np.ndarray]:
        staged = t.build(t.oracle, plain, weights)
        return {"outputs": t.oracle.predict((staged[0][rows], None), len(rows))}

    expected = t.answer("outputs at large weights", compute)["outputs"]
    return [
        Check("large outputs", relative(outputs, expected), LARGE_OUTPUTS),
        Check("large loss", relative(np.array(got_loss), np.array(loss)), LARGE_OUTPUTS),
        worst("large gradients", got, right, LARGE_GRADIENTS, relative, AGAIN_LARGE),
        worst("large gradients, typical", got, right, LARGE_GRADIENTS, typical, AGAIN_LARGE),
    ]


def large(task: Task, weights: Weights) -> Weights:
    """Kernels five times as large, a table twenty times, recurrent kernels less, because what they
    do is repeated at every time step; an open forget gate, so that an LSTM's cell grows."""
    found = {name: value * np.float32(_factor(task, name)) for name, value in weights.items()}
    for index, layer in enumerate(task.layers):
        if isinstance(layer, LSTM):
            found[f"{layer_name(index, layer)}/bias"][layer.units : 2 * layer.units] = FORGET
    return found


def _factor(task: Task, name: str) -> float:
    layer, part = name.split("/")
    if part == "recurrent":
        return LSTM_RECURRENT if layer.endswith("_lstm") else RNN_RECURRENT
    return {"kernel": KERNEL, "table": TABLE}.get(part, 1.0)
