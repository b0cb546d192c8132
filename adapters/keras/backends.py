"""Keras on JAX and on PyTorch: the model of contender.py, other input and other settings.

Both train through `fit`, what Keras documents for input that is not tf.data: small rows on NumPy
arrays gathered for the whole order at once, which is no slower than a PyDataset (MEASURED.md);
large rows on a PyDataset that gathers each batch, as all at once would copy the epoch. On JAX an
execution has as many steps as on TensorFlow (MEASURED.md); PyTorch's trainer takes one only.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import numpy as np

from adapters.base import Data, Device, Precision, Setting, Unsupported
from adapters.keras import contender as on_tensorflow
from adapters.keras import graph_training, model
from adapters.keras.debugging import debugging
from adapters.keras.input import HOST, SMALL_ROW
from tasks.spec.network import Task


class Contender(on_tensorflow.Contender):
    """Modes "jax" and "torch"."""

    def _configure(self, device: Device, threads: int, precision: Precision) -> None:
        self._backend = self._keras.config.backend()
        if precision == "tf32":
            raise Unsupported(f"TF32 is not written for Keras on {self._backend}")
        if self._backend == "torch":
            self._configure_torch(device, threads)
        else:
            self._configure_jax(device, threads)

    def _configure_torch(self, device: Device, threads: int) -> None:
        self.steps_per_execution = 1
        self._torch = importlib.import_module("torch")
        if device == "cuda" and not self._torch.cuda.is_available():
            raise Unsupported("PyTorch sees no GPU")
        self._torch.set_num_threads(threads)
        # The old switches first, as PyTorch raises where they are read and differ from the new.
        self._torch.set_float32_matmul_precision("highest")
        self._torch.backends.cudnn.allow_tf32 = False
        for switch in _float32_switches(self._torch).values():
            switch.fp32_precision = "ieee"

    def _configure_jax(self, device: Device, threads: int) -> None:
        # JAX takes a thread for every core this process may use, once, when it is first used.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        self._jax = importlib.import_module("jax")
        # Keras looks for a CPU too; the first platform is the one that computes.
        self._jax.config.update("jax_platforms", "cpu" if device == "cpu" else f"{device},cpu")
        self._jax.config.update("jax_default_matmul_precision", "highest")
        try:
            self._jax.devices(device)
        except RuntimeError as error:
            raise Unsupported(f"this JAX sees no {device} device") from error

    def settings(self) -> dict[str, Setting]:
        keras = self._keras
        return {
            "version": keras.version(),
            "precision": on_tensorflow.policy_precision(keras) or self._float32(),
            "backend": self._backend,
            "steps_per_execution": self.steps_per_execution,
            "rows": HOST,
            "jit": self._xla(),
            "debugging": debugging(keras, self._model),
            **(self._torch_settings() if self._backend == "torch" else self._jax_settings()),
        }

    def _float32(self) -> str:
        """What the backend's switches in force make of float32 data."""
        if self._backend == "torch":
            switches = _float32_switches(self._torch).values()
            narrowed = {switch.fp32_precision for switch in switches} - {"ieee"}
            return "/".join(sorted(narrowed)) or "fp32"
        products = str(self._jax.config.jax_default_matmul_precision)
        return "fp32" if products == "highest" else products

    def _torch_settings(self) -> dict[str, Setting]:
        torch = self._torch
        switches = _float32_switches(torch).items()
        return {
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "device": str(self._keras.ops.zeros(()).device.type),
            **{f"fp32_precision_{name}": switch.fp32_precision for name, switch in switches},
            "cuda": torch.version.cuda or "none",
            "cudnn": torch.backends.cudnn.version() or "none",
        }

    def _jax_settings(self) -> dict[str, Setting]:
        platform = self._jax.devices()[0].platform
        return {
            "jax": self._jax.__version__,
            "threads": len(os.sched_getaffinity(0)),
            "device": "cuda" if platform == "gpu" else platform,
            "platform_version": str(self._jax.devices()[0].client.platform_version),
            "matmul_precision": str(self._jax.config.jax_default_matmul_precision),
        }

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        return np.ascontiguousarray(x), model.staged_targets(self._task, y)

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

    def _moving(self) -> graph_training.Moving:
        if self._backend == "torch":
            return graph_training.on_torch(self._torch)
        raise Unsupported(
            "Keras's train_step on JAX is given the variables of one optimizer; this task has "
            "updates or losses that one optimizer's step is not"
        )

    def _use_xla(self, task: Task) -> bool | str:
        return "auto"  # JAX: always; PyTorch: never, as Keras advises


def _float32_switches(torch: Any) -> dict[str, Any]:
    """Every switch of the arithmetic inside float32 operations; only "ieee" is strict."""
    return {
        "mkldnn_matmul": torch.backends.mkldnn.matmul,
        "mkldnn_conv": torch.backends.mkldnn.conv,
        "mkldnn_rnn": torch.backends.mkldnn.rnn,
        "cuda_matmul": torch.backends.cuda.matmul,
        "cudnn_conv": torch.backends.cudnn.conv,
        "cudnn_rnn": torch.backends.cudnn.rnn,
    }


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
