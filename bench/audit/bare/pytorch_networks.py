"""The two graphs by hand in PyTorch, for both of its bare loops: an encoder and a residual network.

Modules are declared in the order of the task's arrays, so that both go together one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WORDS, LENGTH, UNITS, HEADS = 10_000, 200, 32, 2


class _Attention(nn.Module):
    """Self-attention; the keys have no bias."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(UNITS, UNITS), nn.Linear(UNITS, UNITS, bias=False)
        self.value, self.output = nn.Linear(UNITS, UNITS), nn.Linear(UNITS, UNITS)

    def forward(self, x: Tensor) -> Tensor:
        rows, length, _ = x.shape
        q, k, v = (
            part(x).view(rows, length, HEADS, -1).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        heads = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        return self.output(heads.reshape(rows, length, UNITS))


class Encoder(nn.Module):
    """transformer-imdb: word numbers (N, 200) → logits (N, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(WORDS, UNITS), nn.Embedding(LENGTH, UNITS)
        self.normed = nn.LayerNorm(UNITS, eps=1e-6)
        self.attention, self.norm = _Attention(), nn.LayerNorm(UNITS, eps=1e-6)
        self.wide, self.narrow = nn.Linear(UNITS, UNITS), nn.Linear(UNITS, UNITS)
        self.out = nn.LayerNorm(UNITS, eps=1e-6)
        self.hidden, self.logit = nn.Linear(UNITS, 20), nn.Linear(20, 1)

    def forward(self, words: Tensor) -> Tensor:
        x = self.normed(self.tokens(words) + self.places.weight)
        x = self.norm(x + self.attention(x))
        x = self.out(x + self.narrow(F.relu(self.wide(x))))
        return self.logit(F.relu(self.hidden(x.mean(1))))


def _conv(inputs: int, filters: int, kernel: int, stride: int) -> nn.Conv2d:
    padding = kernel // 2 if stride == 1 else 0
    return nn.Conv2d(inputs, filters, kernel, stride, padding, bias=False)


class _Block(nn.Module):
    """Two convolutions and a shortcut. With a stride of 2 the zeros stand right and below."""

    def __init__(self, inputs: int, filters: int, stride: int) -> None:
        super().__init__()
        self.first, self.first_norm = _conv(inputs, filters, 3, stride), nn.BatchNorm2d(filters)
        self.second, self.second_norm = _conv(filters, filters, 3, 1), nn.BatchNorm2d(filters)
        self.around = (0, 1, 0, 1) if stride == 2 else ()
        self.shortcut = nn.Sequential()
        if stride == 2:
            self.shortcut = nn.Sequential(
                _conv(inputs, filters, 1, stride), nn.BatchNorm2d(filters)
            )

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, self.around) if self.around else x
        out = F.relu(self.first_norm(self.first(padded)))
        return F.relu(self.second_norm(self.second(out)) + self.shortcut(x))


class Residual(nn.Module):
    """resnet-photos: images (N, 3, 32, 32) → logits (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.stem_norm = _conv(3, 8, 3, 1), nn.BatchNorm2d(8)
        shapes = [(8, 8, 1)] * 3 + [(8, 16, 2)] + [(16, 16, 1)] * 2
        shapes += [(16, 32, 2)] + [(32, 32, 1)] * 2
        self.blocks = nn.Sequential(*(_Block(*shape) for shape in shapes))
        self.logits = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(F.relu(self.stem_norm(self.stem(x))))
        return self.logits(x.mean((2, 3)))


@dataclass(frozen=True)
class Graph:
    """A network, its loss and its optimizer with the task's numbers."""

    network: Callable[[], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor]
    optimizer: type[torch.optim.Optimizer]
    options: dict[str, Any] = field(default_factory=dict)


GRAPHS = {
    "transformer-imdb": Graph(
        Encoder, F.binary_cross_entropy_with_logits, torch.optim.Adam, {"lr": 1e-3, "eps": 1e-7}
    ),
    "resnet-photos": Graph(
        Residual,
        nn.CrossEntropyLoss(label_smoothing=0.1),
        torch.optim.SGD,
        {"lr": 0.005, "momentum": 0.9},
    ),
}


def arrays(network: nn.Module) -> Iterator[tuple[Tensor, str]]:
    """Each array in the task's order, state too, and how its layout differs from the task's."""
    for module in network.modules():
        match module:
            case nn.Embedding():
                yield module.weight, "same"
            case nn.Conv2d():
                yield module.weight, "conv"
            case nn.Linear():
                yield module.weight, "dense"
                if module.bias is not None:
                    yield module.bias, "same"
            case nn.LayerNorm() | nn.BatchNorm2d():
                yield module.weight, "same"
                yield module.bias, "same"
                for state in ("running_mean", "running_var"):
                    if isinstance(module, nn.BatchNorm2d):
                        yield getattr(module, state), "same"
