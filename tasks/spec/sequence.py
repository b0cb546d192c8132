"""Layers of sequence networks that only graphs have. Sequences are (time, units)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tasks.spec.layers import LSTM, ArraySpec, Layer, Shape, recurrent_parts

GeluForm = Literal["erf", "tanh"]


@dataclass(frozen=True)
class Gelu(Layer):
    """erf: x Φ(x). tanh: x / 2 (1 + tanh(sqrt(2 / π) (x + 0.044715 x³))) (Hendrycks & Gimpel
    2016). The two differ by up to 4.7e-4, and frameworks' defaults by form."""

    form: GeluForm


@dataclass(frozen=True)
class PositionalEmbedding(Layer):
    """(N, T, units) → the same plus a learned table (T, units)."""

    def parts(self, *reads: Shape) -> dict[str, ArraySpec]:
        return {"table": ArraySpec(reads[0], "uniform")}


@dataclass(frozen=True)
class Unembedding(Layer):
    """(N, ..., units) → (N, ..., vocabulary): x @ tableᵀ. Its node shares an Embedding's table:
    one array, one optimizer state, and the gradients of both uses added."""

    vocabulary: int

    def shape(self, *reads: Shape) -> Shape:
        return (*reads[0][:-1], self.vocabulary)

    def parts(self, *reads: Shape) -> dict[str, ArraySpec]:
        return {"table": ArraySpec((self.vocabulary, reads[0][-1]), "uniform")}

    def products(self, *reads: Shape) -> int:
        rows = 1
        for length in reads[0][:-1]:
            rows *= length
        return 2 * rows * reads[0][-1] * self.vocabulary


@dataclass(frozen=True)
class SelfAttention(Layer):
    """(N, T, E) → (N, T, E): scaled dot products in `heads` heads of E / heads (Vaswani 2017).

    q, k, v = x @ query + query_bias, x @ key, x @ value + value_bias; head h has the columns from
    h E / heads. softmax(q kᵀ / sqrt(E / heads)) v of each head beside each other, @ output +
    output_bias. causal: position t attends to those up to t. There is no bias of the keys: it
    moves all scores of a row alike, its gradient is zero, and Adam would step on rounding.
    """

    heads: int
    causal: bool = False

    def parts(self, *reads: Shape) -> dict[str, ArraySpec]:
        units = reads[0][1]
        kernel, bias = ArraySpec((units, units), "glorot"), ArraySpec((units,), "zeros")
        return {
            "query": kernel,
            "query_bias": bias,
            "key": kernel,
            "value": kernel,
            "value_bias": bias,
            "output": kernel,
            "output_bias": bias,
        }

    def products(self, *reads: Shape) -> int:
        time, units = reads[0]
        return 2 * time * 4 * units * units + 2 * 2 * time * time * units


@dataclass(frozen=True)
class GRU(Layer):
    """(N, T, in) → (N, units): last h of a gated recurrent unit, gates r, z, n, one bias.

    r, z = sigmoid(x W + b + h U); n = tanh(x W + b + r (h U)); h = (1 - z) n + z h: the reset
    gate after the product, as in cuDNN (Keras: reset_after=True). The second bias of frameworks
    that have one is zero and not trained. sequences: every h instead, (N, T, units).
    """

    units: int
    sequences: bool = False

    def shape(self, *reads: Shape) -> Shape:
        return (reads[0][0], self.units) if self.sequences else (self.units,)

    def parts(self, *reads: Shape) -> dict[str, ArraySpec]:
        return recurrent_parts(reads[0][1], self.units, 3, "zeros")

    def products(self, *reads: Shape) -> int:
        return reads[0][0] * 2 * (reads[0][1] + self.units) * 3 * self.units

    def products_with_inputs(self, *reads: Shape) -> int:
        return reads[0][0] * 2 * reads[0][1] * 3 * self.units


@dataclass(frozen=True)
class Bidirectional(Layer):
    """The layer over the sequence, and another over the sequence turned round; their outputs
    beside each other, (N, 2 units), with `sequences` (N, T, 2 units), both in the input's order."""

    layer: LSTM | GRU

    def shape(self, *reads: Shape) -> Shape:
        one = self.layer.shape(*reads)
        return (*one[:-1], 2 * one[-1])

    def parts(self, *reads: Shape) -> dict[str, ArraySpec]:
        one = self.layer.parts(*reads)
        ways = ("forward", "backward")
        return {f"{way}_{name}": part for way in ways for name, part in one.items()}

    def products(self, *reads: Shape) -> int:
        return 2 * self.layer.products(*reads)

    def products_with_inputs(self, *reads: Shape) -> int:
        return 2 * self.layer.products_with_inputs(*reads)
