"""The contract of a framework's data-parallel training: one process of a group.

A group of k processes trains one model. Each takes its part of every batch, and all make the same
step: that of the whole batch's gradient. The suite starts the processes (`bench.distributed`), each
makes a `Peer`, and all call the same methods in the same order: construct, `settings`, `build`,
`stage`, then `train`, `wait`, `weights`, `reduction` in any order. As for an `Adapter`, no clock,
no file, no print.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, SupportsFloat

import numpy as np

from adapters.base import AdamForm, Data, Place, Setting, Unsupported
from tasks.spec.network import Task
from tasks.weights import Weights

# Between the seeds of two ranks: a prime, so that no user's seeds meet another rank's.
BETWEEN_RANKS = 7919


class PeerAdapter(ABC):
    """One process of a group, by one scheme of a framework."""

    adam_form: ClassVar[AdamForm]
    """As an `Adapter`'s."""

    place: Place

    @abstractmethod
    def __init__(self, way: str, place: Place, threads: int) -> None:
        """Join the group; returns when all peers have. Raises `Unsupported`."""

    @abstractmethod
    def settings(self) -> dict[str, Setting]:
        """Effective settings, read back: "version", "threads", "ranks" at least."""

    @abstractmethod
    def build(self, task: Task, weights: Weights, seed: int) -> None:
        """Make model and optimizer afresh. Every peer is given the same weights and seed; what it
        draws itself (dropout) is seeded by `own_seed`."""

    @abstractmethod
    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        """All rows, as `Adapter.stage` is given them: a peer takes its own when it trains."""

    @abstractmethod
    def train(self, data: Data, order: np.ndarray) -> SupportsFloat:
        """One step of the whole group for each row of `order`, int32 (steps, batch), row numbers of
        the whole batch; the peer works on `part(order)`. Returns the mean over the steps of the
        batch-mean loss of its own part, or of the whole batch."""

    @abstractmethod
    def wait(self) -> None:
        """Return when all work asked for so far is done."""

    @abstractmethod
    def weights(self) -> Weights:
        """The whole model's weights as this peer has them, canonical; all peers call it at once."""

    @abstractmethod
    def reduction(self) -> Callable[[], None]:
        """What averages, over the group, arrays of the shapes of the built model's parameters, by
        the operations that a step uses, in place; the call returns when it is done."""

    def part(self, order: np.ndarray) -> np.ndarray:
        """This peer's columns of `order`: equal parts, one after the other. Raises `Unsupported`
        where there are none: a mean of unequal parts' means is not the mean."""
        batch, size = order.shape[1], self.place.size
        if batch % size:
            raise Unsupported(f"{batch} rows cannot be shared by {size} processes alike")
        rows = batch // size
        return np.ascontiguousarray(order[:, self.place.rank * rows : (self.place.rank + 1) * rows])

    def own_seed(self, seed: int) -> int:
        """The seed of what this peer draws by itself: another for each rank."""
        return seed + BETWEEN_RANKS * self.place.rank

    def leave(self) -> None:
        """Leave the group in order; nothing is called afterwards."""
        return None
