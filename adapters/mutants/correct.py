"""Correct variants: other ways to do the same work, which the certificate must let pass.

A proof that refuses these refuses honest frameworks, whose kernels differ in just such ways.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, SupportsFloat

import numpy as np

from adapters.base import Adapter, Data, Setting
from adapters.mutants.mutant import NUMPY, Array, Faulty, Keeping, Mutant, Staged, Wrapped, some
from adapters.reference.losses import loss_and_gradient
from tasks.spec.layers import Dropout
from tasks.spec.network import Task
from tasks.weights import Weights


class StepByStep(Wrapped):
    """A call of several steps as so many calls of one."""

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        parts = [slice(i, i + 1) for i in range(len(order))]
        losses = [float(self.inner.train(data, order[p], some(warps, p))) for p in parts]
        return float(np.mean(losses))


class InChunks(Wrapped):
    """Calls of seven steps, and one of what is left over."""

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        total = 0.0
        for begin in range(0, len(order), 7):
            part = slice(begin, begin + 7)
            count = len(order[part])
            total += count * float(self.inner.train(data, order[part], some(warps, part)))
        return total / len(order)


class OtherBatches(Wrapped):
    """Predictions in batches of 5 whatever is asked for."""

    def predict(self, data: Data, batch_size: int) -> Array:
        return self.inner.predict(data, 5)


class AllAtOnce(Keeping):
    """Predictions in one batch of all rows."""

    def predict(self, data: Staged, batch_size: int) -> Array:
        return super().predict(data, max(1, len(data.y)))


class CopiedTwice(Wrapped):
    """Arrays come in and go out through copies in another memory order."""

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        super().build(task, {n: np.asfortranarray(v).copy() for n, v in weights.items()}, seed)

    def unload(self, task: Task, weights: Weights) -> Weights:
        return {name: np.asfortranarray(value) for name, value in weights.items()}

    def outputs(self, outputs: Array) -> Array:
        return np.asfortranarray(outputs)


class GatheredAhead(Keeping):
    """A call's rows are gathered first, and trained on in the order they lie in."""

    def train(self, data: Staged, order: Array, warps: Array | None = None) -> SupportsFloat:
        rows = self.inner.stage(data.x[order.ravel()], data.y[order.ravel()])
        numbers = np.arange(order.size, dtype=order.dtype).reshape(order.shape)
        return self.inner.train(rows, numbers, warps)


class RowsTurned(Wrapped):
    """The rows of each batch in the opposite order: sums are made in another one."""

    def steps(self, order: Array) -> Array:
        return np.ascontiguousarray(order[:, ::-1])

    def maps(self, warps: Array | None) -> Array | None:
        return None if warps is None else np.ascontiguousarray(warps[:, ::-1])


class RowsTwice(Keeping):
    """Each staged set is held twice, and trained on from the second half."""

    def stage(self, x: Array, y: Array) -> Data:
        staged = super().stage(x, y)
        both = self.inner.stage(np.concatenate([x, x]), np.concatenate([y, y]))
        return Staged((staged.data, both), staged.x, staged.y)

    def train(self, data: Staged, order: Array, warps: Array | None = None) -> SupportsFloat:
        shifted = order + np.int32(len(data.y))
        return self.inner.train(data.data[1], shifted, warps)

    def predict(self, data: Staged, batch_size: int) -> Array:
        return self.inner.predict(data.data[0], batch_size)


class InAThread(Wrapped):
    """Training in a thread that everything waits for."""

    def __init__(self, inner: Adapter) -> None:
        super().__init__(inner)
        self.thread = ThreadPoolExecutor(1)
        self.running: list[Future[float]] = []

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.wait()
        super().build(task, weights, seed)

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        order = order.copy()
        loss = self.thread.submit(lambda: float(self.inner.train(data, order, warps)))
        self.running.append(loss)
        return Loss(loss)

    def predict(self, data: Data, batch_size: int) -> Array:
        self.wait()
        return self.inner.predict(data, batch_size)

    def wait(self) -> None:
        running, self.running = self.running, []
        for work in running:
            work.result()
        self.inner.wait()

    def weights(self) -> Weights:
        self.wait()
        return self.inner.weights()


class Loss:
    """A loss that is waited for when it is asked for."""

    def __init__(self, value: Future[float]) -> None:
        self.value = value

    def __float__(self) -> float:
        return self.value.result()


class SaysMore(Wrapped):
    """Reports a setting of its own beside those that are asked for."""

    def settings(self) -> dict[str, Setting]:
        return self.inner.settings() | {"own": "yes"}


class TwoHalves(Faulty):
    """Two half batches, their gradients added up by their shares."""

    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        half = len(y) // 2
        if half == 0 or any(
            isinstance(layer, Dropout) and layer.rate for layer in self.task.layers
        ):
            return super().gradients(x, y)
        share = self.dtype.type(half / len(y))
        (loss, grads), (other_loss, others) = (
            super(TwoHalves, self).gradients(x[part], y[part])
            for part in (slice(half), slice(half, None))
        )
        added = {n: share * g + (1 - share) * others[n] for n, g in grads.items()}
        return float(share * loss + (1 - share) * other_loss), added


class ScaledLoss(Faulty):
    """The loss's gradient times 1024, and the gradients divided by it."""

    def loss(self, outputs: Array, y: Array) -> tuple[float, Array]:
        loss, grad = super().loss(outputs, y)
        return loss, grad * grad.dtype.type(1024)

    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        loss, grads = super().gradients(x, y)
        return loss, {name: grad / grad.dtype.type(1024) for name, grad in grads.items()}


class ExactLoss(Faulty):
    """The loss in float64, the rest in float32."""

    def loss(self, outputs: Array, y: Array) -> tuple[float, Array]:
        loss, grad = loss_and_gradient(self.task.loss, outputs.astype(np.float64), y)
        return loss, grad.astype(outputs.dtype)


class OtherGenerator(Faulty):
    """Masks by another generator."""

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        super().build(task, weights, seed)
        self.rng = np.random.Generator(np.random.Philox(seed + 17))


class TurnedMasks(Faulty):
    """Values kept where the draw is under 1 - rate, drawn in float32."""

    def forward(self, layer: Any, p: Weights, x: Array) -> tuple[Array, Any]:
        if not isinstance(layer, Dropout):
            return super().forward(layer, p, x)
        kept = self.rng.random(x.shape, np.float32) < 1 - layer.rate
        factor = (kept / (1 - layer.rate)).astype(x.dtype)
        return x * factor, factor


def _inside(name: str, faulty: type[Faulty], needs: type | None = None) -> Mutant:
    return Mutant(name, "correct", lambda _: faulty(), needs=needs, frameworks=NUMPY)


MUTANTS: tuple[Mutant, ...] = (
    Mutant("steps one by one", "correct", StepByStep),
    Mutant("steps in chunks of seven", "correct", InChunks),
    Mutant("predictions in batches of five", "correct", OtherBatches),
    Mutant("predictions in one batch", "correct", AllAtOnce),
    Mutant("weights and outputs in another memory order", "correct", CopiedTwice),
    Mutant("rows gathered ahead", "correct", GatheredAhead),
    Mutant("rows of a batch turned round", "correct", RowsTurned),
    Mutant("rows staged twice over", "correct", RowsTwice),
    Mutant("training in a thread that is waited for", "correct", InAThread),
    Mutant("a launch with a thread that is waited for", "correct", InAThread, judged_by="launch"),
    Mutant("a setting of its own reported", "correct", SaysMore, judged_by="launch"),
    _inside("two half batches", TwoHalves),
    _inside("the loss scaled by 1024", ScaledLoss),
    _inside("the loss in float64", ExactLoss),
    _inside("masks by another generator", OtherGenerator, Dropout),
    _inside("masks drawn in float32", TurnedMasks, Dropout),
)
