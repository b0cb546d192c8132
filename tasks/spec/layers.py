"""The layers a network is made of, as plain data. Layouts are canonical: images (height, width,
channels), convolution kernels (height, width, in, out), dense kernels (in, out), recurrent gate
order i, f, g, o, one bias a layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Activation = Literal["linear", "relu", "tanh", "sigmoid"]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Flatten:
    """(N, ...) → (N, product), rows in C order of the canonical layout."""


@dataclass(frozen=True)
class Dense:
    """(N, in) → (N, units): activation(x @ kernel + bias)."""

    units: int
    activation: Activation = "linear"


@dataclass(frozen=True)
class Dropout:
    """Keeps each value with probability 1 - rate and scales it by 1 / (1 - rate); training only."""

    rate: float


@dataclass(frozen=True)
class Conv2D:
    """(N, H, W, C) → (N, H-k+1, W-k+1, filters): cross-correlation, stride 1, no padding."""

    filters: int
    kernel: int = 3
    activation: Activation = "linear"


@dataclass(frozen=True)
class MaxPool2D:
    """(N, H, W, C) → (N, H // size, W // size, C): stride = size, the odd border dropped."""

    size: int = 2


@dataclass(frozen=True)
class Embedding:
    """int (N, T) → (N, T, units): row lookup in a (vocabulary, units) table."""

    vocabulary: int
    units: int


@dataclass(frozen=True)
class SimpleRNN:
    """(N, T, in) → (N, units): h = activation(x @ kernel + h @ recurrent + bias), last h."""

    units: int
    activation: Activation = "tanh"


@dataclass(frozen=True)
class LSTM:
    """(N, T, in) → (N, units): last h of a standard LSTM, gates i, f, g, o, one bias (4 units).

    c = sigmoid(f) c + sigmoid(i) tanh(g); h = sigmoid(o) tanh(c)
    (Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000).
    """

    units: int


Layer = Flatten | Dense | Dropout | Conv2D | MaxPool2D | Embedding | SimpleRNN | LSTM
