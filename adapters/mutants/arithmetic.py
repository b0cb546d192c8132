"""The classic faults: the optimizer's form and numbers, rows, labels, layouts, the loss's mean.

Those around any adapter; arithmetic_inside.py has those of the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import SupportsFloat

import numpy as np

from adapters.base import Adapter, Data
from adapters.mutants.mutant import ALL, Array, Mutant, Wrapped, some
from tasks.spec.layers import LSTM, Conv2D, Dense, Flatten, SimpleRNN
from tasks.spec.network import Family, Task, layer_name, output_shapes
from tasks.spec.training import SGD, Adam
from tasks.weights import Weights, initial_weights


def _adam(**changes: float) -> type[Wrapped]:
    class OtherAdam(Wrapped):
        def task(self, task: Task) -> Task:
            if isinstance(task.optimizer, Adam):
                return task.with_optimizer(replace(task.optimizer, **changes))
            return task

    return OtherAdam


class OtherForm(Wrapped):
    def __init__(self, inner: Adapter) -> None:
        super().__init__(inner)
        other = {"epsilon": "epsilon-hat", "epsilon-hat": "epsilon"}
        self.adam_form = other[inner.adam_form]  # type: ignore[misc, assignment]


class PlainSGD(Wrapped):
    def task(self, task: Task) -> Task:
        rate = task.optimizer.learning_rate
        return task.with_optimizer(SGD(rate))


class OtherActivation(Wrapped):
    def task(self, task: Task) -> Task:
        layers = list(task.layers)
        for i, layer in enumerate(layers):
            if isinstance(layer, Dense | Conv2D | SimpleRNN) and layer.activation != "linear":
                other = "relu" if layer.activation == "tanh" else "tanh"
                layers[i] = replace(layer, activation=other)  # type: ignore[arg-type]
                break
        return replace(task, layers=tuple(layers))


class ShiftedRows(Wrapped):
    def steps(self, order: Array) -> Array:
        return order - 1 + (order == 0).astype(order.dtype)


class ShortBatch(Wrapped):
    def steps(self, order: Array) -> Array:
        return order[:, :-1]

    def maps(self, warps: Array | None) -> Array | None:
        return None if warps is None else warps[:, :-1]


class StepTwice(Wrapped):
    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        self.inner.train(data, order[:1], some(warps, slice(1)))
        return self.inner.train(data, order, warps)


class StepNotTaken(Wrapped):
    """The last step of every call over several steps is left out, as in a loop one too short."""

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        taken = slice(max(1, len(order) - 1))
        return self.inner.train(data, order[taken], some(warps, taken))


class ShiftedLabels(Wrapped):
    def rows(self, x: Array, y: Array) -> tuple[Array, Array]:
        return x, np.roll(y, 1)


class ScaledInputs(Wrapped):
    def rows(self, x: Array, y: Array) -> tuple[Array, Array]:
        return (x if x.dtype.kind == "i" else x * x.dtype.type(0.999)), y


class ShiftedPixels(Wrapped):
    def rows(self, x: Array, y: Array) -> tuple[Array, Array]:
        return np.roll(x, 1, axis=2), y


class ReversedTime(Wrapped):
    def rows(self, x: Array, y: Array) -> tuple[Array, Array]:
        return np.ascontiguousarray(x[:, ::-1]), y


class OwnWeights(Wrapped):
    def load(self, task: Task, weights: Weights) -> Weights:
        return initial_weights(task, 99)


class RemainderDropped(Wrapped):
    def predict(self, data: Data, batch_size: int) -> Array:
        outputs = self.inner.predict(data, batch_size)
        return outputs[: len(outputs) // batch_size * batch_size]


class RowsReversed(Wrapped):
    def outputs(self, outputs: Array) -> Array:
        return outputs[::-1]


class Probabilities(Wrapped):
    def outputs(self, outputs: Array) -> Array:
        e = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True) if outputs.shape[1] > 1 else 1 / (1 + 1 / e)


class HalfPrecisionOutputs(Wrapped):
    def outputs(self, outputs: Array) -> Array:
        return outputs.astype(np.float16).astype(np.float32)


class DropoutLeftOn(Wrapped):
    """A random tenth of the inputs is dropped."""

    def rows(self, x: Array, y: Array) -> tuple[Array, Array]:
        keep = np.random.default_rng(0).random(x.shape) >= 0.1
        return (x * keep).astype(x.dtype), y


class Permuted(Wrapped):
    """Parameters stored in another order than the layer reads them."""

    def permutation(self, task: Task, name: str) -> Array | None:
        raise NotImplementedError

    def axis(self, name: str) -> int:
        return -1

    def load(self, task: Task, weights: Weights) -> Weights:
        for name, value in weights.items():
            order = self.permutation(task, name)
            if order is not None:
                weights[name] = np.ascontiguousarray(np.take(value, order, self.axis(name)))
        return weights

    def unload(self, task: Task, weights: Weights) -> Weights:
        for name, value in weights.items():
            order = self.permutation(task, name)
            if order is not None:
                weights[name] = np.take(value, np.argsort(order), self.axis(name))
        return weights


class GateOrder(Permuted):
    """Gates taken as i, f, o, g."""

    def permutation(self, task: Task, name: str) -> Array | None:
        for index, layer in enumerate(task.layers):
            if isinstance(layer, LSTM) and name.startswith(layer_name(index, layer)):
                return np.arange(4 * layer.units).reshape(4, -1)[[0, 1, 3, 2]].ravel()
        return None


class FlattenOrder(Permuted):
    """The dense kernel after a convolution read as (C, H, W) instead of (H, W, C)."""

    def axis(self, name: str) -> int:
        return 0

    def permutation(self, task: Task, name: str) -> Array | None:
        shapes = output_shapes(task)
        for index, layer in enumerate(task.layers[1:], start=1):
            dense = f"{index + 1}_dense/kernel"
            if isinstance(layer, Flatten) and name == dense and len(shapes[index - 1]) == 3:
                size = int(np.prod(shapes[index - 1]))
                return np.arange(size).reshape(shapes[index - 1]).transpose(2, 0, 1).ravel()
        return None


class FlippedKernels(Wrapped):
    """True convolution instead of cross-correlation."""

    def load(self, task: Task, weights: Weights) -> Weights:
        return {n: self._flip(n, value) for n, value in weights.items()}

    def unload(self, task: Task, weights: Weights) -> Weights:
        return {n: self._flip(n, value) for n, value in weights.items()}

    def _flip(self, name: str, value: Array) -> Array:
        return np.ascontiguousarray(value[::-1, ::-1]) if value.ndim == 4 else value


class ForgetBiasTwice(Wrapped):
    """A kernel that adds its own forget bias of 1 to the one in the weights."""

    def load(self, task: Task, weights: Weights) -> Weights:
        return self._add(task, weights, 1.0)

    def unload(self, task: Task, weights: Weights) -> Weights:
        return self._add(task, weights, -1.0)

    def _add(self, task: Task, weights: Weights, amount: float) -> Weights:
        for index, layer in enumerate(task.layers):
            if isinstance(layer, LSTM):
                bias = weights[f"{layer_name(index, layer)}/bias"]
                bias[layer.units : 2 * layer.units] += amount
        return weights


def _around(name: str, wrapper: Callable[[Adapter], Adapter], *families: Family) -> Mutant:
    return Mutant(name, "arithmetic", wrapper, families or ALL)


AROUND: tuple[Mutant, ...] = (
    _around("the other form of Adam's epsilon", OtherForm),
    _around("learning rate 1 % higher", _adam(learning_rate=1.01e-3)),
    _around("beta 1 of 0.89", _adam(beta_1=0.89)),
    _around("beta 2 of 0.99", _adam(beta_2=0.99)),
    _around("epsilon of 1e-8", _adam(epsilon=1e-8)),
    _around("plain SGD", PlainSGD),
    _around("another activation", OtherActivation, "fnn", "cnn", "rnn"),
    _around("rows shifted by one", ShiftedRows),
    _around("one row fewer in a batch", ShortBatch),
    _around("a step taken twice", StepTwice),
    _around("a step not taken", StepNotTaken),
    _around("labels shifted by one row", ShiftedLabels),
    _around("inputs scaled by 0.999", ScaledInputs, "fnn", "cnn", "rnn"),
    _around("images shifted by one pixel", ShiftedPixels, "cnn"),
    _around("sequences read backwards", ReversedTime, "rnn", "lstm"),
    _around("its own initial weights", OwnWeights),
    _around("the last, shorter batch dropped", RemainderDropped),
    _around("outputs in another row order", RowsReversed),
    _around("probabilities for logits", Probabilities),
    _around("outputs rounded to half precision", HalfPrecisionOutputs),
    _around("dropout left on", DropoutLeftOn, "fnn", "cnn", "rnn"),
    _around("LSTM gates i, f, o, g", GateOrder, "lstm"),
    _around("flatten as C, H, W", FlattenOrder, "cnn"),
    _around("convolution kernels flipped", FlippedKernels, "cnn"),
    _around("forget bias added twice", ForgetBiasTwice, "lstm"),
)
