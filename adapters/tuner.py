"""The contract of a framework's own tuner, for searches that such a tuner drives itself.

Where a framework has none, the suite drives the search through Optuna. Like an adapter, a tuner
holds no clock: the suite times what it asks for through `Steps`, and what lies between is the
tuner's own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from tasks.spec.search import Point, Search


class Steps(Protocol):
    """What the suite does for a tuner, once a trial each, in this order.

    `build` and `learn` raise whatever the framework raised, after noting it.
    """

    def begin(self) -> None:
        """A trial begins: before the tuner is asked for its configuration."""

    def build(self, point: Point) -> None:
        """Build the adapter's model for `point`. Outside a trial it is built and not counted."""

    def learn(self, after_epoch: Callable[[int, float], None]) -> float:
        """Train and score; `after_epoch` gets the epoch's number and its validation accuracy.

        Returns the objective: the last validation accuracy.
        """

    def end(self, failure: str) -> None:
        """The tuner has dealt with the trial's result. failure: its reason to fail it, or ""."""


class Tuner(ABC):
    """An adapter that brings its framework's own tuner."""

    @abstractmethod
    def search(self, search: Search, points: Sequence[Point], steps: Steps, folder: Path) -> None:
        """Run one trial for each of `points`, in order. A failed trial does not end the search.

        folder: where the tuner may keep its own files; empty at the start.
        """
