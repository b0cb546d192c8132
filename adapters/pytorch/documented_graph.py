"""A task that is a graph as the tutorials would train it: a DataLoader, a loop, torch.optim.

The network is the module of graph.py, whose layers are torch.nn's, and attention as the tutorial
of scaled_dot_product_attention writes it. Images are (N, C, H, W) in memory, no optimizer is
fused, and every step's loss is read, as the loops of the tutorials read it. With "torch-compile"
the module is compiled and nothing else. Of a GAN each network is moved by an optimizer of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from adapters.pytorch.graph import Network
from adapters.pytorch.graph_training import Loss, stepping
from tasks.spec.network import Task
from tasks.weights import Weights


def _canonical(batch: Tensor) -> Tensor:
    return batch.permute(0, 2, 3, 1) if batch.dim() == 4 else batch


class Program:
    """One network and its training."""

    def __init__(
        self, task: Task, weights: Weights, device: torch.device, is_compiled: bool
    ) -> None:
        self.task = task
        self.network = Network(task).to(device)
        self.views = self.network.views()
        for name, view in self.views.items():
            view.copy_(torch.tensor(weights[name]))
        if is_compiled:
            torch.compiler.reset()  # each build starts afresh, as a user's process would
        self.forward = torch.compile(self.network) if is_compiled else self.network

        def compiled(loss: Loss) -> Loss:
            made: Loss = torch.compile(loss) if is_compiled else loss
            return made

        self.step = stepping(task, self.network, compiled)

    def rows(self, x: np.ndarray, y: np.ndarray) -> TensorDataset:
        """Rows and targets, images channels first in memory."""
        inputs, targets = (
            each.permute(0, 3, 1, 2).contiguous() if each.dim() == 4 else each
            for each in (torch.tensor(x), torch.tensor(y))
        )
        is_classes = self.task.loss == "sparse_categorical_crossentropy"
        return TensorDataset(inputs, targets.long() if is_classes else targets)

    def train_epoch(self, batches: Iterable[list[Tensor]]) -> float:
        """The mean of the losses of all steps."""
        self.network.train()
        losses = [self.step(_canonical(x), _canonical(y)).item() for x, y in batches]
        return float(np.mean(losses))

    def outputs(self, batches: Iterable[Tensor]) -> Tensor:
        """What is predicted for all batches."""
        self.network.eval()
        with torch.no_grad():
            return torch.cat([self.forward(_canonical(batch)) for batch in batches])
