"""Numbers far from those of fresh weights: large ones, tiny gradients, rows that are learned.

relu6 for relu, a clipped LSTM cell, gradients clipped by their norm, probabilities kept off 0 and
1, numbers lost in half precision, rows skipped once they are learned: on fresh weights none of
these does anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adapters.base import Adapter
from bench.proof.bounds import (
    AGAIN_EXTREME,
    EXTREME_GRADIENTS,
    EXTREME_OUTPUTS,
    LEARNED,
    relative,
    typical,
)
from bench.proof.checks import Check, worst
from bench.proof.gradients import gradients_of, reading
from bench.proof.trial import Trial
from tasks.spec.layers import LSTM
from tasks.spec.network import Task, layer_name
from tasks.weights import Weights

KERNEL, TABLE, LSTM_RECURRENT, RNN_RECURRENT, FORGET = 5.0, 20.0, 3.0, 1.2, 5.0
INPUTS, TARGETS = 8.0, 30.0
LARGEST_OUTPUT = 150.0  # exp() of it is no float32
# Gradients below the last layer of some 1e-8.
TINY = 1e-6
# Half of the rows are surer than this margin of logits (a loss of 0.002). A difference of values
# is only as exact as they are small.
LEARNED_MARGIN, LEARNED_VALUE, LEARNED_DISTANCE = 6.0, 1.0, 0.05


@dataclass(frozen=True)
class _Case:
    """One step from `weights` on a batch of rows x with targets y."""

    name: str
    weights: Weights
    x: np.ndarray
    y: np.ndarray
    compared: tuple[str, ...]  # the parameters whose gradients are
    limit: float = EXTREME_GRADIENTS
    predicts: bool = False  # a program more to compile: once is enough


def checks(t: Trial) -> list[Check]:
    """Outputs, loss and gradients of one batch in each case."""
    found = []
    for make in (large, tiny, learned):
        found += _compared(t, make(t))
    return found


def _compared(t: Trial, case: _Case) -> list[Check]:
    """Gradients are what is compared, read from the step."""
    expected = dict(t.answer(case.name, lambda: _step(t, t.oracle, case), by_adam=False))
    got = _step(t, t.adapter, case)
    limit, name = case.limit, case.name
    found = []
    if case.predicts:
        error = relative(got.pop("outputs"), expected.pop("outputs"))
        found.append(Check(f"{name}: outputs", error, EXTREME_OUTPUTS))
    loss = relative(got.pop("loss"), expected.pop("loss"))
    a, b = t.parts(got), t.parts({name: expected[name] for name in case.compared})
    if not t.adapter.clamps_loss:  # a loss of its own kind, said by the framework's adapter
        found.append(Check(f"{name}: loss", loss, limit))
    return [
        *found,
        worst(f"{name}: gradients", a, b, limit, relative, AGAIN_EXTREME),
        worst(f"{name}: gradients, typical", a, b, limit, typical, AGAIN_EXTREME),
    ]


def _step(t: Trial, each: Adapter, case: _Case) -> dict[str, np.ndarray]:
    t.begin_again(each, reading(t.task), case.weights)
    data = each.stage(case.x, case.y)
    outputs = {"outputs": each.predict(data, len(case.y))} if case.predicts else {}
    loss = float(each.train(data, np.arange(len(case.y), dtype=np.int32)[None]))
    moved = t.update(each, case.weights)
    return {**outputs, "loss": np.array(loss), **gradients_of(moved)}


def large(t: Trial) -> _Case:
    """Kernels five times as large, a table twenty times, recurrent kernels less, because what they
    do is repeated at every time step; an open forget gate, so that an LSTM's cell grows; large
    inputs and targets; the last kernel such that the largest output is 150."""
    x, y = _batch(t)
    x = x * np.float32(INPUTS) if x.dtype.kind == "f" else x
    y = y * np.float32(TARGETS) if t.task.loss == "mean_squared_error" else y
    weights = {name: value * np.float32(_factor(name)) for name, value in t.weights.items()}
    for index, layer in enumerate(t.task.layers):
        if isinstance(layer, LSTM):
            weights[f"{layer_name(index, layer)}/bias"][layer.units : 2 * layer.units] = FORGET
    weights = _reaching(t, weights, x, LARGEST_OUTPUT)
    return _Case("large values", weights, x, y, (*weights,), predicts=True)


def tiny(t: Trial) -> _Case:
    """The last kernel so small that next to nothing comes back through it."""
    x, y = _batch(t)
    last = _last_kernel(t.task)
    weights = t.weights | {last: t.weights[last] * np.float32(TINY)}
    below = tuple(n for n in weights if n.split("/")[0] != last.split("/")[0])
    return _Case("tiny gradients", weights, x, y, below or tuple(weights))


def learned(t: Trial) -> _Case:
    """Every row's target is what the network says, sure of it, or all but."""
    x, _ = _batch(t)
    start = dict(t.weights)
    if t.task.loss == "mean_squared_error":
        weights = _reaching(t, start, x, LEARNED_VALUE)
    else:
        margin = float(np.median(_margins(_outputs(t, start, x)))) or 1.0
        weights = _scaled(t, start, LEARNED_MARGIN / margin)
    outputs = _outputs(t, weights, x)
    y: np.ndarray
    if t.task.loss == "sparse_categorical_crossentropy":
        y = outputs.argmax(axis=1)
    elif t.task.loss == "binary_crossentropy":
        y = outputs[:, 0] > 0
    else:
        rng = np.random.default_rng(t.seed)
        y = outputs[:, 0] + LEARNED_DISTANCE * rng.standard_normal(len(x))
    return _Case(
        "learned rows",
        weights,
        x,
        y.astype(t.task.target_dtype),
        (*weights,),
        LEARNED,
    )


def _batch(t: Trial) -> tuple[np.ndarray, np.ndarray]:
    rows = t.order[0]
    return np.ascontiguousarray(t.x[rows]), np.ascontiguousarray(t.y[rows])


def _reaching(t: Trial, weights: Weights, x: np.ndarray, largest: float) -> Weights:
    """The last kernel scaled so that the largest output is that; biases there are still zero."""
    now = float(np.max(np.abs(_outputs(t, weights, x)))) or 1.0
    return _scaled(t, weights, largest / now)


def _scaled(t: Trial, weights: Weights, factor: float) -> Weights:
    last = _last_kernel(t.task)
    return weights | {last: weights[last] * np.float32(factor)}


def _margins(outputs: np.ndarray) -> np.ndarray:
    """How far each row's largest logit is over the next, or over the other class's 0."""
    if outputs.shape[1] == 1:
        return np.asarray(np.abs(outputs[:, 0]))
    ordered = np.sort(outputs, axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2])


def _outputs(t: Trial, weights: Weights, x: np.ndarray) -> np.ndarray:
    """By the oracle, from the memo; the weights are told by the digest of the last kernel."""
    last = weights[_last_kernel(t.task)]
    about = f"outputs at {float(last.sum())!r} of rows {float(x.sum(dtype=np.float64))!r}"
    return t.answer(about, lambda: {"outputs": _predicted(t, weights, x)}, by_adam=False)["outputs"]


def _predicted(t: Trial, weights: Weights, x: np.ndarray) -> np.ndarray:
    t.oracle.build(t.task, weights, t.seed)
    return t.oracle.predict((x, None), len(x))


def _last_kernel(task: Task) -> str:
    index = len(task.layers) - 1
    return f"{layer_name(index, task.layers[index])}/kernel"


def _factor(name: str) -> float:
    layer, part = name.split("/")
    if part == "recurrent":
        return LSTM_RECURRENT if layer.endswith("_lstm") else RNN_RECURRENT
    return {"kernel": KERNEL, "table": TABLE}.get(part, 1.0)
