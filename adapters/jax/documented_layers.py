"""The layers of graphs as modules of Flax, by type, and the arrays of each by canonical part."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from flax import nnx

from adapters.base import form_of, unknown
from adapters.jax.documented_model import ACTIVATIONS, flatten, last_step
from tasks.spec.layers import (
    LSTM,
    Activation,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
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
    Unembedding,
)
from tasks.spec.vision import (
    Add,
    AveragePool2D,
    Concat,
    GlobalAveragePool,
    LeakyRelu,
    Relu,
    Reshape,
    Slice,
    TransposedConv2D,
)

Array: TypeAlias = jax.Array
Applied = Callable[..., Array]
Variables = dict[str, nnx.Variable[Any]]


def added(*values: Array) -> Array:
    return sum(values[1:], start=values[0])


def beside(*values: Array) -> Array:
    return jnp.concatenate(values, axis=-1)


def mean_of_places(x: Array) -> Array:
    """(N, ..., C) → (N, C)."""
    return x.mean(axis=tuple(range(1, x.ndim - 1)))


class Standing(nnx.Module):
    """A batch norm that is frozen: by its running statistics in training too. What a call says goes
    before what `train()` has set."""

    def __init__(self, norm: nnx.BatchNorm) -> None:
        self.norm = norm

    def __call__(self, x: Array) -> Array:
        return self.norm(x, use_running_average=True)


class Places(nnx.Module):
    """A learned table added to a sequence (N, T, units)."""

    def __init__(self, shape: Shape, rngs: nnx.Rngs) -> None:
        steps, units = shape
        self.table = nnx.Embed(steps, units, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        return x + self.table(jnp.arange(x.shape[1]))


class Attention(nnx.Module):
    """A sequence attends to itself; is_causal: each position to those up to itself."""

    def __init__(self, heads: nnx.MultiHeadAttention, is_causal: bool) -> None:
        self.heads, self.is_causal = heads, is_causal

    def __call__(self, x: Array) -> Array:
        return self.heads(x, is_causal=self.is_causal)


class BothWays(nnx.Module):
    """nnx.Bidirectional: all states, or the last of each way, which of the way back is the first
    in the input's order."""

    def __init__(self, layer: LSTM | GRU, inputs: int, rngs: nnx.Rngs) -> None:
        ways = [nnx.RNN(cell_of(layer, inputs, rngs)) for _ in range(2)]
        self.both = nnx.Bidirectional(*ways)
        self.units, self.sequences = layer.units, layer.sequences

    def __call__(self, x: Array) -> Array:
        states = self.both(x)
        if self.sequences:
            return states
        return jnp.concatenate([states[:, -1, : self.units], states[:, 0, self.units :]], axis=-1)


def cell_of(layer: LSTM | GRU, inputs: int, rngs: nnx.Rngs) -> nnx.RNNCellBase:
    """Each has one trained bias, and the task's order of gates."""
    kind = nnx.OptimizedLSTMCell if isinstance(layer, LSTM) else nnx.GRUCell
    return kind(inputs, layer.units, rngs=rngs)


def recurrent(layer: LSTM | GRU, shape: Shape, rngs: nnx.Rngs) -> Applied:
    states = nnx.RNN(cell_of(layer, shape[1], rngs))
    return states if layer.sequences else nnx.Sequential(states, last_step)


def attention(layer: SelfAttention, shape: Shape, rngs: nnx.Rngs) -> Applied:
    """nnx.MultiHeadAttention, with its layer of keys exchanged for one without a bias."""
    units, heads = shape[1], layer.heads
    module = nnx.MultiHeadAttention(heads, units, decode=False, rngs=rngs)
    module.key = nnx.LinearGeneral(units, (heads, units // heads), use_bias=False, rngs=rngs)
    return Attention(module, layer.causal)


def activated(module: nnx.Module, activation: Activation) -> Applied:
    if activation == "linear":
        return nnx.Sequential(module)
    return nnx.Sequential(module, form_of("activation", activation, ACTIVATIONS))


def convolution(layer: Conv2D | TransposedConv2D, shape: Shape, rngs: nnx.Rngs) -> Applied:
    """Flax's padding is XLA's, which is the task's: the odd zero after. A transposed kernel is the
    one of the convolution that is transposed, as the page of nnx.ConvTranspose has it."""
    window, stride = (layer.kernel, layer.kernel), (layer.stride, layer.stride)
    make = partial(nnx.Conv, shape[2], layer.filters, window, strides=stride)
    padding = layer.padding.upper() if isinstance(layer, Conv2D) else "SAME"
    if isinstance(layer, TransposedConv2D):
        make = partial(nnx.ConvTranspose, shape[2], layer.filters, window, strides=stride)
        make = partial(make, transpose_kernel=True)
    return activated(make(padding=padding, use_bias=layer.bias, rngs=rngs), layer.activation)


def dense(layer: Dense, shape: Shape, rngs: nnx.Rngs) -> Applied:
    linear = nnx.Linear(shape[-1], layer.units, use_bias=layer.bias, rngs=rngs)
    return activated(linear, layer.activation)


def pool(of: Callable[..., Array], size: int) -> Applied:
    return partial(of, window_shape=(size, size), strides=(size, size))


def batch_norm(layer: BatchNorm, shape: Shape, rngs: nnx.Rngs) -> Applied:
    """Flax's momentum is the share of the old value too, and its running variance is biased."""
    norm = nnx.BatchNorm(shape[-1], momentum=layer.momentum, epsilon=layer.epsilon, rngs=rngs)
    return Standing(norm) if layer.frozen else norm


Builder = Callable[[Any, Shape, nnx.Rngs], Applied]
BUILDERS: dict[type[Layer], Builder] = {
    Flatten: lambda layer, shape, rngs: flatten,
    Reshape: lambda layer, shape, rngs: lambda x: x.reshape(len(x), *layer.to),
    Add: lambda layer, shape, rngs: added,
    Slice: lambda layer, shape, rngs: lambda x: x[..., layer.begin : layer.end],
    Concat: lambda layer, shape, rngs: beside,
    GlobalAveragePool: lambda layer, shape, rngs: mean_of_places,
    MaxPool2D: lambda layer, shape, rngs: pool(nnx.max_pool, layer.size),
    AveragePool2D: lambda layer, shape, rngs: pool(nnx.avg_pool, layer.size),
    Relu: lambda layer, shape, rngs: nnx.relu,
    LeakyRelu: lambda layer, shape, rngs: partial(nnx.leaky_relu, negative_slope=layer.slope),
    Gelu: lambda layer, shape, rngs: partial(nnx.gelu, approximate=layer.form == "tanh"),
    Dropout: lambda layer, shape, rngs: nnx.Dropout(layer.rate, rngs=rngs),
    Dense: dense,
    Conv2D: convolution,
    TransposedConv2D: convolution,
    BatchNorm: batch_norm,
    LayerNorm: lambda layer, shape, rngs: nnx.LayerNorm(
        shape[-1], epsilon=layer.epsilon, rngs=rngs
    ),
    Embedding: lambda layer, shape, rngs: nnx.Embed(layer.vocabulary, layer.units, rngs=rngs),
    Unembedding: lambda layer, shape, rngs: nnx.Embed(layer.vocabulary, shape[-1], rngs=rngs),
    PositionalEmbedding: lambda layer, shape, rngs: Places(shape, rngs),
    SelfAttention: attention,
    LSTM: recurrent,
    GRU: recurrent,
    Bidirectional: lambda layer, shape, rngs: BothWays(layer.layer, shape[1], rngs),
}


def layer_of(layer: Layer, reads: list[Shape], rngs: nnx.Rngs) -> Applied:
    """What a node that has arrays of its own, or needs none, applies. Raises `Unsupported`."""
    if type(layer) not in BUILDERS:
        raise unknown("layer", layer)
    return BUILDERS[type(layer)](layer, reads[0], rngs)


def parts_of(module: Any) -> Variables:
    """Its arrays by canonical part. Each of Flax's is the canonical one, or that reshaped."""
    match module:
        case nnx.Sequential():
            return parts_of(module.layers[0])
        case Standing(norm=inner) | Places(table=inner):
            return parts_of(inner)
        case nnx.Embed():
            return {"table": module.embedding}
        case nnx.BatchNorm():
            state = {"mean": module.mean, "variance": module.var}
            return {"gamma": module.scale, "beta": module.bias} | state
        case nnx.LayerNorm():
            return {"gamma": module.scale, "beta": module.bias}
        case nnx.RNN(cell=cell):
            biased = cell.dense_h if isinstance(cell, nnx.OptimizedLSTMCell) else cell.dense_i
            kernels = {"kernel": cell.dense_i.kernel, "recurrent": cell.dense_h.kernel}
            return kernels | {"bias": biased.bias}
        case BothWays(both=both):
            ways = {"forward": both.forward_rnn, "backward": both.backward_rnn}
            return {
                f"{w}_{part}": v for w, rnn in ways.items() for part, v in parts_of(rnn).items()
            }
        case Attention(heads=heads):
            return _of_attention(heads)
        case nnx.Linear() | nnx.Conv() | nnx.ConvTranspose():
            bias = {"bias": module.bias} if module.use_bias else {}
            return {"kernel": module.kernel} | bias
        case _:
            return {}


def _of_attention(heads: nnx.MultiHeadAttention) -> Variables:
    """Heads apart in Flax: (units, heads, size), and (heads, size, units) of the output."""
    layers = {"query": heads.query, "key": heads.key, "value": heads.value, "output": heads.out}
    biases = {
        "query_bias": heads.query.bias,
        "value_bias": heads.value.bias,
        "output_bias": heads.out.bias,
    }
    return {name: layer.kernel for name, layer in layers.items()} | biases
