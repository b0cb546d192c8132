"""Contenders for searches: NumPy's reference, which fails in some trials. The mode says how.

A trial is known by its task: "…-1e-2" modes misbehave at learning rate 1e-2 only, "dies" at 512
units and that rate, so that the search has others to go on with.
"""

from __future__ import annotations

import os
import signal
import time
from typing import SupportsFloat

import numpy as np

from adapters.base import Data, Implementation
from adapters.reference.oracle import Reference
from tasks.spec.layers import Dense
from tasks.spec.network import Task
from tasks.spec.training import Adam
from tasks.weights import Weights


def implementation(mode: str) -> Implementation:
    """The catalogue row of a fake."""
    return Implementation("fake", mode, __name__, "numpy", f"in a search: {mode}")


class Contender(Reference):
    """See the module's docstring. "slow" takes 40 ms more an epoch and is otherwise honest."""

    def __init__(self, mode: str, device: str, precision: str, threads: int) -> None:
        super().__init__(precision="fp32", threads=threads)
        self.mode = mode

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        if self.mode == "memory-1e-2" and _rate(task) == 1e-2:
            raise MemoryError("Unable to allocate 9 TiB")
        super().build(task, weights, seed)

    def train(
        self, data: Data, order: np.ndarray, warps: np.ndarray | None = None
    ) -> SupportsFloat:
        hot = _rate(self.task) == 1e-2
        if self.mode == "slow":
            time.sleep(0.04)
        if self.mode == "raise" or (self.mode == "raise-1e-2" and hot):
            raise RuntimeError("the fake raised\nwith a second line")
        if self.mode == "dies" and hot and Dense(512, "relu") in self.task.layers:
            os.kill(os.getpid(), signal.SIGSEGV)
        loss = super().train(data, order)
        return float("nan") if self.mode == "diverge-1e-2" and hot else loss

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        outputs = super().predict(data, batch_size)
        return outputs * 0 if self.mode == "poor-1e-4" and _rate(self.task) == 1e-4 else outputs


def _rate(task: Task) -> float:
    """Of a trial; a certificate may take its steps by another optimizer."""
    return task.optimizer.learning_rate if isinstance(task.optimizer, Adam) else 0.0
