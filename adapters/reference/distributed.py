"""Data-parallel training in NumPy, float32: what groups of processes are tested with.

Rank 0 gathers everybody's gradients over sockets of the loopback, sums them in the order of the
ranks, divides by their number, and sends the mean back. Nothing is fast here, and every step of it
can be done wrongly by a fault (adapters/mutants/groups.py).
"""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.connection import Client, Connection, Listener
from threading import Event
from typing import ClassVar

import numpy as np

from adapters.base import AdamForm, Data, Place, Setting, Unsupported
from adapters.peer import PeerAdapter
from adapters.reference.oracle import Reference
from tasks.spec.network import Task
from tasks.weights import Weights

KEY = b"group"
TRIES = 2000  # of joining, until rank 0 listens


class Peer(PeerAdapter):
    """One process of a group of NumPy's."""

    adam_form: ClassVar[AdamForm] = "epsilon"

    def __init__(self, way: str, place: Place, threads: int) -> None:
        if way != "sockets":
            raise Unsupported(f"NumPy has no scheme {way!r} here: sockets")
        self.place, self.threads = place, threads
        self.others = _joined(place)

    def settings(self) -> dict[str, Setting]:
        ranks = self.place.size
        return {"version": np.__version__, "threads": self.threads, "ranks": ranks}

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.model = Reference(precision="fp32", threads=self.threads)
        self.model.build(task, weights, self.own_seed(seed))

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        return self.model.stage(x, y)

    def train(self, data: Data, order: np.ndarray) -> float:
        x, y = data
        losses = []
        for rows in self.part(order):
            loss, gradients = self.model.gradients(x[rows], y[rows])
            self.update(gradients)
            losses.append(loss)
        return float(np.mean(losses))

    def update(self, gradients: Weights) -> None:
        """One step, from the gradients of the own part."""
        self.model._update(self.mean(gradients))

    def mean(self, gradients: Weights) -> Weights:
        """Of everybody's arrays, which have the same names."""
        names = list(gradients)
        flat = np.concatenate([gradients[name].ravel() for name in names])
        ends = np.cumsum([gradients[name].size for name in names])[:-1]
        parts = np.split(self.exchanged(flat), ends)
        return {
            name: part.reshape(gradients[name].shape)
            for name, part in zip(names, parts, strict=True)
        }

    def exchanged(self, flat: np.ndarray) -> np.ndarray:
        """The mean over the group, the same bits for everybody."""
        if self.place.rank:
            self.others[0].send_bytes(flat.tobytes())
            return np.frombuffer(self.others[0].recv_bytes(), flat.dtype)
        total = flat.copy()
        for other in self.others:
            total += np.frombuffer(other.recv_bytes(), flat.dtype)
        total /= flat.dtype.type(self.place.size)
        for other in self.others:
            other.send_bytes(total.tobytes())
        return total

    def wait(self) -> None:
        return None

    def weights(self) -> Weights:
        return self.model.weights()

    def reduction(self) -> Callable[[], None]:
        flat = np.zeros(sum(value.size for value in self.model.params.values()), np.float32)

        def reduce() -> None:
            self.exchanged(flat)

        return reduce


def _joined(place: Place) -> list[Connection]:
    """Rank 0's lines to the others in order of their ranks; another's line to rank 0."""
    address = ("127.0.0.1", place.ports[0])
    if place.rank:
        line = _called(address)
        line.send(place.rank)
        return [line]
    lines = {}
    with Listener(address, authkey=KEY, backlog=place.size) as listener:
        for _ in range(place.size - 1):
            line = listener.accept()
            lines[line.recv()] = line
    return [lines[rank] for rank in sorted(lines)]


def _called(address: tuple[str, int]) -> Connection:
    for _ in range(TRIES):
        try:
            return Client(address, authkey=KEY)
        except ConnectionRefusedError:
            _pause()
    raise ConnectionError("rank 0 is not there")


def _pause() -> None:
    """A moment, without a clock."""
    Event().wait(0.01)
