"""The layers of graphs as blocks of Gluon, and their arrays in the canonical layout.

Images are (N, C, H, W). Blocks know the shapes of their arrays, so nothing waits for a first row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mxnet import gluon
from mxnet.gluon import nn, rnn

from adapters.base import form_of
from adapters.mxnet.graph_operators import joined
from adapters.mxnet.model import ACTIVATIONS
from tasks.spec.layers import (
    LSTM,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Layer,
    MaxPool2D,
    Shape,
)
from tasks.spec.normalization import BatchNorm, LayerNorm
from tasks.spec.sequence import (
    GRU,
    Bidirectional,
    Gelu,
    PositionalEmbedding,
    SelfAttention,
)
from tasks.spec.vision import AveragePool2D, LeakyRelu, Relu, TransposedConv2D

BLOCKED = -1e9  # what is added to a score so that its softmax is 0


class PaddedConv2D(nn.HybridBlock):
    """nn.Conv2D, whose own padding is the same on both sides, over an image with zeros around."""

    def __init__(self, layer: Conv2D, shape: Shape) -> None:
        super().__init__()
        (top, bottom), (left, right) = (layer.pads(length) for length in shape[:2])
        is_even = (top, left) == (bottom, right)
        self.around = (0, 0, 0, 0, top, bottom, left, right)
        self.is_padded = not is_even
        self.inner = nn.Conv2D(
            layer.filters, layer.kernel, layer.stride, (top, left) if is_even else 0,
            activation=form_of("activation", layer.activation, ACTIVATIONS),
            use_bias=layer.bias, in_channels=shape[2],
        )  # fmt: skip

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        if self.is_padded:
            x = F.pad(x, mode="constant", pad_width=self.around, constant_value=0)
        return self.inner(x)


class CroppedConv2DTranspose(nn.HybridBlock):
    """nn.Conv2DTranspose, of whose result what `same` padding adds is cut off."""

    def __init__(self, layer: TransposedConv2D, shape: Shape) -> None:
        super().__init__()
        before, after = layer.crop
        self.more = after - before  # the other side is cut off by so much more
        self.activation = form_of("activation", layer.activation, ACTIVATIONS)
        self.inner = nn.Conv2DTranspose(
            layer.filters, layer.kernel, layer.stride, before, use_bias=layer.bias,
            in_channels=shape[2],
        )  # fmt: skip

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        out = self.inner(x)
        if self.more:
            out = F.slice_axis(out, axis=2, begin=0, end=-self.more)
            out = F.slice_axis(out, axis=3, begin=0, end=-self.more)
        return F.Activation(out, act_type=self.activation) if self.activation else out


class TanhGelu(nn.HybridBlock):
    """The form of GELU that MXNet has no layer of: nn.GELU is the other."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        inner = float(np.sqrt(2 / np.pi)) * (x + 0.044715 * (x * x * x))
        return 0.5 * x * (1 + F.tanh(inner))


class Places(nn.HybridBlock):
    """A learned table (T, units) added to a sequence."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        with self.name_scope():
            self.table = self.params.get("table", shape=shape)

    def hybrid_forward(self, F: Any, x: Any, table: Any) -> Any:
        return F.broadcast_add(x, F.expand_dims(table, axis=0))


class Attention(nn.HybridBlock):
    """Self-attention by batch_dot and softmax: Gluon has no block of it. No bias of the keys."""

    def __init__(self, layer: SelfAttention, shape: Shape) -> None:
        super().__init__()
        time, units = shape
        self.heads, self.units = layer.heads, units
        with self.name_scope():
            self.query = nn.Dense(units, flatten=False, in_units=units)
            self.key = nn.Dense(units, flatten=False, use_bias=False, in_units=units)
            self.value = nn.Dense(units, flatten=False, in_units=units)
            self.output = nn.Dense(units, flatten=False, in_units=units)
            later = np.triu(np.full((1, time, time), BLOCKED, np.float32), k=1)
            self.later = self.params.get_constant("later", later) if layer.causal else None

    def hybrid_forward(self, F: Any, x: Any, later: Any = None) -> Any:
        q, k, v = (self._by_head(F, each(x)) for each in (self.query, self.key, self.value))
        scores = F.batch_dot(q, k, transpose_b=True) * (self.units // self.heads) ** -0.5
        if later is not None:
            scores = F.broadcast_add(scores, later)
        mixed = F.batch_dot(F.softmax(scores, axis=-1), v)
        split = F.reshape(mixed, shape=(-4, -1, self.heads, 0, 0))  # (N heads, ...) → (N, heads, …)
        beside = F.reshape(F.transpose(split, axes=(0, 2, 1, 3)), shape=(0, 0, -3))
        return self.output(beside)

    def _by_head(self, F: Any, x: Any) -> Any:
        """(N, T, units) → (N heads, T, units / heads)."""
        split = F.reshape(x, shape=(0, 0, -4, self.heads, -1))
        return F.reshape(F.transpose(split, axes=(0, 2, 1, 3)), shape=(-3, 0, 0))


class Recurrent(nn.HybridBlock):
    """rnn.LSTM or rnn.GRU, one way or both: the last state, or every state.

    Gluon's second bias is zero and not trained. The last state of the way back is at the first
    time step. Slices, not SequenceLast: training through that crashed 1.9.1.
    """

    def __init__(self, layer: LSTM | GRU, inputs: int, both: bool) -> None:
        super().__init__()
        kind = rnn.LSTM if isinstance(layer, LSTM) else rnn.GRU
        self.units, self.both, self.sequences = layer.units, both, layer.sequences
        with self.name_scope():
            self.inner = kind(
                layer.units, layout="NTC", bidirectional=both, input_size=inputs,
                h2h_bias_initializer="zeros",
            )  # fmt: skip

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        states = self.inner(x)
        if self.sequences:
            return states
        last = F.squeeze(F.slice_axis(states, axis=1, begin=-1, end=None), axis=1)
        if not self.both:
            return last
        first = F.squeeze(F.slice_axis(states, axis=1, begin=0, end=1), axis=1)
        forward = F.slice_axis(last, axis=1, begin=0, end=self.units)
        back = F.slice_axis(first, axis=1, begin=self.units, end=None)
        return F.concat(forward, back, dim=1)


def block_of(layer: Layer, reads: list[Shape]) -> nn.HybridBlock:  # noqa: C901 - one case a layer
    """The block of one node. Raises `Unsupported` for a layer that has no form here."""
    shape = reads[0]
    match layer:
        case Dense(units=units, activation=name, bias=bias):
            activation = form_of("activation", name, ACTIVATIONS)
            return nn.Dense(units, activation, bias, flatten=False, in_units=shape[-1])
        case Conv2D():
            return PaddedConv2D(layer, shape)
        case TransposedConv2D():
            return CroppedConv2DTranspose(layer, shape)
        case MaxPool2D(size=size):
            return nn.MaxPool2D(size)
        case AveragePool2D(size=size):
            return nn.AvgPool2D(size)
        case Embedding(vocabulary=vocabulary, units=units):
            return nn.Embedding(vocabulary, units)
        case BatchNorm():
            return nn.BatchNorm(
                1 if len(shape) == 3 else -1, layer.momentum, layer.epsilon,
                use_global_stats=layer.frozen, in_channels=shape[-1],
            )  # fmt: skip
        case LayerNorm() if len(shape) < 3:
            return nn.LayerNorm(epsilon=layer.epsilon, in_channels=shape[-1])
        case PositionalEmbedding():
            return Places(shape)
        case SelfAttention():
            return Attention(layer, shape)
        case LSTM() | GRU():
            return Recurrent(layer, shape[-1], both=False)
        case Bidirectional():
            return Recurrent(layer.layer, shape[-1], both=True)
        case Relu():
            return nn.Activation("relu")
        case LeakyRelu(slope=slope):
            return nn.LeakyReLU(slope)
        case Gelu(form=form):
            return TanhGelu() if form == "tanh" else nn.GELU()
        case Dropout(rate=rate):
            return nn.Dropout(rate)
        case _:
            return joined(layer, shape)


Arrays = dict[str, gluon.Parameter]
"""By the canonical name of a part: Gluon's parameter. Those of two axes and more are turned."""


def parts_of(layer: Layer, block: Any) -> Arrays:
    """The arrays of one node, in the order in which the task has them."""
    match layer:
        case Dense():
            return _kernel(block)
        case Conv2D() | TransposedConv2D():
            return _kernel(block.inner)
        case Embedding():
            return {"table": block.weight}
        case PositionalEmbedding():
            return {"table": block.table}
        case BatchNorm():
            state = {"mean": block.running_mean, "variance": block.running_var}
            return {"gamma": block.gamma, "beta": block.beta, **state}
        case LayerNorm():
            return {"gamma": block.gamma, "beta": block.beta}
        case SelfAttention():
            return {
                "query": block.query.weight,
                "query_bias": block.query.bias,
                "key": block.key.weight,
                "value": block.value.weight,
                "value_bias": block.value.bias,
                "output": block.output.weight,
                "output_bias": block.output.bias,
            }
        case LSTM() | GRU():
            return _way(block.inner, "l")
        case Bidirectional():
            ways = {"forward": "l", "backward": "r"}
            return {
                f"{way}_{name}": parameter
                for way, letter in ways.items()
                for name, parameter in _way(block.inner, letter).items()
            }
        case _:
            return {}


def _kernel(block: Any) -> Arrays:
    return {"kernel": block.weight} | ({} if block.bias is None else {"bias": block.bias})


def _way(block: Any, letter: str) -> Arrays:
    """The gates of Gluon are in the canonical order, those of rnn.LSTM and those of rnn.GRU."""
    parts = {"kernel": "i2h_weight", "recurrent": "h2h_weight", "bias": "i2h_bias"}
    return {part: getattr(block, f"{letter}0_{end}") for part, end in parts.items()}


def turned(part: str, value: np.ndarray, back: bool = False) -> np.ndarray:
    """An array in Gluon's layout, or `back` in the canonical one: tables stand, kernels have
    outputs first and images' sides last."""
    if part == "table":
        return value
    if value.ndim == 4:
        return value.transpose((2, 3, 1, 0) if back else (3, 2, 0, 1))
    return value.T
