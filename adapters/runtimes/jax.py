"""JAX as a runtime of its own files: exported StableHLO, and executables compiled ahead."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

from adapters.base import Setting
from adapters.deployment import Loaded, Runtime, Width

ABOUT = Runtime(
    "jax", "JAX", "adapters.runtimes.jax", "runtime_jax", ("jax-export", "xla-executable"),
    ("jax", "jaxlib", "flatbuffers"),
)  # fmt: skip


class Model(Loaded):
    """A function of one array. Threads are XLA's own pool, sized by PJRT_NPROC before the start."""

    def __init__(self, threads: int, width: Width) -> None:
        import jax

        self._jax = jax

    def load(self, path: Path) -> None:
        if path.suffix == ".executable":
            from jax.experimental.serialize_executable import deserialize_and_load

            self._call = deserialize_and_load(*pickle.loads(path.read_bytes()))
            return
        from jax import export

        # Bare `call` traces at each call; jitted it is compiled once a shape.
        self._call = self._jax.jit(export.deserialize(bytearray(path.read_bytes())).call)

    def settings(self) -> dict[str, Setting]:
        import os

        return {
            "version": self._jax.__version__,
            # XLA tells no count; this is the variable that its pool was sized by.
            "threads": int(os.environ.get("PJRT_NPROC", os.cpu_count() or 1)),
            "threads_read_back": False,
            "precision": "fp32",
            "matmul_precision": str(self._jax.config.jax_default_matmul_precision),
        }

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self._call(x))
