"""Another amount of work under the right name, with results that are right or nearly."""

from __future__ import annotations

from typing import SupportsFloat

import numpy as np

from adapters.base import Adapter, Data, Setting
from adapters.mutants.mutant import NUMPY, Array, Faulty, Keeping, Mutant, Staged, Wrapped, copied
from adapters.reference.oracle import Reference, round_mantissa
from tasks.weights import Weights


class DistinctRows(Keeping):
    """Rows that are there twice are computed once."""

    def predict(self, data: Staged, batch_size: int) -> Array:
        flat = np.ascontiguousarray(data.x).reshape(len(data.x), -1)
        _, first, again = np.unique(flat, axis=0, return_index=True, return_inverse=True)
        few = self.inner.stage(data.x[first], data.y[first])
        return self.inner.predict(few, batch_size)[again.ravel()]


class DistinctBatches(Keeping):
    """Batches that are equal are computed once."""

    def predict(self, data: Staged, batch_size: int) -> Array:
        known: dict[bytes, Array] = {}
        parts = []
        for begin in range(0, len(data.y), batch_size):
            rows = slice(begin, begin + batch_size)
            key = data.x[rows].tobytes()
            if key not in known:
                batch = self.inner.stage(data.x[rows], data.y[rows])
                known[key] = self.inner.predict(batch, batch_size)
            parts.append(known[key])
        return np.concatenate(parts)


class OutputsKept(Wrapped):
    """Outputs are kept until the next training, and given again."""

    def begin(self) -> None:
        self.known: list[tuple[Data, int, Array]] = []

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        self.known = []
        return self.inner.train(data, order, warps)

    def predict(self, data: Data, batch_size: int) -> Array:
        for known, size, outputs in self.known:
            if known is data and size == batch_size:
                return outputs.copy()
        outputs = self.inner.predict(data, batch_size)
        self.known.append((data, batch_size, outputs))
        return outputs.copy()


class OutputsAhead(Keeping):
    """Outputs are computed while rows are staged, which is not timed."""

    def stage(self, x: Array, y: Array) -> Data:
        staged = super().stage(x, y)
        self.fresh = True
        self.ahead = (staged, self.inner.predict(staged.data, 256))
        return staged

    def train(self, data: Staged, order: Array, warps: Array | None = None) -> SupportsFloat:
        self.fresh = False
        return super().train(data, order, warps)

    def predict(self, data: Staged, batch_size: int) -> Array:
        if self.fresh and data is self.ahead[0]:
            return self.ahead[1].copy()
        return super().predict(data, batch_size)


class TrainingRemembered(Wrapped):
    """A call that starts from weights, optimizer and order seen before is not done again: its
    end is put in place."""

    def __init__(self, inner: Adapter) -> None:
        super().__init__(inner)
        self.known: dict[bytes, Weights] = {}
        self.losses: dict[bytes, float] = {}

    def begin(self) -> None:
        self.fresh = True

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        if not self.fresh:
            return self.inner.train(data, order, warps)
        self.fresh = False
        before = b"".join(value.tobytes() for value in self.inner.weights().values())
        key = before + order.tobytes() + repr(self.asked).encode()
        if key not in self.known:
            self.losses[key] = float(self.inner.train(data, order, warps))
            self.known[key] = self.inner.weights()
        else:
            self.inner.build(self.asked, self.known[key], self.seed)
        return self.losses[key]


class DoublePrecision(Reference):
    """float64 under float32's name."""

    def settings(self) -> dict[str, Setting]:
        return super().settings() | {"precision": "fp32"}

    def predict(self, data: Data, batch_size: int) -> Array:
        return super().predict(data, batch_size).astype(np.float32)

    def weights(self) -> Weights:
        return {name: value.astype(np.float32) for name, value in self.params.items()}


class DoublePredictions(Faulty):
    """Only inference in float64."""

    def predict(self, data: Data, batch_size: int) -> Array:
        exact = Reference()
        exact.build(self.task, self.params, 0)
        return exact.predict(exact.stage(*data), batch_size).astype(np.float32)


class CoarseWeights(Faulty):
    """Kernels kept in sixteen bits of mantissa: less memory to move."""

    def _update(self, grads: Weights) -> None:
        super()._update(grads)
        self.params = {
            n: round_mantissa(v, 7) if n.endswith("kernel") else v for n, v in self.params.items()
        }


class HalfTheBatch(Faulty):
    """The gradient of half of the rows, the loss of all."""

    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        loss, _ = super().gradients(x, y)
        half = max(1, len(y) // 2)
        return loss, super().gradients(x[:half], y[:half])[1]


class DistinctTrainingRows(Faulty):
    """A row that is in a batch twice is computed once, and counted once."""

    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        _, first = np.unique(x.reshape(len(x), -1), axis=0, return_index=True)
        return super().gradients(x[first], y[first])


class SmallRowsSkipped(Faulty):
    """Rows that are already learned (a loss under 0.01) are left out of the gradient."""

    def loss(self, outputs: Array, y: Array) -> tuple[float, Array]:
        loss, grad = super().loss(outputs, y)
        learned = [
            super(SmallRowsSkipped, self).loss(outputs[[i]], y[[i]])[0] < 0.01
            for i in range(len(y))
        ]
        return loss, np.where(np.array(learned)[:, None], 0, grad).astype(grad.dtype)


class MomentsNowAndThen(Faulty):
    """Adam's second moments are brought up to date in every second step from the 21st on."""

    def _update(self, grads: Weights) -> None:
        kept = copied(self.v)
        super()._update(grads)
        if self.t > 20 and self.t % 2:
            self.v = kept


class WorkTwice(Wrapped):
    """Every prediction is made twice."""

    def predict(self, data: Data, batch_size: int) -> Array:
        self.inner.predict(data, batch_size)
        return self.inner.predict(data, batch_size)


SLOWER = "the same arithmetic and the same results, only slower: it is the contender's own loss"

DISARMED = (
    "its outputs are right, and it saves nothing: the rows of timed rounds all differ, and between "
    "two turns of them a step is trained"
)

MUTANTS: tuple[Mutant, ...] = (
    Mutant("rows that are there twice predicted once", "work", DistinctRows, unseeable=DISARMED),
    Mutant("equal batches predicted once", "work", DistinctBatches, unseeable=DISARMED),
    Mutant("outputs kept until the next training", "work", OutputsKept, unseeable=DISARMED),
    Mutant("outputs computed while rows are staged", "work", OutputsAhead, unseeable=DISARMED),
    Mutant("a training seen before not done again", "work", TrainingRemembered),
    Mutant("float64 called float32", "work", lambda a: DoublePrecision(adam=a.adam_form),
           frameworks=NUMPY),
    Mutant("inference in float64", "work", lambda _: DoublePredictions(), frameworks=NUMPY),
    Mutant("kernels kept in 16 bits of mantissa", "work", lambda _: CoarseWeights(),
           frameworks=NUMPY),
    Mutant("the gradient of half the batch", "work", lambda _: HalfTheBatch(), frameworks=NUMPY),
    Mutant("rows that are there twice counted once", "work", lambda _: DistinctTrainingRows(),
           frameworks=NUMPY),
    Mutant("learned rows left out of the gradient", "work", lambda _: SmallRowsSkipped(),
           frameworks=NUMPY),
    Mutant("second moments every second step after the 20th", "work",
           lambda _: MomentsNowAndThen(), frameworks=NUMPY),
    Mutant("predictions made twice", "work", WorkTwice, unseeable=SLOWER),
)  # fmt: skip
