"""What a fault is, and the bases faults are made from.

A fault sits around any adapter (`Wrapped`, `Twinned`), so that it is tried on every framework; in
the arithmetic of the float32 NumPy reference (`Faulty`), for what lies inside a framework; or
inside one framework (the modules named after them), where its accident can be made as it happens.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, SupportsFloat

import numpy as np

from adapters.base import Adapter, Data, Setting
from adapters.reference import layers
from adapters.reference.losses import loss_and_gradient
from adapters.reference.oracle import Reference
from tasks.spec.layers import Layer
from tasks.spec.network import Family, Task, layer_name
from tasks.spec.training import Loss
from tasks.weights import Weights

Array = np.ndarray
ALL: tuple[Family, ...] = ("fnn", "cnn", "rnn", "lstm")
RECURRENT: tuple[Family, ...] = ("rnn", "lstm")
NUMPY = ("numpy",)

Kind = Literal[
    "arithmetic", "prediction", "calls", "dropout", "staging", "memory", "shapes", "augmentation",
    "settings", "waiting", "values", "views", "work", "graphs", "correct",
]  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A named fault, or a correct variant (kind "correct").

    make: an adapter to the same with the fault; those of "numpy" ignore what they are given.
    families, losses, needs, length: the tasks it can show in: their families, their losses (empty
    for any), a kind of layer (or `Augmentation`) they have, and the shortest sequence. task: the
    one small graph it is tried on. frameworks: where it exists; empty for anywhere. judged_by: what
    must refuse it: the certificate, or what a launch checks around its timed rounds (settings,
    waiting, amount of work). unseeable: why
    neither can, "" otherwise.
    """

    name: str
    kind: Kind
    make: Callable[[Adapter], Adapter]
    families: tuple[Family, ...] = ALL
    needs: type | None = None
    frameworks: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    length: int = 0
    task: str = ""
    judged_by: Literal["certificate", "launch"] = "certificate"
    unseeable: str = ""

    def applies(self, task: Task) -> bool:
        """Whether the fault can show in this task at all."""
        if self.task:
            return task.name == self.task
        kinds = {type(part) for part in (*task.layers, task.augmentation)}
        if task.family not in self.families or task.input_shape[0] < self.length:
            return False
        needed = self.needs is None or self.needs in kinds
        return needed and (not self.losses or task.loss in self.losses)

    def exists_in(self, framework: str) -> bool:
        """Whether it can be made in that framework."""
        return not self.frameworks or framework in self.frameworks


class Wrapped(Adapter):
    """Passes everything on to `inner`; a mutant overrides one of the small hooks."""

    def __init__(self, inner: Adapter) -> None:
        self.inner = inner
        self.adam_form = inner.adam_form  # type: ignore[misc]  # follows what it wraps
        self.variance_form = inner.variance_form  # type: ignore[misc]

    def begin(self) -> None:
        """Called by every `build`, after it: what is to be forgotten is forgotten here."""

    def task(self, task: Task) -> Task:
        return task

    def load(self, task: Task, weights: Weights) -> Weights:
        return weights

    def unload(self, task: Task, weights: Weights) -> Weights:
        return weights

    def rows(self, x: Array, y: Array) -> tuple[Array, Array]:
        return x, y

    def steps(self, order: Array) -> Array:
        return order

    def maps(self, warps: Array | None) -> Array | None:
        return warps

    def outputs(self, outputs: Array) -> Array:
        return outputs

    def settings(self) -> dict[str, Setting]:
        return self.inner.settings()

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.asked, self.seed = task, seed
        self.inner.build(self.task(task), self.load(task, copied(weights)), seed)
        self.begin()

    def stage(self, x: Array, y: Array) -> Data:
        return self.inner.stage(*self.rows(x, y))

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        return self.inner.train(data, self.steps(order), self.maps(warps))

    def predict(self, data: Data, batch_size: int) -> Array:
        return self.outputs(self.inner.predict(data, batch_size))

    def wait(self) -> None:
        self.inner.wait()

    def weights(self) -> Weights:
        return self.unload(self.asked, self.inner.weights())


class Twinned(Wrapped):
    """Two of an adapter: `inner` is trained and `other` predicts, with the weights of the last
    `refresh` (of `build`, when there was none)."""

    def __init__(self, inner: Adapter) -> None:
        super().__init__(inner)
        self.other = copy.copy(inner)

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.first = copied(weights)
        self.other.build(task, copied(weights), seed)
        super().build(task, weights, seed)

    def refresh(self, weights: Weights) -> None:
        self.other.build(self.asked, copied(weights), self.seed)

    def stage(self, x: Array, y: Array) -> Data:
        return self.inner.stage(x, y), self.other.stage(x, y)

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        return self.inner.train(data[0], order, warps)

    def predict(self, data: Data, batch_size: int) -> Array:
        return self.other.predict(data[1], batch_size)


@dataclass(frozen=True, eq=False)
class Staged:
    """Rows as they were given, beside what the adapter made of them."""

    data: Data
    x: Array
    y: Array


class Keeping(Wrapped):
    """Knows the rows of each staged set (`Staged`), and those staged `first` and `last`."""

    first: Staged | None = None
    last: Staged | None = None

    def begin(self) -> None:
        self.first = self.last = None

    def stage(self, x: Array, y: Array) -> Data:
        self.last = Staged(self.inner.stage(x, y), x.copy(), y.copy())
        self.first = self.first or self.last
        return self.last

    def train(self, data: Staged, order: Array, warps: Array | None = None) -> SupportsFloat:
        return self.inner.train(data.data, order, warps)

    def predict(self, data: Staged, batch_size: int) -> Array:
        return self.inner.predict(data.data, batch_size)


class Faulty(Reference):
    """The float32 reference, to be spoiled in one place."""

    def __init__(self) -> None:
        super().__init__(precision="fp32")

    def forward(self, layer: Layer, p: Weights, x: Array) -> tuple[Array, Any]:
        """A layer's output, and what its `backward` needs."""
        return layers.forward(layer, p, x, self.rng, self._rounded)

    def loss(self, outputs: Array, y: Array) -> tuple[float, Array]:
        """The batch's loss, and its gradient by the outputs."""
        return loss_and_gradient(self.task.loss, outputs, y)

    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        outputs, saved = self._forward(x, training=True)
        loss, grad = self.loss(outputs, y)
        grads: Weights = {}
        for index in reversed(range(len(self.task.layers))):
            layer = self.task.layers[index]
            by_x, parts = layers.backward(
                layer, self._parts(index), saved[index], grad, self._rounded, index > 0
            )
            name = layer_name(index, layer)
            grads.update({f"{name}/{part}": value for part, value in parts.items()})
            if by_x is None:
                break
            grad = by_x
        return loss, grads

    def _forward(self, x: Array, training: bool) -> tuple[Array, list[Any]]:
        saved = []
        task = self.task if training else self.task.without_dropout()
        for index, layer in enumerate(task.layers):
            x, keep = self.forward(layer, self._parts(index), x)
            saved.append(keep)
        return x, saved


def copied(weights: Weights) -> Weights:
    """New arrays with the same values."""
    return {name: value.copy() for name, value in weights.items()}


def some(warps: Array | None, part: slice) -> Array | None:
    """The maps of some steps, where there are maps."""
    return None if warps is None else warps[part]
