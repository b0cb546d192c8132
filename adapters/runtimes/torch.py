"""PyTorch as a runtime of its own files: exported programs, AOTInductor packages, TorchScript."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from adapters.base import Setting
from adapters.deployment import Loaded, Runtime, Width

ABOUT = Runtime(
    "torch", "PyTorch", "adapters.runtimes.torch", "runtime_torch",
    ("torch-export", "aot-inductor", "torchscript"), ("torch",),
)  # fmt: skip


class Model(Loaded):
    """Whatever the file holds, as a function of one tensor."""

    def __init__(self, threads: int, width: Width) -> None:
        import torch

        self._torch = torch
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)

    def load(self, path: Path) -> None:
        torch = self._torch
        if path.suffix == ".pt":
            self._call = torch.jit.load(str(path)).eval()
        elif _is_compiled(path):
            self._call = torch._inductor.aoti_load_package(str(path))
        else:
            self._call = torch.export.load(path).module()

    def settings(self) -> dict[str, Setting]:
        torch = self._torch
        return {
            "version": torch.__version__,
            "threads": torch.get_num_threads(),
            "precision": {"float32": "fp32"}.get(
                str(torch.get_default_dtype()).removeprefix("torch."), "other"
            ),
            "inter_op_threads": torch.get_num_interop_threads(),
            "matmul_precision": torch.get_float32_matmul_precision(),
        }

    def predict(self, x: np.ndarray) -> np.ndarray:
        with self._torch.no_grad():
            outputs: np.ndarray = self._call(self._torch.from_numpy(x)).numpy()
        return outputs


def _is_compiled(path: Path) -> bool:
    """A package of AOTInductor holds a shared library, an exported program none."""
    with zipfile.ZipFile(path) as package:
        return any(name.endswith(".so") for name in package.namelist())
