"""Choices of the tuned modes made otherwise, for bench.audit.choices; nothing else runs them.

What they were measured at, and why they are not taken, stands in MEASURED.md.
"""

from __future__ import annotations

from typing import Any, ClassVar, SupportsFloat

import numpy as np
import torch
from torch import Tensor, nn

from adapters.base import Data
from adapters.pytorch import compiled, contender
from tasks.spec.network import Task


class Split(contender.Contender):
    """One batch too is taken apart and put together, as several are."""

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        if self._model.training:
            self._model.eval()
        with self._no_gradients():
            outputs = [self._forward(batch) for batch in data[0].split(batch_size)]
            return torch.cat(outputs).cpu().numpy()


class Denormals(contender.Contender):
    """Numbers too small for an ordinary float32 are kept while it trains; for one thread, as a
    pool's threads keep what they began with."""

    def train(
        self, data: Data, order: np.ndarray, warps: np.ndarray | None = None
    ) -> SupportsFloat:
        torch.set_flush_denormal(False)
        try:
            return super().train(data, order, warps)
        finally:
            torch.set_flush_denormal(True)


class Frozen(compiled.Contender):
    """Inference with inductor's freezing, which takes the weights for constants: compiled anew
    when they have changed."""

    def _programs(self, task: Task, model: nn.Module, forward: contender.Forward) -> Any:
        step, _ = super()._programs(task, model, forward)
        self._eager, self._frozen = forward, False
        return step, self._thaw

    def _thaw(self, batch: Tensor) -> Tensor:
        if not self._frozen:
            self._program = torch.compile(
                self._eager, fullgraph=True, dynamic=False, options={"freezing": True}
            )
            self._frozen = True
        return self._program(batch)

    def train(
        self, data: Data, order: np.ndarray, warps: np.ndarray | None = None
    ) -> SupportsFloat:
        self._frozen = False
        return super().train(data, order, warps)


class CppWrapper(compiled.Contender):
    """What calls the kernels is C++, not Python."""

    inductor: ClassVar[dict[str, Any]] = {"cpp_wrapper": True}


class MaxAutotune(compiled.Contender):
    """Inductor tries its own product kernels beside the library's."""

    inductor: ClassVar[dict[str, Any]] = {"max_autotune": True}


ALTERNATIVES = {
    "eager": {"split": Split, "denormals": Denormals},
    "compile": {"frozen": Frozen, "cpp-wrapper": CppWrapper, "max-autotune": MaxAutotune},
}
