"""A hyper-parameter search, as plain data.

A search is a list of trials, each an ordinary task: `Search.task` gives the base task another
number of hidden units and another learning rate, and nothing else. So every adapter and the
oracle do a trial as they do any task.

Left out: Optuna's Gaussian-process sampler. It needs PyTorch and SciPy, which do not belong in
the environments of the other frameworks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from tasks.spec.layers import Dense
from tasks.spec.network import Task
from tasks.spec.training import Adam

UNITS = range(32, 513, 32)
RATES = (1e-2, 1e-3, 1e-4)
Sampler = Literal["random", "grid", "tpe"]


@dataclass(frozen=True)
class Point:
    """One configuration: units of the hidden layer and Adam's learning rate."""

    units: int
    learning_rate: float


# The sub-grid "6x3". Its first six points are the sub-grid "2x3": both ends of the space.
GRID = tuple(Point(u, r) for u, r in product((32, 512, 128, 224, 320, 416), RATES))
# Where the certificates look: both ends and the articles' own size, a learning rate each.
CERTIFIED = tuple(Point(u, r) for u, r in zip((32, 128, 512), RATES, strict=True))


@dataclass(frozen=True)
class Search:
    """One search. Objective: accuracy on the validation rows after the last epoch, to maximize.

    sampler: "random" draws each trial from the whole space, repeats allowed; "grid" takes `GRID`
    in order; "tpe" is Optuna's tree-structured Parzen estimator (Bergstra et al. 2011).
    The validation rows are the last `validation_split` of the training rows, as Keras takes them.
    """

    name: str
    summary: str
    sampler: Sampler
    base: Task
    quick_trials: int
    full_trials: int
    epochs: int = 5
    validation_split: float = 0.2

    @property
    def family(self) -> str:
        """What `bench list` shows."""
        return "tuning"

    def trials(self, profile: str) -> int:
        """How many trials a profile asks for."""
        return self.full_trials if profile == "full" else self.quick_trials

    def task(self, point: Point) -> Task:
        """The task of one trial."""
        hidden = next(i for i, layer in enumerate(self.base.layers) if isinstance(layer, Dense))
        layers = list(self.base.layers)
        layers[hidden] = Dense(point.units, "relu")
        return replace(
            self.base,
            layers=tuple(layers),
            optimizer=Adam(learning_rate=point.learning_rate),
            epochs=self.epochs,
        )
