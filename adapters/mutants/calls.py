"""Faults of calls of many steps, of several calls in a row, and of what comes after many steps."""

from __future__ import annotations

from typing import SupportsFloat

import numpy as np

from adapters.base import Adapter, Data
from adapters.mutants.mutant import NUMPY, Array, Faulty, Mutant, Wrapped, some
from tasks.spec.network import Task
from tasks.spec.training import Adam
from tasks.weights import Weights


class NewOptimizer(Wrapped):
    """The optimizer is made anew, with the weights kept."""

    def renew(self) -> None:
        self.inner.wait()
        self.inner.build(self.asked, self.inner.weights(), self.seed)


class NewOptimizerEachCall(NewOptimizer):
    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        self.renew()
        return self.inner.train(data, order, warps)


class NewOptimizerInLongCalls(NewOptimizer):
    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        if len(order) > 1:
            self.renew()
        return self.inner.train(data, order, warps)


class NewOptimizerAtPrediction(NewOptimizer):
    def predict(self, data: Data, batch_size: int) -> Array:
        outputs = self.inner.predict(data, batch_size)
        self.renew()
        return outputs


class NewOptimizerAtReading(NewOptimizer):
    def weights(self) -> Weights:
        self.renew()
        return self.inner.weights()


class FirstOrderKept(Wrapped):
    """The order of the first call of several steps is staged, and used by all that follow."""

    def begin(self) -> None:
        self.orders: dict[tuple[int, ...], Array] = {}

    def steps(self, order: Array) -> Array:
        return self.orders.setdefault(order.shape, order.copy()) if len(order) > 1 else order


class SomeSteps(Wrapped):
    """Of a call's steps only the first are taken."""

    def count(self, asked: int) -> int:
        raise NotImplementedError

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        taken = slice(self.count(len(order)))
        return self.inner.train(data, order[taken], some(warps, taken))


class RemainderDropped(SomeSteps):
    """Steps are taken in chunks; what is left over of more than one chunk is not taken."""

    def __init__(self, inner: Adapter, chunk: int) -> None:
        super().__init__(inner)
        self.chunk = chunk

    def count(self, asked: int) -> int:
        return asked // self.chunk * self.chunk if asked > self.chunk else asked


class CutShort(SomeSteps):
    """A call takes no more than so many steps."""

    def __init__(self, inner: Adapter, most: int) -> None:
        super().__init__(inner)
        self.most = most

    def count(self, asked: int) -> int:
        return min(asked, self.most)


class StopsLearning(Wrapped):
    """After so many steps since the build, some are answered with the last loss only."""

    steps_before = 20

    def begin(self) -> None:
        self.done = 0
        self.loss: SupportsFloat = 0.0

    def taken(self, number: int) -> bool:
        return number < self.steps_before or number % 2 == 0

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        numbers = range(self.done, self.done + len(order))
        taken = [i for i, number in enumerate(numbers) if self.taken(number)]
        self.done += len(order)
        if taken:
            maps = None if warps is None else warps[taken]
            self.loss = self.inner.train(data, order[taken], maps)
        return self.loss


class StopsFor(StopsLearning):
    steps_before = 30

    def taken(self, number: int) -> bool:
        return number < self.steps_before


class EverySecondCallLost(Wrapped):
    """Of calls of several steps every second one changes nothing."""

    def begin(self) -> None:
        self.calls = 0

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        self.calls += len(order) > 1
        if len(order) > 1 and self.calls % 2 == 0:
            kept = self.inner.weights()
            loss = float(self.inner.train(data, order, warps))
            self.inner.build(self.asked, kept, self.seed)
            return loss
        return self.inner.train(data, order, warps)


class BatchesMixed(Wrapped):
    """The order of a call of several steps read by columns."""

    def steps(self, order: Array) -> Array:
        return np.ascontiguousarray(order.T).reshape(order.shape)


class OneBatch(Wrapped):
    """Every step of a call trains on the call's first batch."""

    def steps(self, order: Array) -> Array:
        return np.repeat(order[:1], len(order), axis=0)


class StepsSwapped(Wrapped):
    """The steps of a call of more than twenty are taken in pairs, the later one first."""

    def steps(self, order: Array) -> Array:
        if len(order) <= 20:
            return order
        numbers = np.arange(len(order)) ^ 1
        return order[np.minimum(numbers, len(order) - 1)]


class LastLoss(Wrapped):
    """The loss of the last step for the mean over all."""

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        if len(order) > 1:
            self.inner.train(data, order[:-1], some(warps, slice(-1)))
        return self.inner.train(data, order[-1:], some(warps, slice(-1, None)))


class SummedLoss(Wrapped):
    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        return float(self.inner.train(data, order, warps)) * len(order)


class CountRestarts(Faulty):
    """Moments are kept between calls of several steps, the count of steps is not."""

    def train(self, data: Data, order: Array, warps: Array | None = None) -> float:
        if len(order) > 1:
            self.t = 0
        return super().train(data, order, warps)


class CountStops(Faulty):
    """The count behind Adam's corrections stops at twenty."""

    def _update(self, grads: Weights) -> None:
        self.t = min(self.t, 19)
        super()._update(grads)


class RateFalls(Faulty):
    """A schedule left on: half the learning rate from the 26th step."""

    def _adam_step(self, adam: Adam, name: str, grad: Array) -> Array:
        step = super()._adam_step(adam, name, grad)
        return step * step.dtype.type(0.5) if self.t > 25 else step


class GradientsLeft(Faulty):
    """Gradients are not zeroed between calls: the first step of a call adds the last one's."""

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        super().build(task, weights, seed)
        self.left: Weights = {}
        self.added = False

    def train(self, data: Data, order: Array, warps: Array | None = None) -> float:
        self.added = len(order) > 1  # single steps are zeroed as they should be
        return super().train(data, order, warps)

    def _update(self, grads: Weights) -> None:
        if self.added and self.left:
            grads = {name: grad + self.left[name] for name, grad in grads.items()}
        self.added = False
        self.left = grads
        super()._update(grads)


class DelayedGradients(Faulty):
    """A pipeline: in a call of several steps each update takes the gradient of the step before."""

    def train(self, data: Data, order: Array, warps: Array | None = None) -> float:
        self.before: Weights | None = None
        self.piped = len(order) > 1
        return super().train(data, order, warps)

    def _update(self, grads: Weights) -> None:
        super()._update(self.before if self.piped and self.before else grads)
        self.before = grads


MUTANTS: tuple[Mutant, ...] = (
    Mutant("a new optimizer in each call", "calls", NewOptimizerEachCall),
    Mutant("a new optimizer in calls of several steps", "calls", NewOptimizerInLongCalls),
    Mutant("a new optimizer after a prediction", "calls", NewOptimizerAtPrediction),
    Mutant("a new optimizer when weights are read", "calls", NewOptimizerAtReading),
    Mutant("the first call's order kept", "calls", FirstOrderKept),
    Mutant("steps left over of chunks of 4 dropped", "calls", lambda a: RemainderDropped(a, 4)),
    Mutant("steps left over of chunks of 10 dropped", "calls", lambda a: RemainderDropped(a, 10)),
    Mutant("steps left over of chunks of 25 dropped", "calls", lambda a: RemainderDropped(a, 25)),
    Mutant("no more than 20 steps in a call", "calls", lambda a: CutShort(a, 20)),
    Mutant("no more than 32 steps in a call", "calls", lambda a: CutShort(a, 32)),
    Mutant("every second step after the 20th left out", "calls", StopsLearning),
    Mutant("no step after the 30th", "calls", StopsFor),
    Mutant("every second call lost", "calls", EverySecondCallLost),
    Mutant("a call's order read by columns", "calls", BatchesMixed),
    Mutant("a call trains on its first batch", "calls", OneBatch),
    Mutant("steps of long calls in another order", "calls", StepsSwapped),
    Mutant("the last loss for the mean", "calls", LastLoss),
    Mutant("the sum of the losses for the mean", "calls", SummedLoss),
    Mutant("the count of steps restarts in each call", "calls", lambda _: CountRestarts(),
           frameworks=NUMPY),
    Mutant("the count of steps stops at 20", "calls", lambda _: CountStops(), frameworks=NUMPY),
    Mutant("half the learning rate from step 26", "calls", lambda _: RateFalls(),
           frameworks=NUMPY),
    Mutant("gradients left over from the call before", "calls", lambda _: GradientsLeft(),
           frameworks=NUMPY),
    Mutant("gradients one step old", "calls", lambda _: DelayedGradients(), frameworks=NUMPY),
)  # fmt: skip
