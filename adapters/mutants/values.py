"""Faults that show where values are large: cut activations, gradients, probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from adapters.mutants.mutant import NUMPY, RECURRENT, Array, Faulty, Mutant, Wrapped
from adapters.reference import layers
from tasks.spec.layers import LSTM, Conv2D, Dense, Layer, SimpleRNN
from tasks.spec.training import Adam, Loss
from tasks.weights import Weights

CROSS_ENTROPIES: tuple[Loss, ...] = ("sparse_categorical_crossentropy", "binary_crossentropy")


class InputsCut(Wrapped):
    """Inputs over 4 in size are taken for 4."""

    def rows(self, x: Array, y: Array) -> tuple[Array, Array]:
        return (x if x.dtype.kind == "i" else np.clip(x, -4, 4)), y


class TargetsCut(Wrapped):
    def rows(self, x: Array, y: Array) -> tuple[Array, Array]:
        return x, (y if y.dtype.kind == "i" else np.clip(y, -3, 3))


class OutputsCut(Wrapped):
    """Outputs over 10 in size are given as 10."""

    def outputs(self, outputs: Array) -> Array:
        return np.clip(outputs, -10, 10)


class Activated(Faulty):
    """Activations with a limit, as a function of the layer; none where it is 0."""

    limit = 6.0

    def limited(self, layer: Layer) -> bool:
        return isinstance(layer, Dense | Conv2D) and layer.activation == "relu"

    def forward(self, layer: Layer, p: Weights, x: Array) -> tuple[Array, Any]:
        if not self.limited(layer):
            return super().forward(layer, p, x)
        out, saved = super().forward(layer, p, x)
        # A cut value passes no gradient: relu's slope is that of what is saved.
        passing = np.where(out < self.limit, out, 0).astype(out.dtype)
        return np.minimum(out, self.dtype.type(self.limit)), (saved[0], passing)


class Products(Activated):
    """Linear outputs cut at 8: a saturating accumulator."""

    limit = 8.0

    def limited(self, layer: Layer) -> bool:
        return isinstance(layer, Dense) and layer.activation == "linear"

    def forward(self, layer: Layer, p: Weights, x: Array) -> tuple[Array, Any]:
        out, saved = Faulty.forward(self, layer, p, x)
        return (np.clip(out, -self.limit, self.limit) if self.limited(layer) else out), saved


class StateCut(Faulty):
    """What a recurrent layer keeps from step to step (an LSTM's cell, a relu's state) cut at 3.
    An LSTM's gates and its output are under 1 and not touched."""

    def forward(self, layer: Layer, p: Weights, x: Array) -> tuple[Array, Any]:
        if not isinstance(layer, LSTM | SimpleRNN):
            return super().forward(layer, p, x)

        def cut(value: Array) -> Array:
            is_gates = value.shape[-1] != layer.units
            return value if is_gates else np.clip(value, -3, 3)

        return layers.forward(layer, p, x, self.rng, cut)


class GatesCut(Faulty):
    """Sums before an LSTM's gates cut at 5."""

    def forward(self, layer: Layer, p: Weights, x: Array) -> tuple[Array, Any]:
        if not isinstance(layer, LSTM):
            return super().forward(layer, p, x)

        def cut(value: Array) -> Array:
            is_gates = value.shape[-1] != layer.units
            return np.clip(value, -5, 5) if is_gates else value

        return layers.forward(layer, p, x, self.rng, cut)


class ProbabilitiesClamped(Faulty):
    """Probabilities kept 1e-7 from 0 and 1 before the logarithm: a cut loss, and no gradient."""

    def loss(self, outputs: Array, y: Array) -> tuple[float, Array]:
        loss, grad = super().loss(outputs, y)
        if self.task.loss == "mean_squared_error":
            return loss, grad
        if self.task.loss == "binary_crossentropy":
            p = layers.sigmoid(outputs)[:, 0]
            right = np.where(y > 0.5, p, 1 - p)
        else:
            shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            right = (shifted / shifted.sum(axis=1, keepdims=True))[np.arange(len(y)), y]
        clamped = np.clip(right, 1e-7, 1 - 1e-7)
        return float(-np.log(clamped).mean()), grad * (clamped == right)[:, None]


class LogitsCut(Faulty):
    def loss(self, outputs: Array, y: Array) -> tuple[float, Array]:
        return super().loss(np.clip(outputs, -15, 15), y)


class UnshiftedSoftmax(Faulty):
    """The exponentials of the logits themselves, which overflow from 89."""

    def loss(self, outputs: Array, y: Array) -> tuple[float, Array]:
        if self.task.loss != "sparse_categorical_crossentropy":
            return super().loss(outputs, y)
        with np.errstate(over="ignore", invalid="ignore"):
            e = np.exp(outputs)
            p = e / e.sum(axis=1, keepdims=True)
            rows = np.arange(len(y))
            loss = float(-np.log(p[rows, y]).mean())
        p[rows, y] -= 1
        return loss, p / len(y)


class RobustLoss(Faulty):
    """Huber's loss: errors over 4 count linearly."""

    def loss(self, outputs: Array, y: Array) -> tuple[float, Array]:
        if self.task.loss != "mean_squared_error":
            return super().loss(outputs, y)
        difference = outputs - y.reshape(-1, 1)
        cut = np.clip(difference, -4, 4)
        return float((cut * (2 * difference - cut)).mean()), 2 * cut / len(y)


class NormClipped(Faulty):
    """Gradients clipped to a norm of 5 over all parameters."""

    most = 5.0

    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        loss, grads = super().gradients(x, y)
        norm = float(np.sqrt(sum(float((g * g).sum()) for g in grads.values())))
        factor = self.dtype.type(min(1.0, self.most / max(norm, 1e-30)))
        return loss, {name: grad * factor for name, grad in grads.items()}


class NormClippedInAdam(Faulty):
    """An option of the Adam in use, so not of the plain steps gradients are read by."""

    def _update(self, grads: Weights) -> None:
        norm = float(np.sqrt(sum(float((g * g).sum()) for g in grads.values())))
        if isinstance(self.task.optimizer, Adam) and norm > 5:
            grads = {name: grad * self.dtype.type(5 / norm) for name, grad in grads.items()}
        super()._update(grads)


class ElementsClipped(Faulty):
    """Each element of a gradient clipped to 1."""

    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        loss, grads = super().gradients(x, y)
        return loss, {name: np.clip(grad, -1, 1) for name, grad in grads.items()}


class HalfPrecisionGradients(Faulty):
    """Gradients through half precision: the small are lost, the large infinite."""

    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        loss, grads = super().gradients(x, y)
        with np.errstate(over="ignore"):
            return loss, {n: g.astype(np.float16).astype(g.dtype) for n, g in grads.items()}


class SmallGradientsLost(Faulty):
    """Elements under 1e-5 flushed to zero."""

    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        loss, grads = super().gradients(x, y)
        return loss, {n: np.where(np.abs(g) < 1e-5, 0, g).astype(g.dtype) for n, g in grads.items()}


class WeightsCut(Faulty):
    """Weights kept within 2 after each update."""

    def _update(self, grads: Weights) -> None:
        super()._update(grads)
        self.params = {n: np.clip(value, -2, 2) for n, value in self.params.items()}


def _inside(name: str, faulty: type[Faulty], **where: Any) -> Mutant:
    return Mutant(name, "values", lambda _: faulty(), frameworks=NUMPY, **where)


MUTANTS: tuple[Mutant, ...] = (
    Mutant("inputs cut at 4", "values", InputsCut, ("fnn", "cnn", "rnn")),
    Mutant("targets cut at 3", "values", TargetsCut, losses=("mean_squared_error",)),
    Mutant("outputs cut at 10", "values", OutputsCut),
    _inside("relu cut at 6", Activated, families=("fnn", "cnn"), needs=Dense),
    _inside("sums of the last layer cut at 8", Products),
    _inside("recurrent state cut at 3", StateCut, families=RECURRENT),
    _inside("sums before the gates cut at 5", GatesCut, families=("lstm",), needs=LSTM),
    _inside("probabilities clamped at 1e-7", ProbabilitiesClamped, losses=CROSS_ENTROPIES),
    _inside("logits cut at 15 in the loss", LogitsCut, losses=CROSS_ENTROPIES),
    _inside("softmax that overflows from 89", UnshiftedSoftmax, losses=CROSS_ENTROPIES[:1]),
    _inside("a robust loss for the square", RobustLoss, losses=("mean_squared_error",)),
    _inside("gradients clipped to a norm of 5", NormClipped),
    _inside("gradients clipped to a norm of 5 by Adam", NormClippedInAdam),
    _inside("elements of gradients clipped to 1", ElementsClipped),
    _inside("gradients in half precision", HalfPrecisionGradients),
    _inside("gradients under 1e-5 lost", SmallGradientsLost),
    _inside("weights cut at 2", WeightsCut),
)
