"""Contenders whose cost is known, so that what the suite reads can be held against the truth.

``known:null`` does nothing; ``known:sleep`` spends `STEP_SECONDS` a step and `BATCH_SECONDS` a
batch; ``known:alloc`` holds `HELD_BYTES` from `build` on; ``known:async`` spends the same time as
``sleep`` in a thread of its own: `train` returns at once, and `wait` when the work is done;
``known:litter`` is ``null`` that leaves `LITTER` objects a call to the garbage collector.
No certificate could pass: they learn nothing. Tests run their measuring jobs alone.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter, sleep
from typing import SupportsFloat

import numpy as np

from adapters.base import Adapter, Data, Implementation, Setting
from tasks.spec.network import Task
from tasks.weights import Weights

MODES = ("null", "sleep", "alloc", "async", "litter")
BUILD_SECONDS, STEP_SECONDS, BATCH_SECONDS = 0.2, 0.010, 0.005
HELD_BYTES = 2**28
LITTER = 200_000


def implementation(mode: str) -> Implementation:
    """The catalogue row of a contender of known cost."""
    return Implementation("fake", mode, __name__, "numpy", f"known cost: {mode}")


class Contender(Adapter):
    """See the module's docstring."""

    adam_form = "epsilon"

    def __init__(self, mode: str, device: str, precision: str, threads: int) -> None:
        self.mode = mode
        self.pool = ThreadPoolExecutor(1)
        self.late: list[Future[None]] = []

    def settings(self) -> dict[str, Setting]:
        return {"version": "1", "threads": 1, "device": "cpu", "precision": "fp32"}

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.held = None  # of an earlier build: never two at once
        if self.mode == "alloc":
            self.held = np.ones(HELD_BYTES, np.uint8)
        self.kept = weights
        self.units = 10
        if self.mode == "sleep":
            spend(BUILD_SECONDS)

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        return x, y

    def train(
        self, data: Data, order: np.ndarray, warps: np.ndarray | None = None
    ) -> SupportsFloat:
        seconds = len(order) * STEP_SECONDS
        if self.mode == "sleep":
            spend(seconds)
        if self.mode == "litter":
            for _ in range(LITTER):
                own: list[object] = []
                own.append(own)
        if self.mode == "async":
            self.late.append(self.pool.submit(spend, seconds))
        return 1.0

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        if self.mode == "sleep":
            spend(BATCH_SECONDS * -(-len(data[0]) // batch_size))
        return np.zeros((len(data[0]), self.units), np.float32)

    def wait(self) -> None:
        while self.late:
            self.late.pop().result()

    def weights(self) -> Weights:
        if self.mode == "litter":  # enough new objects for a collection to be due
            self.objects: list[list[object]] = [[] for _ in range(5000)]
        return self.kept


def spend(seconds: float) -> None:
    """So long and no longer: sleep most of it, then watch the clock, because sleep oversleeps."""
    end = perf_counter() + seconds
    if seconds > 0.002:
        sleep(seconds - 0.002)
    while perf_counter() < end:
        pass
