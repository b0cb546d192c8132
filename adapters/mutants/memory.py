"""Faults of long sequences: what a recurrent network reads, carries on and learns from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from adapters.base import Adapter
from adapters.mutants.mutant import NUMPY, RECURRENT, Array, Faulty, Mutant, Wrapped
from tasks.spec.layers import LSTM, Embedding, Layer, SimpleRNN
from tasks.spec.network import Task
from tasks.weights import Weights


class ReadsSome(Wrapped):
    """Of the positions (0 … T-1) of a sequence only some are read."""

    def __init__(self, inner: Adapter, read: Callable[[Array], Array]) -> None:
        super().__init__(inner)
        self.read = read

    def task(self, task: Task) -> Task:
        positions = self.read(np.arange(task.input_shape[0]))
        return replace(task, input_shape=(len(positions), *task.input_shape[1:]))

    def rows(self, x: Array, y: Array) -> tuple[Array, Array]:
        return np.ascontiguousarray(x[:, self.read(np.arange(x.shape[1]))]), y


class Padded(Wrapped):
    """Sequences filled up in front, with zeros, to a multiple of 32."""

    def task(self, task: Task) -> Task:
        return replace(task, input_shape=(self._length(task.input_shape[0]), *task.input_shape[1:]))

    def rows(self, x: Array, y: Array) -> tuple[Array, Array]:
        missing = self._length(x.shape[1]) - x.shape[1]
        return np.pad(x, ((0, 0), (missing, 0)) + ((0, 0),) * (x.ndim - 2)), y

    def _length(self, steps: int) -> int:
        return -(-steps // 32) * 32


class ZerosFirst(Wrapped):
    """Word 0 taken for padding, and all of it moved to the front."""

    def rows(self, x: Array, y: Array) -> tuple[Array, Array]:
        order = np.argsort(x != 0, axis=1, kind="stable")
        return np.take_along_axis(x, order, axis=1), y


class RareWords(Wrapped):
    """The last tenth of the vocabulary read as one word."""

    def rows(self, x: Array, y: Array) -> tuple[Array, Array]:
        first = self.asked.layers[0]
        assert isinstance(first, Embedding)
        return np.minimum(x, np.int32(0.9 * first.vocabulary)), y


class Truncated(Faulty):
    """Gradients reach back over the last time steps only."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def _forward(self, x: Array, training: bool) -> tuple[Array, list[Any]]:
        out, saved = super()._forward(x, training)
        return out, [
            last_steps(layer, keep, self.steps)
            for layer, keep in zip(self.task.layers, saved, strict=True)
        ]


class Carried(Faulty):
    """The state of the last batch is the first state of the next one of its size: its sequences
    are read before the new ones, and gradients end where these begin."""

    carries_training = True

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        super().build(task, weights, seed)
        self.before: Array | None = None

    def _forward(self, x: Array, training: bool) -> tuple[Array, list[Any]]:
        longer = x
        if training == self.carries_training:
            if self.before is not None and len(self.before) == len(x):
                longer = np.concatenate([self.before, x], axis=1)
            self.before = x
        out, saved = super()._forward(longer, training)
        return out, [
            last_steps(layer, keep, x.shape[1])
            for layer, keep in zip(self.task.layers, saved, strict=True)
        ]


class CarriedInInference(Carried):
    carries_training = False


class NoRecurrentGradient(Faulty):
    """The recurrent kernel learns from the last time step only."""

    def _forward(self, x: Array, training: bool) -> tuple[Array, list[Any]]:
        out, saved = super()._forward(x, training)
        self.saved = saved
        return out, saved

    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        loss, grads = super().gradients(x, y)
        short = Truncated(1)
        short.build(self.task, self.params, 0)
        _, last = short.gradients(x, y)
        return loss, {n: last[n] if n.endswith("/recurrent") else g for n, g in grads.items()}


class Leaking(Faulty):
    """A forget gate that never keeps more than 0.98 of the cell."""

    def forward(self, layer: Layer, p: Weights, x: Array) -> tuple[Array, Any]:
        if not isinstance(layer, LSTM):
            return super().forward(layer, p, x)
        bias = p["bias"].copy()
        units = slice(layer.units, 2 * layer.units)
        bias[units] = np.minimum(bias[units], np.log(0.98 / 0.02))
        return super().forward(layer, p | {"bias": bias}, x)


def last_steps(layer: Layer, saved: Any, steps: int) -> Any:
    """What `backward` needs of a layer's last time steps, from what it needs of all."""
    if isinstance(layer, Embedding):
        return saved[:, -steps:]
    if isinstance(layer, LSTM):
        return saved[0][:, -steps:], saved[1][-steps:]
    if isinstance(layer, SimpleRNN):
        return saved[0][:, -steps:], saved[1][-steps - 1 :]
    return saved


def _reads(name: str, length: int, read: Callable[[Array], Array]) -> Mutant:
    def make(adapter: Adapter) -> Adapter:
        return ReadsSome(adapter, read)

    return Mutant(name, "memory", make, RECURRENT, length=length)


def _truncated(steps: int) -> Mutant:
    name = f"gradients cut after {steps} time steps"
    return Mutant(
        name, "memory", lambda _: Truncated(steps), RECURRENT, frameworks=NUMPY, length=steps + 1
    )


MUTANTS: tuple[Mutant, ...] = (
    _reads("only the last 100 time steps read", 101, lambda at: at[-100:]),
    _reads("only the last 64 time steps read", 65, lambda at: at[-64:]),
    _reads("only the first 100 time steps read", 101, lambda at: at[:100]),
    _reads("the first time step not read", 2, lambda at: at[1:]),
    _reads("the last time step not read", 2, lambda at: at[:-1]),
    _reads("the last window of 50 time steps read", 51, lambda at: at[(len(at) - 1) // 50 * 50 :]),
    _reads("every second of early time steps read", 41,
           lambda at: np.concatenate([at[:-40:2], at[-40:]])),
    Mutant("sequences padded to a multiple of 32", "memory", Padded, RECURRENT),
    Mutant("word 0 moved to the front", "memory", ZerosFirst, RECURRENT, needs=Embedding),
    Mutant("rare words read as one", "memory", RareWords, RECURRENT, needs=Embedding),
    _truncated(5),
    _truncated(20),
    _truncated(50),
    _truncated(100),
    Mutant("state carried from batch to batch", "memory", lambda _: Carried(), RECURRENT,
           frameworks=NUMPY),
    Mutant("state carried over batches of inference", "memory", lambda _: CarriedInInference(),
           RECURRENT, frameworks=NUMPY),
    Mutant("the recurrent kernel learns from the last time step", "memory",
           lambda _: NoRecurrentGradient(), RECURRENT, frameworks=NUMPY),
    Mutant("a cell that forgets at least 2 % a step", "memory", lambda _: Leaking(), ("lstm",),
           needs=LSTM, frameworks=NUMPY, length=65),
)  # fmt: skip
