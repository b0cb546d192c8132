"""Six tasks by hand in PyTorch: torch.nn, autograd, torch.optim; eager or compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.audit.bare.pytorch_networks import GRAPHS, arrays

PREDICT_BATCH = 256


def _fnn() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def _cnn() -> nn.Sequential:
    net = nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(32 * 31 * 31, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    return net.to(memory_format=torch.channels_last)


class _Recurrent(nn.Module):
    """The last state of a recurrent layer, then dense layers. Its second bias stays zero."""

    def __init__(self, cell: Any, *head: nn.Module) -> None:
        super().__init__()
        self.cell, self.head = cell, nn.Sequential(*head)
        nn.init.zeros_(cell.bias_hh_l0).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        if torch.compiler.is_compiling() and isinstance(self.cell, nn.LSTM):
            return self.head(self._by_hand(x))
        sequence, _ = self.cell(x)
        return self.head(sequence[:, -1])

    def _by_hand(self, x: Tensor) -> Tensor:
        """nn.LSTM's own kernel does not compile (2.13): its steps in plain operations."""
        cell = self.cell
        h = c = x.new_zeros(len(x), cell.hidden_size)
        for now in x.unbind(1):
            gates = F.linear(now, cell.weight_ih_l0, cell.bias_ih_l0) + h @ cell.weight_hh_l0.T
            i, f, g, o = gates.chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        return h


def _rnn() -> nn.Module:
    cell = nn.RNN(1, 64, nonlinearity="relu", batch_first=True)
    return _Recurrent(cell, nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))


def _lstm() -> nn.Module:
    return _Recurrent(nn.LSTM(1, 50, batch_first=True), nn.Linear(50, 1))


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[Tensor, Tensor], Tensor]]] = {
    "fnn-mnist": (_fnn, F.cross_entropy),
    "cnn-64-10": (_cnn, F.cross_entropy),
    "rnn-sequence": (_rnn, F.mse_loss),
    "lstm-forecast": (_lstm, F.mse_loss),
} | {name: (graph.network, graph.loss) for name, graph in GRAPHS.items()}
TASKS = tuple(MODELS)


class Bare:
    """The loop of PyTorch's own tutorials: modules, a loss function, backward, Adam.step.

    Mode compile puts the batch's gathering, forward, loss and gradients into one graph of
    torch.compile and inference into another; recurrent layers are taken in (`allow_rnn`). On
    cnn-64-10 the compiled step takes 0.85 of one that flattens as H, W, C, but inference 1.56
    (one thread): there this loop is no yardstick. Gathering outside the graph: 0.99.

    Adam is fused: against it, foreach takes 1.26 and the default 1.32 of a step's time. What is
    *not* used here, because it leaves torch.nn, which the mode "eager" stands for: `addmm` on
    plain tensors with kernels kept as (in, out). That loop was tried against the suite too: it
    trains in 0.89 and infers in 0.94 of the time, the price of nn.Module calls on a net this
    small. Gradients derived by hand take 0.82 and leave autograd as well.
    """

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
        with suppress(RuntimeError):  # allowed only before the first parallel work
            torch.set_num_interop_threads(threads)
        make, self.loss = MODELS[task]
        self.x, targets = self.prepare(x), torch.from_numpy(np.array(y))
        self.y = targets[:, None] if targets.is_floating_point() else targets.long()
        self.is_graph = task in GRAPHS
        self.model = make()
        if task == "resnet-photos":
            self.model = self.model.to(memory_format=torch.channels_last)
        self.names = list(weights)
        with torch.no_grad():
            for name, (parameter, kind) in zip(self.names, self._parameters(), strict=True):
                parameter.copy_(torch.from_numpy(_turned(weights[name], kind)))
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer: torch.optim.Optimizer = torch.optim.Adam(
            trained, lr=1e-3, betas=(0.9, 0.999), eps=1e-7, fused=True
        )
        if self.is_graph:
            rule = GRAPHS[task]
            self.optimizer = rule.optimizer(trained, fused=True, **rule.options)
        self.gradients, self.forward = self._gradients, self.model
        if mode == "compile":
            torch._dynamo.config.allow_rnn = True
            torch._dynamo.config.trace_autograd_ops = True
            self.gradients = torch.compile(self._gradients, fullgraph=True)
            self.forward = torch.compile(self.model, fullgraph=True)

    def _parameters(self) -> Iterator[tuple[Tensor, str]]:
        """Each parameter in layer order, and how its layout differs from (in, out)."""
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
                yield from ((module.weight, "image" if convolved else "dense"),)
                yield module.bias, "same"
                convolved = False

    def _gradients(self, rows_x: Tensor, rows_y: Tensor, rows: Tensor) -> Tensor:
        """The batch's loss; its gradients are left on the parameters."""
        x, y = rows_x.index_select(0, rows), rows_y.index_select(0, rows)
        if x.ndim == 4:
            x = x.permute(0, 3, 1, 2)
        loss = self.loss(self.model(x), y)
        loss.backward()
        return loss.detach()

    def train(self, order: np.ndarray) -> float:
        """One step a row of `order`; CPU work is done when each call returns."""
        gradients, x, y, optimizer, losses = self.gradients, self.x, self.y, self.optimizer, []
        if self.is_graph:
            self.model.train()
        for rows in torch.from_numpy(order).long().unbind(0):
            losses.append(gradients(x, y, rows))
            optimizer.step()
            optimizer.zero_grad()
        return float(torch.stack(losses).mean())

    def prepare(self, x: np.ndarray) -> Tensor:
        """Rows as a tensor of its own; images stay (N, H, W, C) in memory."""
        return torch.from_numpy(np.array(x))

    def predict(self, x: Tensor) -> np.ndarray:
        """Outputs of all rows, in batches, without autograd's bookkeeping."""
        if x.ndim == 4:
            x = x.permute(0, 3, 1, 2)
        if self.is_graph:
            self.model.eval()
        with torch.inference_mode():
            parts = [self.forward(part) for part in x.split(PREDICT_BATCH)]
            return np.asarray(torch.cat(parts).numpy())

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights, copied."""
        parameters = zip(self.names, self._parameters(), strict=True)
        return {name: _canonical(p.detach().numpy(), kind) for name, (p, kind) in parameters}


def _turned(value: np.ndarray, kind: str) -> np.ndarray:
    """Canonical layout → PyTorch's; "image" is the kernel after a flattened (32, 31, 31)."""
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
