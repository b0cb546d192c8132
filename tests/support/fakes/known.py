"""Contenders whose cost is known, so that what the suite reads can be held against the truth.

``known:null`` does nothing; ``known:sleep`` spends `STEP_SECONDS` a step and `BATCH_SECONDS` a
batch; ``known:alloc`` holds `HELD_BYTES` from `build` on; ``known:async`` spends the same time as
``sleep`` in a thread of its own: `train` returns at once, and `wait` when the work is done;
``known:litter`` is ``null`` that leaves `LITTER` objects a call to the garbage collector.
Three take `TIMES` the time of ``sleep``, each in a way that could be taken for a disturbance:
``known:bursty`` computes for `BURST_STEPS` steps and rests for as many; ``known:helper`` has a
process of its own that computes while it trains; ``known:churn`` allocates `CHURNED_BYTES` anew in
every step. No certificate could pass: they learn nothing. Tests run their measuring jobs alone.
"""

from __future__ import annotations

import subprocess
import sys
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
TIMES = {"sleep": 1.0, "bursty": 1.05, "helper": 1.1, "churn": 1.2}
BURST_STEPS = 5
CHURNED_BYTES = 2**22
_HELPER = """
import sys
from time import perf_counter
for line in sys.stdin:
    end = perf_counter() + float(line)
    while perf_counter() < end:
        pass
"""


def implementation(mode: str) -> Implementation:
    """The catalogue row of a contender of known cost."""
    return Implementation("fake", mode, __name__, "numpy", f"known cost: {mode}")


class Contender(Adapter):
    """See the module's docstring."""

    adam_form = "epsilon"

    def __init__(self, mode: str, device: str, precision: str, threads: int) -> None:
        self.mode, self.threads = mode, threads
        self.steps_done = 0
        self.helper: subprocess.Popen[str] | None = None
        self.pool = ThreadPoolExecutor(1)
        self.late: list[Future[None]] = []

    def settings(self) -> dict[str, Setting]:
        return {"version": "1", "threads": self.threads, "device": "cpu", "precision": "fp32"}

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.held = None  # of an earlier build: never two at once
        if self.mode == "alloc":
            self.held = np.ones(HELD_BYTES, np.uint8)
        self.kept = weights
        self.units = 10
        if self.mode in TIMES:
            spend(BUILD_SECONDS)
        if self.mode == "helper" and self.helper is None:
            self.helper = helper()

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        return x, y

    def train(
        self, data: Data, order: np.ndarray, warps: np.ndarray | None = None
    ) -> SupportsFloat:
        seconds = len(order) * STEP_SECONDS
        if self.mode in TIMES:
            self._work(len(order), STEP_SECONDS)
        if self.mode == "litter":
            for _ in range(LITTER):
                own: list[object] = []
                own.append(own)
        if self.mode == "async":
            self.late.append(self.pool.submit(spend, seconds))
        return 1.0

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        if self.mode in TIMES:
            self._work(-(-len(data[0]) // batch_size), BATCH_SECONDS)
        return np.zeros((len(data[0]), self.units), np.float32)

    def _work(self, steps: int, seconds: float) -> None:
        """So many steps or batches of so many seconds each, times the mode's."""
        each, end = seconds * TIMES[self.mode], perf_counter()
        if self.helper is not None and self.helper.stdin is not None:
            self.helper.stdin.write(f"{steps * each}\n")
            self.helper.stdin.flush()
        for _ in range(steps):
            end += each
            self.steps_done += 1
            if self.mode == "churn":
                np.ones(CHURNED_BYTES, np.uint8)
            if self.mode == "bursty" and self.steps_done // BURST_STEPS % 2:
                compute_until(end)
            else:
                spend_until(end)

    def wait(self) -> None:
        while self.late:
            self.late.pop().result()

    def weights(self) -> Weights:
        if self.mode == "litter":  # enough new objects for a collection to be due
            self.objects: list[list[object]] = [[] for _ in range(5000)]
        return self.kept


def helper() -> subprocess.Popen[str]:
    """A process that computes for as many seconds as it is told, a number a line; it ends with the
    pipe."""
    return subprocess.Popen([sys.executable, "-c", _HELPER], stdin=subprocess.PIPE, text=True)


def spend(seconds: float) -> None:
    """So long and no longer: sleep most of it, then watch the clock, because sleep oversleeps."""
    spend_until(perf_counter() + seconds)


def spend_until(end: float) -> None:
    """`spend`, up to a moment of `perf_counter`."""
    left = end - perf_counter()
    if left > 0.002:
        sleep(left - 0.002)
    compute_until(end)


def compute_until(end: float) -> None:
    """Keep a core busy up to a moment of `perf_counter`."""
    while perf_counter() < end:
        pass
