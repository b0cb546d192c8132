"""ExecuTorch's Python bindings."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from adapters.base import Setting
from adapters.deployment import Loaded, Runtime, Width

ABOUT = Runtime(
    "executorch", "ExecuTorch", "adapters.runtimes.executorch", "executorch",
    ("executorch",), ("executorch",),
)  # fmt: skip


class Model(Loaded):
    """One method of one program."""

    def __init__(self, threads: int, width: Width) -> None:
        import torch
        from executorch.extension.pybindings import portable_lib
        from executorch.runtime import Runtime as Executor

        self._torch, self._executor, self._bindings = torch, Executor, portable_lib
        portable_lib._unsafe_reset_threadpool(threads)

    def load(self, path: Path) -> None:
        program = self._executor.get().load_program(path)
        self._method = program.load_method("forward")
        self._from_numpy = self._torch.from_numpy

    def settings(self) -> dict[str, Setting]:
        from importlib.metadata import version

        return {
            "version": version("executorch"),
            "threads": int(self._bindings._threadpool_get_thread_count()),
            "precision": "fp32",
            "backends": ", ".join(self._executor.get().backend_registry.registered_backend_names),
        }

    def predict(self, x: np.ndarray) -> np.ndarray:
        outputs: np.ndarray = self._method.execute([self._from_numpy(x)])[0].numpy()
        return outputs
