"""A real contender that does a stated amount of extra work: what `nox -s calibrate` detects.

The mode is ``framework.mode.name.step_units.batch_units``: the wrapped implementation
(``numpy.fp32`` is the float32 reference), a free name, and how many units of work are added to
each optimizer step and to each full batch of inference. A unit is one turn of a Python loop:
small enough to add 1 % to a step of 80 µs, and work, not sleep.
"""

from __future__ import annotations

import importlib
from typing import Any, SupportsFloat

import numpy as np

from adapters.base import Adapter, Data, Device, Implementation, Precision, Setting
from adapters.reference.oracle import Reference
from bench.discover import implementations
from tasks.spec.network import Task
from tasks.weights import Weights

NUMPY = "numpy:fp32"


def implementation(wrapped: str, name: str, step_units: int, batch_units: int) -> Implementation:
    """The catalogue row of one wrapped contender; `wrapped` is framework:mode."""
    framework, mode = wrapped.split(":")
    spelled = f"{framework}.{mode}.{name}.{step_units}.{batch_units}"
    return Implementation(framework, spelled, __name__, framework, "does extra work")


def _inner(framework: str, mode: str, device: Device, precision: Precision, threads: int) -> Any:
    if f"{framework}:{mode}" == NUMPY:
        return Reference("numpy", device, "fp32", threads)
    module = next(i.module for i in implementations() if i.framework == framework)
    return importlib.import_module(module).Contender(mode, device, precision, threads)


class Contender(Adapter):
    """See the module's docstring."""

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        framework, inner, _, step_units, batch_units = mode.split(".")
        self.step_units, self.batch_units = int(step_units), int(batch_units)
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
        if self.step_units:
            self.inner.wait()  # or the extra work would hide behind the framework's own
            _work(self.step_units * len(order))
        return loss

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        outputs = self.inner.predict(data[0], batch_size)
        _work(self.batch_units * (data[1] // batch_size) if batch_size > 1 else 0)
        return outputs

    def wait(self) -> None:
        self.inner.wait()

    def weights(self) -> Weights:
        return self.inner.weights()


def _work(units: int) -> int:
    total = 0
    for unit in range(units):
        total ^= unit
    return total
