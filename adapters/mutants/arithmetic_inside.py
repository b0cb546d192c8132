"""The classic faults that lie inside a framework, made in the float32 NumPy reference."""

from __future__ import annotations

from typing import Any

import numpy as np

from adapters.mutants.mutant import ALL, NUMPY, Array, Faulty, Mutant
from tasks.spec.layers import Embedding
from tasks.spec.network import Family, Task
from tasks.spec.training import Adam
from tasks.weights import Weights


class SumForMean(Faulty):
    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        loss, grads = super().gradients(x, y)
        return loss, {name: g * g.dtype.type(len(x)) for name, g in grads.items()}


class MeanTwice(Faulty):
    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        loss, grads = super().gradients(x, y)
        return loss, {name: g / g.dtype.type(len(x)) for name, g in grads.items()}


class WeightDecay(Faulty):
    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        loss, grads = super().gradients(x, y)
        return loss, {n: g + g.dtype.type(1e-4) * self.params[n] for n, g in grads.items()}


class ClippedGradients(Faulty):
    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        loss, grads = super().gradients(x, y)
        norm = float(np.sqrt(sum(float((g * g).sum()) for g in grads.values())))
        return loss, {name: g * g.dtype.type(1e-3 / max(norm, 1e-3)) for name, g in grads.items()}


class FrozenBiases(Faulty):
    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        loss, grads = super().gradients(x, y)
        return loss, {name: g * (not name.endswith("bias")) for name, g in grads.items()}


class SecondBias(Faulty):
    """A recurrent bias trained beside the input bias: their sum moves twice as far."""

    def _update(self, grads: Weights) -> None:
        before = self.weights()
        super()._update(grads)
        for name in grads:
            if name.endswith("/bias") and f"{name.split('/')[0]}/recurrent" in grads:
                self.params[name] += self.params[name] - before[name]


class UncorrectedAdam(Faulty):
    def _adam_step(self, adam: Adam, name: str, grad: Array) -> Array:
        step = super()._adam_step(adam, name, grad)
        first, second = 1 - adam.beta_1**self.t, 1 - adam.beta_2**self.t
        return step * step.dtype.type(first / second**0.5)


class LargestMoments(Faulty):
    """AMSGrad: a step divides by the largest second moment there ever was."""

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        super().build(task, weights, seed)
        self.largest = {name: np.zeros_like(value) for name, value in self.v.items()}

    def _adam_step(self, adam: Adam, name: str, grad: Array) -> Array:
        m, v = self.m[name], self.v[name]
        m += (1 - adam.beta_1) * (grad - m)
        v += (1 - adam.beta_2) * (grad * grad - v)
        np.maximum(self.largest[name], v, out=self.largest[name])
        first, second = 1 - adam.beta_1**self.t, 1 - adam.beta_2**self.t
        unbiased = np.sqrt(self.largest[name] / second)
        return np.asarray(adam.learning_rate / first * m / (unbiased + adam.epsilon))


class StateKept(Faulty):
    """Optimizer state that survives a new build."""

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        kept = (self.m, self.v, self.t) if getattr(self, "t", 0) else None
        super().build(task, weights, seed)
        if kept and kept[0].keys() == self.m.keys():
            self.m, self.v, self.t = kept


class CoarseMantissa(Faulty):
    """TF32 left on: products see ten mantissa bits."""

    def _parts(self, index: int) -> Weights:
        return {n: _ten_bits(v) for n, v in super()._parts(index).items()}


class MaskedWord(Faulty):
    """Word 0 treated as padding: its row of the table is never trained."""

    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        loss, grads = super().gradients(x, y)
        for name, grad in grads.items():
            if name.endswith("/table"):
                grad[0] = 0
        return loss, grads


class SparseAdam(Faulty):
    """Only the rows a batch touched are updated; the others' moments do not decay."""

    def _adam_step(self, adam: Adam, name: str, grad: Array) -> Array:
        step = super()._adam_step(adam, name, grad)
        if name.endswith("/table"):
            step = step * np.any(grad != 0, axis=1, keepdims=True)
        return step


def _ten_bits(value: Array) -> Array:
    bits = np.ascontiguousarray(value, np.float32).view(np.uint32)
    return (bits & np.uint32(0xFFFFE000)).view(np.float32)


def _inside(name: str, faulty: type[Faulty], *families: Family, needs: Any = None) -> Mutant:
    return Mutant(name, "arithmetic", lambda _: faulty(), families or ALL, needs, frameworks=NUMPY)


INSIDE: tuple[Mutant, ...] = (
    _inside("gradient of the sum for the mean", SumForMean),
    _inside("gradient divided by the batch twice", MeanTwice),
    _inside("weight decay of 1e-4", WeightDecay),
    _inside("gradients clipped", ClippedGradients),
    _inside("biases not trained", FrozenBiases),
    _inside("a trainable second bias", SecondBias, "rnn", "lstm"),
    _inside("Adam without bias correction", UncorrectedAdam),
    _inside("AMSGrad for Adam", LargestMoments),
    _inside("optimizer state kept over a build", StateKept),
    _inside("TF32 left on", CoarseMantissa),
    _inside("word 0 not trained", MaskedWord, "lstm", needs=Embedding),
    _inside("sparse Adam on the embedding", SparseAdam, "lstm", needs=Embedding),
)
