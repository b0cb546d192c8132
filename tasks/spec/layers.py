"""The layers a network is made of, as plain data. Layouts are canonical: images (height, width,
channels), convolution kernels (height, width, in, out), dense kernels (in, out), recurrent gate
order i, f, g, o, one bias a layer.

A layer knows the shape it gives, its arrays and its work, from the shapes it reads (of one row).
Those that only graphs have stand in vision.py, sequence.py and normalization.py beside this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, prod
from typing import Literal

Activation = Literal["linear", "relu", "tanh", "sigmoid"]
Shape = tuple[int, ...]
Padding = Literal["valid", "same"]
Draw = Literal["glorot", "zeros", "ones", "orthogonal", "uniform", "forget"]

LATER = {"later": True}
"""Of a field that was added after results were published: at its default it is left out of a
task's definition, so that the digest of a task that does without it is what it was."""


@dataclass(frozen=True)
class ArraySpec:
    """One array of a layer. draw: how it begins (tasks.weights). trained: an optimizer moves it;
    else it is state, such as running statistics."""

    shape: Shape
    draw: Draw
    trained: bool = True


class Layer:
    """What a node of a network does. `reads`: the shapes of what it reads, without the batch."""

    def shape(self, *reads: Shape) -> Shape:
        """The shape of one row of its output."""
        return reads[0]

    def parts(self, *reads: Shape) -> dict[str, ArraySpec]:
        """Its arrays by name."""
        return {}

    def products(self, *reads: Shape) -> int:
        """Floating-point operations of its matrix products for one row, forward."""
        return 0

    def products_with_inputs(self, *reads: Shape) -> int:
        """Of those, the ones with its inputs: a recurrent layer has its states' as well."""
        return self.products(*reads)


def with_bias(kernel: ArraySpec, units: int) -> dict[str, ArraySpec]:
    """A kernel and a bias of so many units; none where they are 0."""
    return {"kernel": kernel} | ({"bias": ArraySpec((units,), "zeros")} if units else {})


@dataclass(frozen=True)
class Flatten(Layer):
    """(N, ...) → (N, product), rows in C order of the canonical layout."""

    def shape(self, *reads: Shape) -> Shape:
        return (prod(reads[0]),)


@dataclass(frozen=True)
class Dense(Layer):
    """(N, ..., in) → (N, ..., units): activation(x @ kernel + bias), over the last axis."""

    units: int
    activation: Activation = "linear"
    bias: bool = field(default=True, metadata=LATER)

    def shape(self, *reads: Shape) -> Shape:
        return (*reads[0][:-1], self.units)

    def parts(self, *reads: Shape) -> dict[str, ArraySpec]:
        kernel = ArraySpec((reads[0][-1], self.units), "glorot")
        return {"kernel": kernel} | (
            {"bias": ArraySpec((self.units,), "zeros")} if self.bias else {}
        )

    def products(self, *reads: Shape) -> int:
        return 2 * prod(reads[0]) * self.units


@dataclass(frozen=True)
class Dropout(Layer):
    """Keeps each value with probability 1 - rate and scales it by 1 / (1 - rate); training only."""

    rate: float


@dataclass(frozen=True)
class Conv2D(Layer):
    """(N, H, W, C) → (N, H', W', filters): cross-correlation.

    "valid": no padding, H' = (H - kernel) // stride + 1. "same": H' = ceil(H / stride), zeros
    around: half of them before, the odd one after (right and below), as in XLA and TensorFlow.
    """

    filters: int
    kernel: int = 3
    activation: Activation = "linear"
    stride: int = field(default=1, metadata=LATER)
    padding: Padding = field(default="valid", metadata=LATER)
    bias: bool = field(default=True, metadata=LATER)

    def shape(self, *reads: Shape) -> Shape:
        sides = [self._side(length) for length in reads[0][:2]]
        return (*sides, self.filters)

    def _side(self, length: int) -> int:
        if self.padding == "same":
            return ceil(length / self.stride)
        return (length - self.kernel) // self.stride + 1

    def pads(self, length: int) -> tuple[int, int]:
        """Zeros before and after a side of that length."""
        if self.padding == "valid":
            return 0, 0
        total = max((self._side(length) - 1) * self.stride + self.kernel - length, 0)
        return total // 2, total - total // 2

    def parts(self, *reads: Shape) -> dict[str, ArraySpec]:
        kernel = ArraySpec((self.kernel, self.kernel, reads[0][2], self.filters), "glorot")
        return {"kernel": kernel} | (
            {"bias": ArraySpec((self.filters,), "zeros")} if self.bias else {}
        )

    def products(self, *reads: Shape) -> int:
        return 2 * self.kernel**2 * reads[0][2] * prod(self.shape(*reads))


@dataclass(frozen=True)
class MaxPool2D(Layer):
    """(N, H, W, C) → (N, H // size, W // size, C): stride = size, the odd border dropped."""

    size: int = 2

    def shape(self, *reads: Shape) -> Shape:
        height, width, channels = reads[0]
        return (height // self.size, width // self.size, channels)


@dataclass(frozen=True)
class Embedding(Layer):
    """int (N, T) → (N, T, units): row lookup in a (vocabulary, units) table."""

    vocabulary: int
    units: int

    def shape(self, *reads: Shape) -> Shape:
        return (*reads[0], self.units)

    def parts(self, *reads: Shape) -> dict[str, ArraySpec]:
        return {"table": ArraySpec((self.vocabulary, self.units), "uniform")}


def recurrent_parts(inputs: int, units: int, gates: int, bias: Draw) -> dict[str, ArraySpec]:
    """Kernel (in, gates units), recurrent (units, gates units), one bias (gates units)."""
    return {
        "kernel": ArraySpec((inputs, gates * units), "glorot"),
        "recurrent": ArraySpec((units, gates * units), "orthogonal"),
        "bias": ArraySpec((gates * units,), bias),
    }


@dataclass(frozen=True)
class SimpleRNN(Layer):
    """(N, T, in) → (N, units): h = activation(x @ kernel + h @ recurrent + bias), last h."""

    units: int
    activation: Activation = "tanh"

    def shape(self, *reads: Shape) -> Shape:
        return (self.units,)

    def parts(self, *reads: Shape) -> dict[str, ArraySpec]:
        return recurrent_parts(reads[0][1], self.units, 1, "zeros")

    def products(self, *reads: Shape) -> int:
        return reads[0][0] * 2 * (reads[0][1] + self.units) * self.units

    def products_with_inputs(self, *reads: Shape) -> int:
        return reads[0][0] * 2 * reads[0][1] * self.units


@dataclass(frozen=True)
class LSTM(Layer):
    """(N, T, in) → (N, units): last h of a standard LSTM, gates i, f, g, o, one bias (4 units).

    c = sigmoid(f) c + sigmoid(i) tanh(g); h = sigmoid(o) tanh(c)
    (Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000).
    sequences: every h instead, (N, T, units).
    """

    units: int
    sequences: bool = field(default=False, metadata=LATER)

    def shape(self, *reads: Shape) -> Shape:
        return (reads[0][0], self.units) if self.sequences else (self.units,)

    def parts(self, *reads: Shape) -> dict[str, ArraySpec]:
        return recurrent_parts(reads[0][1], self.units, 4, "forget")

    def products(self, *reads: Shape) -> int:
        return reads[0][0] * 2 * (reads[0][1] + self.units) * 4 * self.units

    def products_with_inputs(self, *reads: Shape) -> int:
        return reads[0][0] * 2 * reads[0][1] * 4 * self.units


CHAINED = (Flatten, Dense, Dropout, Conv2D, MaxPool2D, Embedding, SimpleRNN, LSTM)
"""The layers that tasks written as one chain have."""
