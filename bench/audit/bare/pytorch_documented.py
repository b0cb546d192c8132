"""Six tasks as PyTorch's tutorials write them: modules, DataLoader, training loop, optimizer.

Mode "torch-compile" is the same with `torch.compile(model)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from bench.audit.bare.pytorch_networks import GRAPHS, Graph, arrays

PREDICT_BATCH = 256
MODES = ("loop", "torch-compile")  # libraries with a loop of their own have nothing bare
TASKS = ("fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-forecast", *GRAPHS)


class _Recurrent(nn.Module):
    """A recurrent layer, and a head on its last step. Its second bias stays zero."""

    def __init__(self, cell: nn.RNN | nn.LSTM, head: nn.Module) -> None:
        super().__init__()
        self.cell, self.head = cell, head
        nn.init.zeros_(cell.bias_hh_l0).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        sequence, _ = self.cell(x)
        return self.head(sequence[:, -1])


def _model(task: str) -> nn.Module:
    if task == "fnn-mnist":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    if task == "cnn-64-10":
        features = (nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        head = (nn.Linear(32 * 31 * 31, 64), nn.ReLU(), nn.Linear(64, 10))
        return nn.Sequential(*features, *head)
    if task == "rnn-sequence":
        head = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
        return _Recurrent(nn.RNN(1, 64, nonlinearity="relu", batch_first=True), head)
    return _Recurrent(nn.LSTM(1, 50, batch_first=True), nn.Linear(50, 1))


class Bare:
    """The loop of the tutorials, with the batches in the order they are asked for."""

    def __init__(
        self,
        task: str,
        x: np.ndarray,
        y: np.ndarray,
        weights: dict[str, np.ndarray],
        threads: int,
        mode: str,
    ) -> None:
        torch.set_num_threads(threads)
        targets = torch.from_numpy(np.array(y))
        classes = not targets.is_floating_point()
        targets = targets.long() if classes else targets.unsqueeze(1)
        self.rows = TensorDataset(self.prepare(x), targets)
        self.loss: Callable[[Tensor, Tensor], Tensor]
        self.loss = nn.CrossEntropyLoss() if classes else nn.MSELoss()
        graph: Graph | None = GRAPHS.get(task)
        self.is_graph = graph is not None
        self.model = graph.network() if graph else _model(task)
        self.names = list(weights)
        with torch.no_grad():
            for name, (parameter, kind) in zip(self.names, self._parameters(), strict=True):
                parameter.copy_(torch.from_numpy(_turned(weights[name], kind)))
        parameters = self.model.parameters()
        self.optimizer: torch.optim.Optimizer
        if graph:
            self.loss, self.optimizer = graph.loss, graph.optimizer(parameters, **graph.options)
        else:
            self.optimizer = torch.optim.Adam(parameters, lr=1e-3, eps=1e-7)
        self.run = torch.compile(self.model) if mode == "torch-compile" else self.model

    def _parameters(self) -> Iterator[tuple[Tensor, str]]:
        """Each trained parameter in layer order, and how its layout differs from the task's."""
        if self.is_graph:
            yield from arrays(self.model)
            return
        convolved = False
        for module in self.model.modules():
            if isinstance(module, nn.Conv2d):
                convolved = True
                yield from ((module.weight, "conv"), (module.bias, "same"))
            elif isinstance(module, nn.RNN | nn.LSTM):
                yield from ((module.weight_ih_l0, "dense"), (module.weight_hh_l0, "dense"))
                yield module.bias_ih_l0, "same"
            elif isinstance(module, nn.Linear):
                yield module.weight, "image" if convolved else "dense"
                yield module.bias, "same"
                convolved = False

    def train(self, order: np.ndarray) -> float:
        """One step a row of `order`; the mean loss."""
        batches = DataLoader(self.rows, batch_sampler=order.tolist())
        self.run.train()
        running = 0.0
        for inputs, targets in batches:
            loss = self.loss(self.run(inputs), targets)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            running += loss.item()
        return running / len(order)

    def prepare(self, x: np.ndarray) -> Tensor:
        """Rows as a tensor; images with their channels first."""
        rows = torch.from_numpy(np.array(x))
        return rows.permute(0, 3, 1, 2) if rows.ndim == 4 else rows

    def predict(self, x: Tensor) -> np.ndarray:
        """Outputs of all rows, in batches."""
        self.run.eval()
        with torch.no_grad():
            return np.asarray(torch.cat([self.run(part) for part in x.split(PREDICT_BATCH)]))

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights, copied."""
        parameters = zip(self.names, self._parameters(), strict=True)
        return {name: _canonical(p.detach().numpy(), kind) for name, (p, kind) in parameters}


def _turned(value: np.ndarray, kind: str) -> np.ndarray:
    """The task's layout → PyTorch's; "image" is the kernel after a flattened (32, 31, 31)."""
    if kind == "conv":
        return np.array(value.transpose(3, 2, 0, 1))
    if kind == "image":
        return np.array(value.reshape(31, 31, 32, -1).transpose(3, 2, 0, 1).reshape(64, -1))
    return np.array(value.T if kind == "dense" else value)


def _canonical(value: np.ndarray, kind: str) -> np.ndarray:
    if kind == "conv":
        return value.transpose(2, 3, 1, 0).copy()
    if kind == "image":
        return value.reshape(64, 32, 31, 31).transpose(2, 3, 1, 0).reshape(-1, 64).copy()
    return value.T.copy() if kind == "dense" else value.copy()
