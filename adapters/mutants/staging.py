"""Faults of two staged sets that are alive together."""

from __future__ import annotations

from typing import SupportsFloat

import numpy as np

from adapters.base import Data
from adapters.mutants.mutant import Array, Keeping, Mutant, Staged, Wrapped


class TrainsOnLast(Keeping):
    """Whatever rows are given, those staged last are trained on."""

    def train(self, data: Staged, order: Array, warps: Array | None = None) -> SupportsFloat:
        used = self.last or data
        return super().train(used, order % len(used.y), warps)


class TrainsOnFirst(Keeping):
    def train(self, data: Staged, order: Array, warps: Array | None = None) -> SupportsFloat:
        used = self.first or data
        return super().train(used, order % len(used.y), warps)


class PredictsLast(Keeping):
    def predict(self, data: Staged, batch_size: int) -> Array:
        return super().predict(self.last or data, batch_size)


class PredictsFirst(Keeping):
    """As many outputs as rows were asked for, but of the rows staged first."""

    def predict(self, data: Staged, batch_size: int) -> Array:
        outputs = super().predict(self.first or data, batch_size)
        return np.resize(outputs, (len(data.y), outputs.shape[1]))


class TrainsOnPredicted(Keeping):
    """After a prediction its rows are the ones that are trained on."""

    predicted: Staged | None = None

    def begin(self) -> None:
        super().begin()
        self.predicted = None

    def predict(self, data: Staged, batch_size: int) -> Array:
        self.predicted = data
        return super().predict(data, batch_size)

    def train(self, data: Staged, order: Array, warps: Array | None = None) -> SupportsFloat:
        used = self.predicted or data
        return super().train(used, order % len(used.y), warps)


class KnownByShape(Wrapped):
    """A set of the shape of an earlier one is taken for it."""

    def begin(self) -> None:
        self.known: dict[object, Data] = {}

    def key(self, x: Array, y: Array) -> object:
        return x.shape

    def stage(self, x: Array, y: Array) -> Data:
        key = self.key(x, y)
        if key not in self.known:
            self.known[key] = self.inner.stage(x, y)
        return self.known[key]


class KnownByRows(KnownByShape):
    """Sets with the same inputs are taken to have the same targets."""

    def key(self, x: Array, y: Array) -> object:
        return x.tobytes()


class KnownByFirstRow(KnownByShape):
    """Sets as long as one another that begin with the same row are taken for the same."""

    def key(self, x: Array, y: Array) -> object:
        return len(x), x[0].tobytes(), y[0]


class TargetsOfLast(Keeping):
    """The rows are those asked for; their targets those of the set staged last."""

    def train(self, data: Staged, order: Array, warps: Array | None = None) -> SupportsFloat:
        last = self.last or data
        if last is data:
            return super().train(data, order, warps)
        mixed = self.inner.stage(data.x, np.resize(last.y, len(data.y)))
        return self.inner.train(mixed, order, warps)


class BufferReused(Keeping):
    """A later set is written into the memory of the earlier ones, over their first rows."""

    def stage(self, x: Array, y: Array) -> Data:
        earlier = self.last
        now = super().stage(x, y)
        if earlier is not None:
            count = min(len(y), len(earlier.y))
            earlier.x[:count], earlier.y[:count] = x[:count], y[:count]
        return now

    def train(self, data: Staged, order: Array, warps: Array | None = None) -> SupportsFloat:
        return self.inner.train(self.inner.stage(data.x, data.y), order, warps)


class PredictionBufferReused(BufferReused):
    def train(self, data: Staged, order: Array, warps: Array | None = None) -> SupportsFloat:
        return self.inner.train(data.data, order, warps)

    def predict(self, data: Staged, batch_size: int) -> Array:
        return self.inner.predict(self.inner.stage(data.x, data.y), batch_size)


MUTANTS: tuple[Mutant, ...] = (
    Mutant("rows staged last trained on", "staging", TrainsOnLast),
    Mutant("rows staged first trained on", "staging", TrainsOnFirst),
    Mutant("rows staged last predicted", "staging", PredictsLast),
    Mutant("rows staged first predicted", "staging", PredictsFirst),
    Mutant("rows of a prediction trained on", "staging", TrainsOnPredicted),
    Mutant("a set taken for another of its shape", "staging", KnownByShape),
    Mutant("a set taken for another with its inputs", "staging", KnownByRows),
    Mutant("a set taken for another with its first row", "staging", KnownByFirstRow),
    Mutant("targets of the set staged last", "staging", TargetsOfLast),
    Mutant("rows to train on overwritten by later ones", "staging", BufferReused),
    Mutant("rows to predict overwritten by later ones", "staging", PredictionBufferReused),
)
