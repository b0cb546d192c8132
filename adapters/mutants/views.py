"""Arrays given out or taken in that are the adapter's own memory, and change later."""

from __future__ import annotations

from typing import SupportsFloat

import numpy as np

from adapters.base import Data
from adapters.mutants.mutant import NUMPY, Array, Faulty, Mutant, Wrapped, copied
from tasks.spec.network import Task
from tasks.weights import Weights


class LiveWeights(Wrapped):
    """Weights once given out follow the training: what early stopping kept as the best are the
    last."""

    def begin(self) -> None:
        self.given: list[Weights] = []

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        loss = self.inner.train(data, order, warps)
        if self.given:
            now = self.inner.weights()
            for weights in self.given:
                for name, value in weights.items():
                    value[...] = now[name]
        return loss

    def weights(self) -> Weights:
        weights = self.inner.weights()
        self.given.append(weights)
        return weights


class OneBuffer(Wrapped):
    """Weights are always given out in the same arrays."""

    def begin(self) -> None:
        self.buffer = self.inner.weights()

    def weights(self) -> Weights:
        for name, value in self.inner.weights().items():
            self.buffer[name][...] = value
        return self.buffer


class OutputsOneBuffer(Wrapped):
    """Outputs of as many rows are always given out in the same array."""

    def begin(self) -> None:
        self.buffers: dict[tuple[int, ...], Array] = {}

    def outputs(self, outputs: Array) -> Array:
        buffer = self.buffers.setdefault(outputs.shape, outputs)
        buffer[...] = outputs
        return buffer


class LiveOutputs(Wrapped):
    """Outputs given out are changed by the training that follows."""

    def begin(self) -> None:
        self.given: list[Array] = []

    def outputs(self, outputs: Array) -> Array:
        outputs = outputs.copy()
        self.given.append(outputs)
        return outputs

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        loss = self.inner.train(data, order, warps)
        for outputs in self.given:
            outputs += 1
        return loss


class CallersArrays(Wrapped):
    """The arrays given to `build` are trained in place."""

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.callers = weights
        super().build(task, weights, seed)

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        loss = self.inner.train(data, order, warps)
        for name, value in self.inner.weights().items():
            self.callers[name][...] = value
        return loss


class CallersBiases(CallersArrays):
    """Of the arrays given to `build` the biases are trained in place."""

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        loss = self.inner.train(data, order, warps)
        for name, value in self.inner.weights().items():
            if name.endswith("/bias"):
                self.callers[name][...] = value
        return loss


class ReadLate(Wrapped):
    """The arrays given to `build` are read at the first use, and may have changed by then."""

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        super().build(task, weights, seed)
        self.callers: Weights | None = weights

    def read(self) -> None:
        if self.callers is not None:
            self.inner.build(self.asked, copied(self.callers), self.seed)
        self.callers = None

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        self.read()
        return self.inner.train(data, order, warps)

    def predict(self, data: Data, batch_size: int) -> Array:
        self.read()
        return self.inner.predict(data, batch_size)

    def weights(self) -> Weights:
        self.read()
        return self.inner.weights()


class Newest:
    """A loss that always says the newest one."""

    def __init__(self, losses: list[SupportsFloat]) -> None:
        self.losses = losses

    def __float__(self) -> float:
        return float(self.losses[-1])


class LiveLoss(Wrapped):
    def begin(self) -> None:
        self.losses: list[SupportsFloat] = []

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        self.losses.append(self.inner.train(data, order, warps))
        return Newest(self.losses)


class ReadOnce(Wrapped):
    """Weights are read once between calls of several steps; single steps are not seen."""

    def begin(self) -> None:
        self.known: Weights | None = None

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        if len(order) > 1:
            self.known = None
        return self.inner.train(data, order, warps)

    def weights(self) -> Weights:
        self.known = self.known or self.inner.weights()
        return copied(self.known)


class WritableModel(Faulty):
    """Writing into what `weights` gave changes the network."""

    def weights(self) -> Weights:
        return dict(self.params)


class OrderChanged(Wrapped):
    """The caller's row numbers are sorted in place."""

    def steps(self, order: Array) -> Array:
        order[...] = np.sort(order, axis=1)
        return order


MUTANTS: tuple[Mutant, ...] = (
    Mutant("weights given out change later", "views", LiveWeights),
    Mutant("weights always in the same arrays", "views", OneBuffer),
    Mutant("outputs always in the same array", "views", OutputsOneBuffer),
    Mutant("outputs given out change later", "views", LiveOutputs),
    Mutant("the caller's weights trained in place", "views", CallersArrays),
    Mutant("the caller's biases trained in place", "views", CallersBiases),
    Mutant("the caller's weights read late", "views", ReadLate),
    Mutant("a loss that changes later", "views", LiveLoss),
    Mutant("weights not read anew after single steps", "views", ReadOnce),
    Mutant("the caller's order sorted in place", "views", OrderChanged),
    Mutant("weights given out are the network's own", "views", lambda _: WritableModel(),
           frameworks=NUMPY),
)  # fmt: skip
