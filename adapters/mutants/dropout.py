"""Dropout that is not the task's: its rate, its place, its scale, its draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from adapters.base import Adapter, Data
from adapters.mutants.mutant import NUMPY, Array, Faulty, Mutant, Wrapped
from tasks.spec.layers import Dense, Dropout, Layer
from tasks.spec.network import Task, layer_name
from tasks.weights import Weights


class OtherRate(Wrapped):
    """Every rate as a function of the task's."""

    def __init__(self, inner: Adapter, rate: Callable[[float], float]) -> None:
        super().__init__(inner)
        self.rate = rate

    def task(self, task: Task) -> Task:
        layers = tuple(
            Dropout(self.rate(layer.rate)) if isinstance(layer, Dropout) and layer.rate else layer
            for layer in task.layers
        )
        return replace(task, layers=layers)


class OnTheInputs(Wrapped):
    """A dropout behind a dense layer is put before it."""

    def task(self, task: Task) -> Task:
        layers = list(task.layers)
        for i in self._moved(task):
            layers[i - 1 : i + 1] = [layers[i], layers[i - 1]]
        return replace(task, layers=tuple(layers))

    def load(self, task: Task, weights: Weights) -> Weights:
        return self._renamed(weights, {i - 1: i for i in self._moved(task)})

    def unload(self, task: Task, weights: Weights) -> Weights:
        return self._renamed(weights, {i: i - 1 for i in self._moved(task)})

    def _moved(self, task: Task) -> list[int]:
        pairs = enumerate(zip(task.layers[1:], task.layers, strict=False), start=1)
        return [
            i for i, (layer, before) in pairs
            if isinstance(layer, Dropout) and isinstance(before, Dense)
        ]  # fmt: skip

    def _renamed(self, weights: Weights, moved: dict[int, int]) -> Weights:
        names = {layer_name(a, Dense(1)): layer_name(b, Dense(1)) for a, b in moved.items()}
        renamed = {}
        for name, value in weights.items():
            owner, part = name.split("/")
            renamed[f"{names.get(owner, owner)}/{part}"] = value
        return renamed


class Draws:
    """In the place of the generator masks are drawn from; a value under the rate is dropped."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.count = 0

    def random(self, shape: tuple[int, ...]) -> Array:
        """As `numpy.random.Generator.random`, in shape (batch, ...)."""
        self.count += 1
        return self.draw(shape)

    def draw(self, shape: tuple[int, ...]) -> Array:
        return self.rng.random(shape)


class SameEveryStep(Draws):
    def draw(self, shape: tuple[int, ...]) -> Array:
        return np.random.default_rng(1).random(shape)


class SameForAllRows(Draws):
    def draw(self, shape: tuple[int, ...]) -> Array:
        return np.broadcast_to(self.rng.random((1, *shape[1:])), shape)


class WholeRows(Draws):
    def draw(self, shape: tuple[int, ...]) -> Array:
        return np.broadcast_to(self.rng.random((shape[0],) + (1,) * (len(shape) - 1)), shape)


class EverySecondUnit(Draws):
    """Always the same units: none is ever dropped by chance."""

    def draw(self, shape: tuple[int, ...]) -> Array:
        return np.broadcast_to(np.arange(shape[-1]) % 2 * 0.999, shape)


class InPairs(Draws):
    """Neighbouring units are dropped together."""

    def draw(self, shape: tuple[int, ...]) -> Array:
        half = self.rng.random((*shape[:-1], -(-shape[-1] // 2)))
        return np.repeat(half, 2, axis=-1)[..., : shape[-1]]


class FewMasks(Draws):
    """Four masks in turn."""

    def draw(self, shape: tuple[int, ...]) -> Array:
        return np.random.default_rng(self.count % 4).random(shape)


class EachMaskTwice(Draws):
    def draw(self, shape: tuple[int, ...]) -> Array:
        return np.random.default_rng(self.count // 2).random(shape)


class ShiftedMasks(Draws):
    """Each row's mask is that of the row before, moved on by one unit."""

    def draw(self, shape: tuple[int, ...]) -> Array:
        row = self.rng.random(shape[1:])
        return np.stack([np.roll(row, i, axis=-1) for i in range(shape[0])])


class FirstUnitsOnly(Draws):
    """The second half of the units is never dropped."""

    def draw(self, shape: tuple[int, ...]) -> Array:
        values = self.rng.random(shape)
        values[..., shape[-1] // 2 :] = 0.999
        return values


class Drawn(Faulty):
    """Masks by another of the `Draws`."""

    def __init__(self, draws: type[Draws]) -> None:
        super().__init__()
        self.draws = draws

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        super().build(task, weights, seed)
        self.rng = self.draws(seed)  # type: ignore[assignment]


class SeededEachCall(Faulty):
    def train(self, data: Data, order: Array, warps: Array | None = None) -> float:
        self.rng = np.random.default_rng(3)
        return super().train(data, order, warps)


class RateOfLaterSteps(Faulty):
    """Half the rate from the eleventh step."""

    def forward(self, layer: Layer, p: Weights, x: Array) -> tuple[Array, Any]:
        if isinstance(layer, Dropout) and self.t >= 10:
            layer = Dropout(layer.rate / 2)
        return super().forward(layer, p, x)


class Dropping(Faulty):
    """What is kept of a value going forward, and what of its gradient going back."""

    def kept(self, x: Array, rate: float) -> tuple[Array, Array]:
        raise NotImplementedError

    def mask(self, x: Array, rate: float) -> Array:
        return (self.rng.random(x.shape) >= rate).astype(x.dtype)

    def forward(self, layer: Layer, p: Weights, x: Array) -> tuple[Array, Any]:
        if not isinstance(layer, Dropout) or layer.rate == 0:
            return super().forward(layer, p, x)
        forth, back = self.kept(x, layer.rate)
        return x * forth.astype(x.dtype), back.astype(x.dtype)


class Unscaled(Dropping):
    def kept(self, x: Array, rate: float) -> tuple[Array, Array]:
        mask = self.mask(x, rate)
        return mask, mask


class ScaledInInference(Unscaled):
    """As first published: nothing is scaled in training, and everything in inference."""

    def predict(self, data: Data, batch_size: int) -> Array:
        kept, self.params = self.params, dict(self.params)
        for index, layer in enumerate(self.task.layers):
            name = f"{layer_name(index + 1, Dense(1))}/kernel"
            if isinstance(layer, Dropout) and name in self.params:
                self.params[name] = self.params[name] * self.dtype.type(1 - layer.rate)
        outputs = super().predict(data, batch_size)
        self.params = kept
        return outputs


class ScaledTwice(Dropping):
    def kept(self, x: Array, rate: float) -> tuple[Array, Array]:
        mask = self.mask(x, rate) / (1 - rate) ** 2
        return mask, mask


class GradientNotMasked(Dropping):
    def kept(self, x: Array, rate: float) -> tuple[Array, Array]:
        return self.mask(x, rate) / (1 - rate), np.ones_like(x)


class GradientNotScaled(Dropping):
    def kept(self, x: Array, rate: float) -> tuple[Array, Array]:
        mask = self.mask(x, rate)
        return mask / (1 - rate), mask


class GradientByAnotherMask(Dropping):
    def kept(self, x: Array, rate: float) -> tuple[Array, Array]:
        return self.mask(x, rate) / (1 - rate), self.mask(x, rate) / (1 - rate)


class NoiseForDropout(Dropping):
    """Gaussian dropout: a factor of mean 1 and the same variance."""

    def kept(self, x: Array, rate: float) -> tuple[Array, Array]:
        noise = 1 + self.rng.standard_normal(x.shape) * (rate / (1 - rate)) ** 0.5
        return noise, noise


class FixedCount(Dropping):
    """In each row exactly the rate's share of the units is dropped."""

    def kept(self, x: Array, rate: float) -> tuple[Array, Array]:
        ranks = self.rng.random(x.shape).argsort(axis=-1).argsort(axis=-1)
        mask = (ranks >= rate * x.shape[-1]) / (1 - rate)
        return mask, mask


def _drawn(name: str, draws: type[Draws]) -> Mutant:
    return Mutant(name, "dropout", lambda _: Drawn(draws), needs=Dropout, frameworks=NUMPY)


def _inside(name: str, faulty: type[Faulty]) -> Mutant:
    return Mutant(name, "dropout", lambda _: faulty(), needs=Dropout, frameworks=NUMPY)


def _rate(name: str, rate: Callable[[float], float]) -> Mutant:
    return Mutant(name, "dropout", lambda adapter: OtherRate(adapter, rate), needs=Dropout)


MUTANTS: tuple[Mutant, ...] = (
    _rate("dropout at 0.8 of its rate", lambda rate: 0.8 * rate),
    _rate("dropout at 1.2 of its rate", lambda rate: 1.2 * rate),
    # Of 0.5 they are the same, so the rate is a little higher there.
    _rate("the rate taken for the share that is kept", lambda rate: max(1 - rate, rate + 0.05)),
    _rate("dropout left out", lambda _: 0.0),
    Mutant("dropout on a dense layer's inputs", "dropout", OnTheInputs, needs=Dropout),
    _drawn("one mask for all steps", SameEveryStep),
    _drawn("one mask for all rows of a batch", SameForAllRows),
    _drawn("whole rows dropped", WholeRows),
    _drawn("every second unit dropped", EverySecondUnit),
    _drawn("neighbouring units dropped together", InPairs),
    _drawn("four masks in turn", FewMasks),
    _drawn("each mask used in two steps", EachMaskTwice),
    _drawn("a row's mask is the one before, shifted", ShiftedMasks),
    _drawn("only the first half of the units dropped", FirstUnitsOnly),
    _inside("masks seeded anew in each call", SeededEachCall),
    _inside("half the rate from step 11", RateOfLaterSteps),
    _inside("kept values not scaled", Unscaled),
    _inside("values scaled in inference", ScaledInInference),
    _inside("kept values scaled twice", ScaledTwice),
    _inside("gradients not masked", GradientNotMasked),
    _inside("masked gradients not scaled", GradientNotScaled),
    _inside("gradients by another mask", GradientByAnotherMask),
    _inside("Gaussian noise for dropout", NoiseForDropout),
    _inside("a fixed count dropped in each row", FixedCount),
)
