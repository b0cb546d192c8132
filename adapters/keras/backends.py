"""Keras on JAX and on PyTorch: the model of contender.py, other input and other settings.

Both train through `fit`, what Keras documents for input that is not tf.data: small rows on NumPy
arrays gathered for the whole order at once, which is no slower than a PyDataset (MEASURED.md);
large rows on a PyDataset that gathers each batch, as all at once would copy the epoch. Steps an
execution stay 1: PyTorch's trainer takes nothing else.
"""

from __future__ import annotations

import importlib
import os
from typing import Any, ClassVar

import numpy as np

from adapters.base import Data, Device, Precision, Setting, Unsupported
from adapters.keras import contender as on_tensorflow
from adapters.keras.input import SMALL_ROW
from tasks.spec.network import Task


class Contender(on_tensorflow.Contender):
    """Modes "jax" and "torch"."""

    steps_per_execution: ClassVar[int] = 1

    def _configure(self, device: Device, threads: int, precision: Precision) -> None:
        if precision == "tf32":
            raise Unsupported(f"TF32 is not written for Keras on {self._keras.config.backend()}")
        self._backend = self._keras.config.backend()
        if self._backend == "torch":
            self._torch = importlib.import_module("torch")
            if device == "cuda" and not self._torch.cuda.is_available():
                raise Unsupported("PyTorch sees no GPU")
            self._torch.set_num_threads(threads)
            self._torch.set_float32_matmul_precision("highest")
            return
        # JAX takes a thread for every core this process may use, once, when it is first used.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        self._jax = importlib.import_module("jax")
        self._jax.config.update("jax_default_matmul_precision", "highest")
        if device not in {
            "cuda" if d.platform == "gpu" else d.platform for d in self._jax.devices()
        }:
            raise Unsupported(f"this JAX sees no {device} device")

    def settings(self) -> dict[str, Setting]:
        keras = self._keras
        return {
            "version": keras.version(),
            "precision": on_tensorflow.policy_precision(keras) or "fp32",
            "backend": self._backend,
            "steps_per_execution": self.steps_per_execution,
            "jit": self._xla(),
            **(self._torch_settings() if self._backend == "torch" else self._jax_settings()),
        }

    def _torch_settings(self) -> dict[str, Setting]:
        torch = self._torch
        return {
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "device": "cuda" if torch.cuda.is_available() else "cpu",
            "matmul_precision": torch.get_float32_matmul_precision(),
        }

    def _jax_settings(self) -> dict[str, Setting]:
        platform = self._jax.devices()[0].platform
        return {
            "jax": self._jax.__version__,
            "threads": len(os.sched_getaffinity(0)),
            "device": "cuda" if platform == "gpu" else platform,
            "matmul_precision": str(self._jax.config.jax_default_matmul_precision),
        }

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        targets = y if self._task.target_dtype == "int32" else y.reshape(-1, 1)
        return np.ascontiguousarray(x), targets

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> float:
        x, y = data
        if len(order) == 1:
            batch = x[order[0]] if warps is None else self._warp(x[order[0]], warps[0])
            return float(self._model.train_on_batch(batch, y[order[0]]))
        if warps is None and x[0].nbytes <= SMALL_ROW:
            rows = order.ravel()
            given: tuple[Any, ...] = (x[rows], y[rows])
            batch_size = order.shape[1]
        else:
            given, batch_size = (_dataset(self._keras, self, x, y, order, warps),), None
        history = self._model.fit(*given, batch_size=batch_size, shuffle=False, verbose=0)
        return float(history.history["loss"][-1])

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        rows = data[0]
        starts = range(0, len(rows), batch_size)
        parts = [self._outputs.predict_on_batch(rows[i : i + batch_size]) for i in starts]
        return np.concatenate([np.asarray(part, np.float32) for part in parts])

    def wait(self) -> None:
        # The losses are Python numbers, so they are done; the last step's updates may not be.
        if self._backend == "jax":
            values = [variable.value for variable in self._model.variables]
            self._jax.block_until_ready(
                [*values, *(v.value for v in self._model.optimizer.variables)]
            )
        elif self._torch.cuda.is_available():
            self._torch.cuda.synchronize()

    def _use_xla(self, task: Task) -> bool | str:
        return "auto"  # JAX: always; PyTorch: never, as Keras advises


def _dataset(
    keras: Any, contender: Contender, x: np.ndarray, y: np.ndarray, order: np.ndarray, warps: Any
) -> Any:
    """A PyDataset of the order's batches; made here because keras is imported late."""

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return len(order)

        def __getitem__(self, step: int) -> tuple[Any, Any]:
            rows = order[step]
            batch = x[rows] if warps is None else contender._warp(x[rows], warps[step])
            return batch, y[rows]

    return Batches()
