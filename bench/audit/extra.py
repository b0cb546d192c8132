"""A real contender that does a stated amount of extra work: what `nox -s calibrate` detects.

The mode is ``framework.mode.name.train.step.infer.latency``: the wrapped implementation
(``numpy.fp32`` is the float32 reference), a free name, and how many units of work are added in each
timed phase: to every optimizer step of a training round, to a step that is asked for alone, to
every full batch of inference, and to every single row. They are told apart because a call has costs
of its own: the same work is more per cent of a round's step than of a single one. A unit is one
turn of a Python loop: small enough to add 1 % to a step of 80 µs, and work, not sleep.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from itertools import repeat
from typing import Any, SupportsFloat

import numpy as np

from adapters.base import Adapter, Data, Device, Implementation, Precision, Setting
from adapters.reference.oracle import Reference
from bench.discover import implementations
from tasks.spec.network import Task
from tasks.weights import Weights

NUMPY = "numpy:fp32"
WORKED = ("train", "step", "infer", "latency")  # the timed phases, in the order of their units


def implementation(wrapped: str, name: str, units: Mapping[str, int]) -> Implementation:
    """The catalogue row of one wrapped contender; `wrapped` is framework:mode, units are by timed
    phase."""
    framework, mode = wrapped.split(":")
    spelled = ".".join([framework, mode, name, *(str(units[phase]) for phase in WORKED)])
    return Implementation(framework, spelled, __name__, framework, "does extra work")


def _inner(framework: str, mode: str, device: Device, precision: Precision, threads: int) -> Any:
    if f"{framework}:{mode}" == NUMPY:
        return Reference("numpy", device, "fp32", threads)
    module = next(i.module for i in implementations() if i.framework == framework)
    return importlib.import_module(module).Contender(mode, device, precision, threads)


class Contender(Adapter):
    """See the module's docstring. Without extra work it does all the same but its loops' turns."""

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        framework, inner, _, *units = mode.split(".")
        self.units = dict(zip(WORKED, map(int, units), strict=True))
        self.inner: Adapter = _inner(framework, inner, device, precision, threads)
        self.adam_form = self.inner.adam_form  # type: ignore[misc]

    def settings(self) -> dict[str, Setting]:
        return self.inner.settings()

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.inner.build(task, weights, seed)

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        return self.inner.stage(x, y), len(y)

    def train(
        self, data: Data, order: np.ndarray, warps: np.ndarray | None = None
    ) -> SupportsFloat:
        loss = self.inner.train(data[0], order, warps)
        self.inner.wait()  # or the extra work would hide behind the framework's own
        _work(self.units["step" if len(order) == 1 else "train"] * len(order))
        return loss

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        outputs = self.inner.predict(data[0], batch_size)
        phase = "latency" if batch_size == 1 else "infer"
        _work(self.units[phase] * (data[1] // batch_size))
        return outputs

    def wait(self) -> None:
        self.inner.wait()

    def weights(self) -> Weights:
        return self.inner.weights()


def _work(units: int) -> int:
    """The same number again and again: each turn costs the same, the first as the last."""
    total = 0
    for unit in repeat(1, units):
        total ^= unit
    return total
