"""PyTorch as its documents tell a user to write it: adapters/pytorch/programs, run on given rows.

The network of a program, its loop over the batches of a DataLoader, torch.optim with its defaults
and its prediction, everything at PyTorch's own settings. Mode "torch-compile" is the same with
`torch.compile(model)` and nothing else: where it cannot go on, as at recurrent layers, it breaks
the graph and PyTorch runs that part eagerly.

What the suite's contract asks for and a user would not write: weights are loaded and one bias of a
recurrent layer is frozen (documented_model.py), the DataLoader takes the batches from a list
instead of shuffling, Adam's epsilon is the task's, and float32 is kept strict.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset, default_collate

from adapters.base import (
    Adapter,
    Data,
    Device,
    Precision,
    Setting,
    Unsupported,
    form_of,
)
from adapters.pytorch import documented_graph
from adapters.pytorch.device import (
    debugging,
    flushes_denormals,
    fp32_backends,
    require,
    set_precision,
)
from adapters.pytorch.documented_model import (
    LOSSES,
    WarpedImages,
    canonical_views,
    network,
    one_bias,
    optimizer,
    program_of,
    rows,
)
from adapters.pytorch.model import thetas
from tasks.spec.network import Task, parameter_shapes
from tasks.weights import Weights


class Contender(Adapter):
    """PyTorch in the modes "loop" and "torch-compile"."""

    adam_form = "epsilon"
    variance_form = "unbiased"
    modes: ClassVar[tuple[str, ...]] = ("loop", "torch-compile")

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        if mode not in self.modes:
            raise Unsupported(f"PyTorch has no mode {mode!r} here: {' or '.join(self.modes)}")
        require(device)
        if precision == "bf16":
            raise Unsupported("bfloat16 needs a loop with torch.autocast; the programs have none")
        if precision == "tf32" and device == "cpu":
            raise Unsupported("a CPU has no TF32")
        if mode == "torch-compile" and not any(map(shutil.which, ("g++", "clang++"))):
            raise Unsupported("torch.compile needs a C++ compiler; none was found")
        self.mode = mode
        self._device = torch.device(device)
        torch.set_num_threads(threads)
        set_precision(precision)

    def settings(self) -> dict[str, Setting]:
        precisions = {name: b.fp32_precision for name, b in fp32_backends().items()}
        narrowed = set(precisions.values()) - {"ieee"}
        cuda = self._device.type == "cuda"
        return {
            "version": torch.__version__,
            "threads": torch.get_num_threads(),
            "interop_threads": torch.get_num_interop_threads(),
            "device": self._device.type,
            "cuda_device": torch.cuda.get_device_name() if cuda else "none",
            "precision": "/".join(sorted(narrowed)) or "fp32",
            **{f"fp32_precision_{name}": value for name, value in precisions.items()},
            "onednn": torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled,
            "mkl": torch.backends.mkl.is_available(),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "flush_denormal": flushes_denormals(),
            "cuda": torch.version.cuda or "none",
            "cudnn": torch.backends.cudnn.version() or "none",
            "deterministic": torch.are_deterministic_algorithms_enabled(),
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "debugging": debugging(),
            "mode": self.mode,
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self._task, self._graph = task, None
        if task.is_graph:
            compiles = self.mode == "torch-compile"
            self._graph = documented_graph.Program(task, weights, self._device, compiles)
            self._views = self._graph.views
            torch.manual_seed(seed)
            return
        self._program = program_of(task.family)
        self._loss = form_of("loss", task.loss, LOSSES)()
        made = network(task).to(self._device)
        one_bias(made)
        self._views = canonical_views(task, made)
        for name, view in self._views.items():
            view.copy_(torch.tensor(weights[name]).reshape(view.shape))
        self._optimizer = optimizer(task, made)
        self._network: Any = made
        if self.mode == "torch-compile":
            torch.compiler.reset()  # each build starts afresh, as a user's process would
            self._network = torch.compile(made)
        torch.manual_seed(seed)

    def stage(self, x: np.ndarray, y: np.ndarray) -> TensorDataset:
        """Rows stay on the host: the documents move a batch when it comes."""
        if self._graph:
            return self._graph.rows(x, y)
        return rows(self._task, x, y)

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> float:
        batches = self._loader(data, order, warps)
        if self._graph:
            return self._graph.train_epoch(batches)
        loss: float = self._program.train_epoch(self._network, batches, self._loss, self._optimizer)
        return loss

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        if not self._graph and self._network.training:
            self._network.eval()
        batches: Iterable[Tensor] = data.tensors[0].split(batch_size)
        if self._device.type != "cpu":
            batches = (batch.to(self._device) for batch in batches)
        if self._graph:
            return self._graph.outputs(batches).cpu().numpy()
        outputs: Tensor = self._program.outputs(self._network, batches)
        return outputs.cpu().numpy()

    def wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()

    def weights(self) -> Weights:
        shapes = parameter_shapes(self._task)
        return {
            name: view.cpu().numpy().copy().reshape(shapes[name])
            for name, view in self._views.items()
        }

    def _loader(
        self, data: TensorDataset, order: np.ndarray, warps: np.ndarray | None
    ) -> DataLoader[Any]:
        """A DataLoader that gives the batches in the given order: a list of row numbers each."""
        collate = self._collate()
        if warps is None:
            return DataLoader(data, batch_sampler=order.tolist(), collate_fn=collate)
        height, width, _ = self._task.input_shape
        maps = thetas(warps, torch.Size((len(data), height, width)))
        keys = [list(zip(*step, strict=True)) for step in zip(order.tolist(), maps, strict=True)]
        return DataLoader(WarpedImages(data), batch_sampler=keys, collate_fn=collate)

    def _collate(self) -> Callable[[list[Any]], Any] | None:
        """What makes a batch of rows: the DataLoader's own way, and the device's copy of that."""
        return None if self._device.type == "cpu" else self._moved

    def _moved(self, pairs: list[tuple[Tensor, Tensor]]) -> list[Tensor]:
        """Rows as one batch on the device."""
        return [part.to(self._device) for part in default_collate(pairs)]
