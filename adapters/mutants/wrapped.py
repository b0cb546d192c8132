"""Faults seen in real comparisons, as adapters that make them: the certificate must refuse each.

Two kinds. `WRAPPED`, here: they sit around any adapter and falsify what goes in or comes out, so
they are tried on every framework. Those of adapters/mutants/inside.py change the arithmetic of
the float32 NumPy reference, for faults that lie inside a framework. A mutant that passes is a hole
in the proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import SupportsFloat

import numpy as np

from adapters.base import Adapter, Data, Setting
from tasks.spec.layers import LSTM, Conv2D, Dense, Flatten, SimpleRNN
from tasks.spec.network import Family, Task, layer_name, output_shapes
from tasks.spec.training import SGD, Adam, Augmentation
from tasks.weights import Weights, initial_weights

ALL: tuple[Family, ...] = ("fnn", "cnn", "rnn", "lstm")
Array = np.ndarray


@dataclass(frozen=True)
class Mutant:
    """A named fault, the families of tasks it can show in, and what kind of layer it needs, or
    `Augmentation` where it needs that."""

    name: str
    families: tuple[Family, ...]
    make: Callable[[Adapter], Adapter]
    needs: type | None = None

    def applies(self, task: Task) -> bool:
        """Whether the fault can show in this task at all."""
        kinds = {type(part) for part in (*task.layers, task.augmentation)}
        return task.family in self.families and (self.needs is None or self.needs in kinds)


class Wrapped(Adapter):
    """Passes everything on to `inner`; a mutant overrides one of the small hooks."""

    def __init__(self, inner: Adapter) -> None:
        self.inner = inner
        self.adam_form = inner.adam_form  # type: ignore[misc]  # follows what it wraps

    def task(self, task: Task) -> Task:
        return task

    def load(self, task: Task, weights: Weights) -> Weights:
        return weights

    def unload(self, task: Task, weights: Weights) -> Weights:
        return weights

    def rows(self, x: Array, y: Array) -> tuple[Array, Array]:
        return x, y

    def steps(self, order: Array) -> Array:
        return order

    def maps(self, warps: Array | None) -> Array | None:
        return warps

    def outputs(self, outputs: Array) -> Array:
        return outputs

    def settings(self) -> dict[str, Setting]:
        return self.inner.settings()

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.asked = task
        copies = {name: value.copy() for name, value in weights.items()}
        self.inner.build(self.task(task), self.load(task, copies), seed)

    def stage(self, x: Array, y: Array) -> Data:
        return self.inner.stage(*self.rows(x, y))

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        return self.inner.train(data, self.steps(order), self.maps(warps))

    def predict(self, data: Data, batch_size: int) -> Array:
        return self.outputs(self.inner.predict(data, batch_size))

    def wait(self) -> None:
        self.inner.wait()

    def weights(self) -> Weights:
        return self.unload(self.asked, self.inner.weights())


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
        self.inner.train(data, order[:1])
        return self.inner.train(data, order, warps)


class StepNotTaken(Wrapped):
    """The last step of every call over several steps is left out, as in a loop one too short."""

    def steps(self, order: Array) -> Array:
        return order[:-1] if len(order) > 1 else order


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


class NoAugmentation(Wrapped):
    def maps(self, warps: Array | None) -> Array | None:
        return None


class InverseMaps(Wrapped):
    """Maps read as from input to output pixels."""

    def maps(self, warps: Array | None) -> Array | None:
        if warps is None:
            return None
        whole = np.zeros((*warps.shape[:2], 3, 3))
        whole[..., :2, :] = warps.reshape(*warps.shape[:2], 2, 3)
        whole[..., 2, 2] = 1
        inverse = np.linalg.inv(whole)[..., :2, :]
        return inverse.reshape(warps.shape).astype(np.float32)


class PixelCorners(Wrapped):
    """Positions counted from a pixel's corner for its centre: half a pixel off where it turns."""

    def maps(self, warps: Array | None) -> Array | None:
        if warps is None:
            return None
        moved = warps.copy()
        moved[..., 2] += 0.5 * (warps[..., 0] + warps[..., 1] - 1)
        moved[..., 5] += 0.5 * (warps[..., 3] + warps[..., 4] - 1)
        return moved


WRAPPED: tuple[Mutant, ...] = (
    Mutant("the other form of Adam's epsilon", ALL, OtherForm),
    Mutant("learning rate 1 % higher", ALL, _adam(learning_rate=1.01e-3)),
    Mutant("beta 1 of 0.89", ALL, _adam(beta_1=0.89)),
    Mutant("beta 2 of 0.99", ALL, _adam(beta_2=0.99)),
    Mutant("epsilon of 1e-8", ALL, _adam(epsilon=1e-8)),
    Mutant("plain SGD", ALL, PlainSGD),
    Mutant("another activation", ("fnn", "cnn", "rnn"), OtherActivation),
    Mutant("rows shifted by one", ALL, ShiftedRows),
    Mutant("one row fewer in a batch", ALL, ShortBatch),
    Mutant("a step taken twice", ALL, StepTwice),
    Mutant("a step not taken", ALL, StepNotTaken),
    Mutant("labels shifted by one row", ALL, ShiftedLabels),
    Mutant("inputs scaled by 0.999", ("fnn", "cnn", "rnn"), ScaledInputs),
    Mutant("images shifted by one pixel", ("cnn",), ShiftedPixels),
    Mutant("sequences read backwards", ("rnn", "lstm"), ReversedTime),
    Mutant("its own initial weights", ALL, OwnWeights),
    Mutant("the last, shorter batch dropped", ALL, RemainderDropped),
    Mutant("outputs in another row order", ALL, RowsReversed),
    Mutant("probabilities for logits", ALL, Probabilities),
    Mutant("outputs rounded to half precision", ALL, HalfPrecisionOutputs),
    Mutant("dropout left on", ("fnn", "cnn", "rnn"), DropoutLeftOn),
    Mutant("LSTM gates i, f, o, g", ("lstm",), GateOrder),
    Mutant("flatten as C, H, W", ("cnn",), FlattenOrder),
    Mutant("convolution kernels flipped", ("cnn",), FlippedKernels),
    Mutant("forget bias added twice", ("lstm",), ForgetBiasTwice),
    Mutant("augmentation left out", ("cnn",), NoAugmentation, Augmentation),
    Mutant("augmentation's maps inverted", ("cnn",), InverseMaps, Augmentation),
    Mutant("augmentation half a pixel off", ("cnn",), PixelCorners, Augmentation),
)
