"""Contenders that misbehave in one way each; the runner must turn every one into a typed record.

All are the float32 NumPy reference, spoiled. The mode picks the fault, so that each runs in a
real worker process: ``fake:crash``, ``fake:hang`` and so on. `adapters.Implementation` rows for
them are made by the tests, never by the product.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import SupportsFloat

import numpy as np

from adapters.base import Data, Implementation, Setting, Unsupported
from adapters.reference.oracle import Reference
from tasks.spec.network import Task
from tasks.weights import Weights

MODES = (
    "honest", "crash", "exit", "hang", "memory", "rubbish", "early", "lazy-wait", "diverge",
    "unsupported", "raise", "slow",
)  # fmt: skip


def implementation(mode: str) -> Implementation:
    """The catalogue row of a fake."""
    return Implementation("fake", mode, __name__, "numpy", f"misbehaves: {mode}")


class Contender(Reference):
    """See the module's docstring."""

    def __init__(self, mode: str, device: str, precision: str, threads: int) -> None:
        super().__init__(precision="fp32", threads=threads)
        self.mode, self.device = mode, device
        self.pool = ThreadPoolExecutor(1)
        self.late: Future[float] | None = None
        if mode == "unsupported":
            raise Unsupported("this fake supports nothing")
        if mode == "rubbish":
            print('{"launch": {"status": "ok"}}\x00\xff not a record', flush=True)
            os.write(1, b"\xff\xfe\n" * 1000)

    def settings(self) -> dict[str, Setting]:
        """As if it computed where it was told to, so that tests can make up a device."""
        return super().settings() | {"device": self.device}

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self._join()
        super().build(task, weights, seed)

    def train(  # noqa: C901 - one case a fault
        self, data: Data, order: np.ndarray, warps: np.ndarray | None = None
    ) -> SupportsFloat:
        match self.mode:
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "exit":
                os._exit(3)
            case "hang":
                threading.Event().wait()
            case "memory":
                hoard = []
                while True:
                    hoard.append(np.ones(2**24))
                    time.sleep(0.02)
            case "raise":
                raise RuntimeError("the fake raised\nwith a second line")
            case "slow":
                time.sleep(0.2)
            case "diverge":
                loss = super().train(data, order)
                # An epoch of the runner's test data: a length of call that no certificate has.
                return float("nan") if len(order) == 22 else loss
            case "early":  # the work goes on in the background and nothing ever waits for it
                self._join()
                self.late = self.pool.submit(self._later, data, order)
                return 1.0
            case "lazy-wait":  # right results, but `wait` does not wait: reading them does
                self._join()
                self.late = self.pool.submit(self._later, data, order)
                return _Lazy(self)
        return super().train(data, order)

    def weights(self) -> Weights:
        if self.mode == "lazy-wait":
            self._join()
        return super().weights()

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        if self.mode == "lazy-wait":
            self._join()
        return super().predict(data, batch_size)

    def _later(self, data: Data, order: np.ndarray) -> float:
        time.sleep(0.05)
        return super().train(data, order)

    def _join(self) -> None:
        if self.late is not None:
            self.late.result()


class _Lazy:
    def __init__(self, owner: Contender) -> None:
        assert owner.late is not None
        self.future = owner.late

    def __float__(self) -> float:
        return float(self.future.result())
