"""What every check starts from: both adapters, the same weights, the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from adapters.base import Adapter
from adapters.reference.oracle import Reference
from bench.proof.graph_kinks import off_kinks
from bench.proof.memo import Memo
from tasks.spec.network import Task, task_arrays
from tasks.weights import Weights, initial_weights

STEPS = 20
REDRAW = 7919  # added to the seed of a further draw; a prime, so that no user's seeds meet it


@dataclass(frozen=True)
class Trial:
    """One draw of weights and rows for one task.

    task: as trajectories are compared, without dropout. whole: with it. x, y: training rows;
    test: rows to predict on. order: int32 (STEPS, batch). by_layer: compare a layer's parameters
    together, in lower precisions, where a bias's few gradients nearly cancel.
    """

    adapter: Adapter
    oracle: Reference
    whole: Task
    x: np.ndarray
    y: np.ndarray
    test: np.ndarray
    seed: int
    rows: str  # digest of x, y and test
    memo: Memo = field(default_factory=Memo)
    by_layer: bool = False
    turn: int = 0  # the steps' batches rolled by so many
    is_further: bool = False  # a draw after the first; what was compiled may be kept

    @property
    def task(self) -> Task:
        """The task as its trajectories are certified; see `provable`."""
        return provable(self.whole)

    @property
    def weights(self) -> Weights:
        """The canonical initial weights of the task, off their kinks where its `Proof` says so;
        not to be written to."""
        fresh = _weights(self.whole, self.seed)
        if self.whole.proof is None or not self.whole.proof.off_kinks:
            return fresh
        rows = self.x[self.order[:2].ravel()]
        moved = self.answer("off kinks", lambda: off_kinks(self.whole, fresh, rows), by_adam=False)
        return {name: value.astype(np.float32) for name, value in moved.items()}

    @property
    def order(self) -> np.ndarray:
        """int32 (STEPS, batch): rows in random order, repeated where they are too few."""
        rows = np.random.default_rng(self.seed).permutation(len(self.x))
        order = np.resize(rows, (STEPS, self.whole.batch_size)).astype(np.int32)
        return np.roll(order, self.turn, axis=0)

    def redrawn(self, number: int) -> Trial:
        """The same comparison on other weights and another order of the rows."""
        return replace(self, seed=self.seed + number * REDRAW, is_further=True)

    def build(self, each: Adapter, task: Task, weights: Weights | None = None) -> Any:
        """A fresh model and optimizer; returns the staged training rows."""
        self.begin(each, task, weights)
        return each.stage(self.x, self.y)

    def begin(self, each: Adapter, task: Task, weights: Weights | None = None) -> None:
        """A fresh model and optimizer, made anew in the first draw."""
        start = each.restart if self.is_further else each.build
        start(task, self.weights if weights is None else weights, self.seed)

    def begin_again(self, each: Adapter, task: Task, weights: Weights | None = None) -> None:
        """The same where an equal task was built by a check that compares whole trainings from a
        build: what was compiled for it may be kept."""
        each.restart(task, self.weights if weights is None else weights, self.seed)

    def answer(
        self, about: str, compute: Callable[[], Mapping[str, np.ndarray]], by_adam: bool = True
    ) -> dict[str, np.ndarray]:
        """The oracle's answer, from the memo where it was given before. about: the question, with
        everything it depends on beside task, rows and seed. by_adam: it depends on Adam's form."""
        form = self.oracle.adam_form if by_adam else ""
        variance = self.oracle.variance_form if self.whole.is_graph else ""
        parts = (about, repr(self.whole), self.rows, self.seed, self.turn, form, variance)
        return self.memo.answer("\n".join(map(str, parts)), compute)

    def update(self, each: Adapter, weights: Weights | None = None) -> Weights:
        """How far the weights have moved, once all work is done."""
        each.wait()
        after = each.weights()
        start = self.weights if weights is None else weights
        return {n: after[n].astype(np.float64) - w for n, w in start.items()}

    @property
    def state(self) -> list[str]:
        """The names of what training moves without an optimizer: running statistics."""
        return [name for name, part in task_arrays(self.whole).items() if not part.trained]

    def parts(self, weights: Mapping[str, np.ndarray]) -> Weights:
        """What is compared: each parameter, or those of a layer together."""
        if not self.by_layer:
            return dict(weights)
        layers: dict[str, list[np.ndarray]] = {}
        for name, value in weights.items():
            layers.setdefault(name.split("/")[0], []).append(value.ravel())
        return {layer: np.concatenate(values) for layer, values in layers.items()}


@lru_cache(maxsize=4)  # drawing millions of weights takes as long as some checks
def _weights(task: Task, seed: int) -> Weights:
    weights = initial_weights(task, seed)
    for value in weights.values():
        value.flags.writeable = False  # kept for all that follow: who trains them in place fails
    return weights


def provable(task: Task) -> Task:
    """The task as trajectories of it are certified: without dropout (random masks have no common
    trajectory), and at the learning rate of its `Proof` where it has one."""
    task = task.without_dropout()
    if task.proof is None:
        return task
    return task.at_rate(task.proof.learning_rate)
