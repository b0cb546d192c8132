"""PyTorch on several processes: DistributedDataParallel ("ddp") and fully_shard ("fsdp"), gloo.

Both as PyTorch's tutorials start them: torchrun's variables, `init_process_group`, the model
wrapped. The network is that of model.py, and the loop the tutorials' own. With DDP every process
keeps the whole model, and its gradients are averaged while the backward pass goes on; with
fully_shard (FSDP2) each keeps its part of every parameter and of the optimizer's moments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

from adapters.base import AdamForm, Data, Place, Setting, Unsupported, form_of
from adapters.peer import PeerAdapter
from adapters.pytorch.device import set_precision
from adapters.pytorch.documented_model import optimizer
from adapters.pytorch.model import LOSSES, LastState, canonical_views, network
from tasks.spec.network import Task
from tasks.weights import Weights


class Peer(PeerAdapter):
    """One process of PyTorch's."""

    adam_form: ClassVar[AdamForm] = "epsilon"

    def __init__(self, way: str, place: Place, threads: int) -> None:
        if way not in ("ddp", "fsdp"):
            raise Unsupported(f"PyTorch has no scheme {way!r} here: ddp or fsdp")
        self.place, self._way = place, way
        torch.set_flush_denormal(True)
        torch.set_num_threads(threads)
        set_precision("fp32")
        dist.init_process_group("gloo")

    def settings(self) -> dict[str, Setting]:
        return {
            "version": torch.__version__,
            "threads": torch.get_num_threads(),
            "ranks": dist.get_world_size(),
            "backend": dist.get_backend(),
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self._task, self._loss = task, form_of("loss", task.loss, LOSSES)
        model = network(task, LastState)
        for name, view in canonical_views(task, model).items():
            view.copy_(torch.tensor(weights[name]))
        self._model: Any = self._wrapped(model)
        self._optimizer = optimizer(task, self._model)
        torch.manual_seed(self.own_seed(seed))

    def _wrapped(self, model: torch.nn.Module) -> Any:
        if self._way == "ddp":
            return DistributedDataParallel(model)
        return fully_shard(model, mesh=init_device_mesh("cpu", (self.place.size,)))

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        rows, targets = torch.tensor(x), torch.tensor(y)
        if self._task.loss == "sparse_categorical_crossentropy":
            return rows, targets.long()
        return rows, targets[:, None]

    def train(self, data: Data, order: np.ndarray) -> Tensor:
        x, y = data
        losses = []
        self._model.train()
        for rows in torch.tensor(self.part(order)).unbind():
            self._optimizer.zero_grad()
            loss = self._loss(self._model(x[rows]), y[rows])
            loss.backward()
            self._step()
            losses.append(loss.detach())
        return torch.stack(losses).mean()

    def _step(self) -> None:
        self._optimizer.step()

    def wait(self) -> None:
        return None  # nothing is asynchronous on a CPU once a step has returned

    def weights(self) -> Weights:
        model = self._model.module if self._way == "ddp" else self._gathered()
        return {n: v.numpy().copy() for n, v in canonical_views(self._task, model).items()}

    def _gathered(self) -> torch.nn.Sequential:
        """The sharded model in whole."""
        whole = network(self._task, LastState)
        full = {name: part.full_tensor() for name, part in self._model.state_dict().items()}
        whole.load_state_dict(full)
        return whole

    def reduction(self) -> Callable[[], None]:
        """DDP's one bucket is averaged; fully_shard scatters gradients and gathers parameters."""
        count = sum(p.numel() for p in self._model.parameters() if p.requires_grad)
        size = self.place.size
        if self._way == "ddp":
            bucket = torch.zeros(count)
            return lambda: dist.all_reduce(bucket.div_(size))
        padded = torch.zeros(-(-count // size) * size)
        own = torch.zeros(len(padded) // size)

        def scatter_and_gather() -> None:
            # Once a step: the root keeps what it gathered until the backward pass.
            dist.all_gather_into_tensor(padded, own)
            dist.reduce_scatter_tensor(own, padded)

        return scatter_and_gather

    def leave(self) -> None:
        dist.destroy_process_group()
