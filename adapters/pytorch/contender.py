"""PyTorch: a torch.nn model and torch.optim, run eagerly. Compiled: adapters/pytorch/compiled.py.

Adam is fused, batches are gathered by index_select, losses are kept in a list and stacked, numbers
too small for an ordinary float32 count as zero: each was the faster form, MEASURED.md. Layers:
adapters/pytorch/model.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from adapters.base import Adapter, Data, Device, Precision, Setting, Unsupported, form_of, unknown
from adapters.pytorch import graph, graph_training
from adapters.pytorch.device import (
    debugging,
    flushes_denormals,
    fp32_backends,
    require,
    set_precision,
)
from adapters.pytorch.model import (
    LOSSES,
    LastState,
    canonical_views,
    network,
    thetas,
    trained,
    warp,
)
from tasks.spec.network import Task
from tasks.spec.training import SGD, Adam
from tasks.weights import Weights

Forward = Callable[[Tensor], Tensor]
Step = Callable[[Tensor, Tensor], Tensor]  # of a batch and its targets, the loss
StagedStep = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]  # see `gathering`


class Contender(Adapter):
    """PyTorch in mode "eager"."""

    adam_form = "epsilon"
    variance_form = "unbiased"
    mode: ClassVar[str] = "eager"
    recurrent: ClassVar[type[LastState]] = LastState

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        if mode != self.mode:
            raise Unsupported(f"PyTorch has no mode {mode!r} here: eager or compile")
        require(device)
        # Before the pool's threads are made: they take it over, and nothing sets it in them later.
        torch.set_flush_denormal(True)
        self._device = torch.device(device)
        torch.set_num_threads(threads)
        # Settable once a process, and only before the first use. Nothing here forks work.
        if torch.get_num_interop_threads() != 1:
            torch.set_num_interop_threads(1)
        set_precision(precision)
        # Shapes are fixed, so cuDNN's trial of its kernels pays; by default it takes one unseen.
        torch.backends.cudnn.benchmark = device == "cuda"
        self._mixed = precision == "bf16"
        self._no_gradients: type[torch.inference_mode | torch.no_grad] = torch.inference_mode

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
            "precision": "bf16" if self._mixed else "/".join(sorted(narrowed)) or "fp32",
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
        self._task = task
        model = graph.Network(task) if task.is_graph else network(task, self.recurrent)
        model = model.to(self._device, memory_format=torch.channels_last)
        self._model = model
        self._views = model.views() if task.is_graph else canonical_views(task, model)
        for name, view in self._views.items():
            view.copy_(torch.tensor(weights[name]))
        forward = _autocast(model, self._device.type) if self._mixed else model
        self._step, self._forward = self._programs(task, model, forward)
        torch.manual_seed(seed)

    def _programs(
        self, task: Task, model: nn.Module, forward: Forward
    ) -> tuple[StagedStep, Forward]:
        """What runs one optimizer step on staged rows, and what infers a batch."""
        if task.is_graph:
            step = graph_training.stepping(task, model, self._graph_loss, fused=True)
            return gathering(step), self._graph_forward(forward)
        return stepping(task, model, gathering(gradients_of(task, forward))), forward

    def _graph_loss(self, loss: Step) -> Step:
        """What is run for an update's loss."""
        if not self._mixed:
            return loss

        def mixed(batch: Tensor, targets: Tensor) -> Tensor:
            with torch.autocast(self._device.type, torch.bfloat16):
                return loss(batch, targets)

        return mixed

    def _graph_forward(self, forward: Forward) -> Forward:
        """What is run for predictions."""
        return forward

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        rows = torch.tensor(x, device=self._device)
        if self._task.loss == "sparse_categorical_crossentropy":
            return rows, torch.tensor(y, device=self._device, dtype=torch.int64)
        targets = torch.tensor(y, device=self._device)
        return rows, targets if self._task.target_shape else targets[:, None]

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> Tensor:
        x, y = data
        if not self._model.training:
            self._model.train()
        maps = None if warps is None else thetas(warps, x.shape).to(self._device)
        losses = []
        for number, rows in enumerate(torch.tensor(order, device=self._device).unbind()):
            losses.append(self._step(x, y, rows, None if maps is None else maps[number]))
        return torch.stack(losses).mean()

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        if self._model.training:
            self._model.eval()
        with self._no_gradients():
            if len(data[0]) <= batch_size:
                return self._forward(data[0]).cpu().numpy()
            outputs = [self._forward(batch) for batch in data[0].split(batch_size)]
            return torch.cat(outputs).cpu().numpy()

    def wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()

    def weights(self) -> Weights:
        return {name: view.cpu().numpy().copy() for name, view in self._views.items()}


def _autocast(model: nn.Module, device: str) -> Forward:
    """The model in bfloat16 where PyTorch holds that to be safe; float32 outputs."""

    def forward(batch: Tensor) -> Tensor:
        with torch.autocast(device, torch.bfloat16):
            return model(batch).float()

    return forward


def gradients_of(task: Task, forward: Forward) -> Step:
    """Forward, loss and backward; the gradients are left on the parameters."""
    loss_of = form_of("loss", task.loss, LOSSES)

    def gradients(batch: Tensor, target: Tensor) -> Tensor:
        loss = loss_of(forward(batch), target)
        loss.backward()
        return loss.detach()

    return gradients


def gathering(step: Step) -> StagedStep:
    """The step, of the staged rows x and y, a batch's row numbers, and its maps if it is warped."""

    def gathered(x: Tensor, y: Tensor, rows: Tensor, theta: Tensor | None) -> Tensor:
        batch = x.index_select(0, rows)
        if theta is not None:
            batch = warp(batch, theta)
        return step(batch, y.index_select(0, rows))

    return gathered


def stepping(task: Task, model: nn.Module, gradients: StagedStep) -> StagedStep:
    """One optimizer step by torch.optim; gives the loss before it."""
    optimizer = _optimizer(task, model)

    def step(x: Tensor, y: Tensor, rows: Tensor, theta: Tensor | None) -> Tensor:
        loss = gradients(x, y, rows, theta)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    return step


def _optimizer(task: Task, model: nn.Module) -> torch.optim.Optimizer:
    optimizer, parameters = task.optimizer, trained(model)
    if isinstance(optimizer, SGD):
        return torch.optim.SGD(parameters, lr=optimizer.learning_rate, fused=True)
    if not isinstance(optimizer, Adam):
        raise unknown("optimizer", optimizer)
    return torch.optim.Adam(
        parameters,
        lr=optimizer.learning_rate,
        betas=(optimizer.beta_1, optimizer.beta_2),
        eps=optimizer.epsilon,
        fused=True,
    )
