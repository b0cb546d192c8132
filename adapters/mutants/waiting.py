"""Work that is still to be done when it is said to be done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, SupportsFloat

import numpy as np

from adapters.base import Adapter, Data
from adapters.mutants.mutant import NUMPY, Array, Faulty, Mutant, Wrapped
from tasks.spec.network import Task
from tasks.weights import Weights


class Owed:
    """A loss that is known once the work before it is done."""

    def __init__(self, due: Callable[[], Any], loss: Future[float]) -> None:
        self.due, self.loss = due, loss

    def __float__(self) -> float:
        self.due()
        return self.loss.result()


class Deferred(Wrapped):
    """Training is noted down, and done when a value is asked for: a lazy framework. `wait` does
    not ask for one."""

    def begin(self) -> None:
        self.notes: list[tuple[Future[float], Callable[[], float]]] = []

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.notes = []  # what was owed to an earlier network is forgotten
        super().build(task, weights, seed)

    def deferred(self, order: Array) -> bool:
        """Whether this call is only noted down."""
        return True

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        if not self.deferred(order):
            self.pay()
            return self.inner.train(data, order, warps)
        loss: Future[float] = Future()
        order = order.copy()
        self.notes.append((loss, lambda: float(self.inner.train(data, order, warps))))
        return Owed(self.pay, loss)

    def pay(self) -> None:
        """Do what was noted down."""
        notes, self.notes = self.notes, []
        for loss, work in notes:
            loss.set_result(work())
        self.inner.wait()

    def predict(self, data: Data, batch_size: int) -> Array:
        self.pay()
        return self.inner.predict(data, batch_size)

    def wait(self) -> None:
        return None

    def weights(self) -> Weights:
        self.pay()
        return self.inner.weights()


class DeferredSteps(Deferred):
    """Only single steps are noted down; after calls of several everything is done."""

    def deferred(self, order: Array) -> bool:
        return len(order) == 1


class DeferredCalls(Deferred):
    def deferred(self, order: Array) -> bool:
        return len(order) > 1


class HalfDone(Deferred):
    """`wait` sees to all but the last call."""

    def wait(self) -> None:
        last = self.notes[-1:]
        self.notes = self.notes[:-1]
        self.pay()
        self.notes = last


class WaitsOnce(Deferred):
    """`wait` waits the first time it is called after a build."""

    def begin(self) -> None:
        super().begin()
        self.waited = False

    def wait(self) -> None:
        if not self.waited:
            self.pay()
        self.waited = True


class WaitsForTheLoss(Wrapped):
    """The second half of each call of several steps is done when something is asked for."""

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.late: Callable[[], Any] | None = None
        super().build(task, weights, seed)

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        self.finish()
        half = -(-len(order) // 2)
        first = float(self.inner.train(data, order[:half], None if warps is None else warps[:half]))
        rest, maps = order[half:].copy(), None if warps is None else warps[half:]
        loss: Future[float] = Future()
        if not len(rest):
            return first

        def finish() -> None:
            second = float(self.inner.train(data, rest, maps))
            loss.set_result((first * half + second * len(rest)) / len(order))

        self.late = finish
        return Owed(self.finish, loss)

    def finish(self) -> None:
        late, self.late = self.late, None
        if late is not None:
            late()
            self.inner.wait()

    def predict(self, data: Data, batch_size: int) -> Array:
        self.finish()
        return self.inner.predict(data, batch_size)

    def weights(self) -> Weights:
        self.finish()
        return self.inner.weights()


class Background(Deferred):
    """A thread does what is noted down; `wait` does not wait for it."""

    def __init__(self, inner: Adapter) -> None:
        super().__init__(inner)
        self.thread = ThreadPoolExecutor(1)
        self.running: list[Future[Any]] = []

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.pay()
        super().build(task, weights, seed)

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        if not self.deferred(order):
            self.pay()
            return self.inner.train(data, order, warps)
        order = order.copy()
        loss = self.thread.submit(lambda: float(self.inner.train(data, order, warps)))
        self.running.append(loss)
        return Owed(loss.result, loss)

    def pay(self) -> None:
        running, self.running = self.running, []
        for work in running:
            work.result()
        self.inner.wait()


class BackgroundSteps(Background):
    def deferred(self, order: Array) -> bool:
        return len(order) == 1


class EarlyOutputs(Wrapped):
    """Predictions are given out at once, and filled in by a thread."""

    def __init__(self, inner: Adapter) -> None:
        super().__init__(inner)
        self.thread = ThreadPoolExecutor(1)
        self.filling: Future[None] | None = None

    def predict(self, data: Data, batch_size: int) -> Array:
        self.finish()
        known = self.inner.predict(data, batch_size)
        outputs = np.zeros_like(known)

        def fill() -> None:
            outputs[...] = self.inner.predict(data, batch_size)

        self.filling = self.thread.submit(fill)
        return outputs

    def finish(self) -> None:
        if self.filling is not None:
            self.filling.result()
        self.filling = None

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        self.finish()
        return self.inner.train(data, order, warps)

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.finish()
        super().build(task, weights, seed)


class OutputsOfTheCallBefore(Wrapped):
    """Predictions are double-buffered: a call gives what the one before it on this data made."""

    def begin(self) -> None:
        self.ready: list[tuple[Data, Array]] = []

    def predict(self, data: Data, batch_size: int) -> Array:
        now = self.inner.predict(data, batch_size)
        before = [outputs for known, outputs in self.ready if known is data]
        self.ready = [(known, o) for known, o in self.ready if known is not data] + [(data, now)]
        return (before[0] if before else now).copy()


class EarlyReturn(Faulty):
    """Returns before the last step of a call is done, and waits for nothing."""

    def train(self, data: Data, order: Array, warps: Array | None = None) -> float:
        if (late := getattr(self, "late", None)) is not None:
            super().train(data, late)
        self.late: Array | None = order[-1:]
        return super().train(data, order[:-1]) if len(order) > 1 else 1.0

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.late = None
        super().build(task, weights, seed)


def _launch(name: str, wrapper: type[Wrapped]) -> Mutant:
    return Mutant(name, "waiting", wrapper, judged_by="launch")


MUTANTS: tuple[Mutant, ...] = (
    _launch("training done when a value is asked for", Deferred),
    _launch("single steps done when a value is asked for", DeferredSteps),
    _launch("calls of several steps done when a value is asked for", DeferredCalls),
    _launch("wait leaves the last call out", HalfDone),
    _launch("wait waits once", WaitsOnce),
    _launch("half of a call done when a value is asked for", WaitsForTheLoss),
    _launch("training in a thread that nobody waits for", Background),
    _launch("single steps in a thread that nobody waits for", BackgroundSteps),
    Mutant("outputs filled in later", "waiting", EarlyOutputs),
    Mutant("outputs of the call before", "waiting", OutputsOfTheCallBefore),
    Mutant("returns before the work is done", "waiting", lambda _: EarlyReturn(),
           frameworks=NUMPY),
)  # fmt: skip
