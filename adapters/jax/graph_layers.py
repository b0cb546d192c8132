"""The layers of graphs as functions of JAX arrays, by type. Canonical layouts throughout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from adapters.base import form_of, unknown
from adapters.jax.graph_recurrent import bidirectional, recurrent
from adapters.jax.model import ACTIVATIONS, max_pool
from tasks.spec.layers import (
    LSTM,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    MaxPool2D,
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
Arrays = dict[str, Array]
IMAGES = ("NHWC", "HWIO", "NHWC")


@dataclass
class Given:
    """What a layer has beside what it reads. p: its arrays by part. key: for dropout's mask, None
    in inference. state: where it leaves running statistics, by part."""

    p: Arrays
    key: Array | None
    state: Arrays = field(default_factory=dict)


def dense(layer: Dense, g: Given, x: Array) -> Array:
    return ACTIVATIONS[layer.activation](_biased(g, x @ g.p["kernel"]))


def _biased(g: Given, z: Array) -> Array:
    return z + g.p["bias"] if "bias" in g.p else z


def convolution(layer: Conv2D, g: Given, x: Array) -> Array:
    """XLA's padding is the task's: the odd zero after."""
    stride = (layer.stride, layer.stride)
    z = lax.conv_general_dilated(
        x, g.p["kernel"], stride, layer.padding.upper(), dimension_numbers=IMAGES
    )
    return ACTIVATIONS[layer.activation](_biased(g, z))


def transposed(layer: TransposedConv2D, g: Given, x: Array) -> Array:
    """transpose_kernel: the kernel is that of the convolution which is transposed."""
    stride = (layer.stride, layer.stride)
    z = lax.conv_transpose(x, g.p["kernel"], stride, "SAME", transpose_kernel=True)
    return ACTIVATIONS[layer.activation](_biased(g, z))


def average_pool(layer: AveragePool2D, g: Given, x: Array) -> Array:
    """The mean over each window, by the axes of a reshaped image."""
    size = layer.size
    height, width = x.shape[1] // size, x.shape[2] // size
    inside = x[:, : height * size, : width * size]
    blocks = inside.reshape(len(x), height, size, width, size, x.shape[3])
    return blocks.mean((2, 4))


def batch_norm(layer: BatchNorm, g: Given, x: Array) -> Array:
    """By the batch in training, unless it is frozen; the running variance is biased."""
    mean, variance = g.p["mean"], g.p["variance"]
    if g.key is not None and not layer.frozen:
        axes = tuple(range(x.ndim - 1))
        mean, variance = x.mean(axes), x.var(axes)
        old = layer.momentum
        g.state["mean"] = old * g.p["mean"] + (1 - old) * mean
        g.state["variance"] = old * g.p["variance"] + (1 - old) * variance
    return (x - mean) * (lax.rsqrt(variance + layer.epsilon) * g.p["gamma"]) + g.p["beta"]


def layer_norm(layer: LayerNorm, g: Given, x: Array) -> Array:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + layer.epsilon) * g.p["gamma"] + g.p["beta"]


def attention(layer: SelfAttention, g: Given, x: Array) -> Array:
    """Queries, keys and values in one product; jax.nn's attention."""
    p, units = g.p, x.shape[-1]
    kernel = jnp.concatenate([p["query"], p["key"], p["value"]], axis=1)
    bias = jnp.concatenate([p["query_bias"], jnp.zeros_like(p["query_bias"]), p["value_bias"]])
    heads = (*x.shape[:2], layer.heads, units // layer.heads)
    q, k, v = (each.reshape(heads) for each in jnp.split(x @ kernel + bias, 3, axis=-1))
    mixed = jax.nn.dot_product_attention(q, k, v, is_causal=layer.causal)
    return mixed.reshape(x.shape) @ p["output"] + p["output_bias"]


def dropout(layer: Dropout, g: Given, x: Array) -> Array:
    if g.key is None or not layer.rate:
        return x
    kept = jax.random.bernoulli(g.key, 1 - layer.rate, x.shape)
    return jnp.where(kept, x / (1 - layer.rate), 0.0)


def add(layer: Add, g: Given, *values: Array) -> Array:
    return sum(values[1:], start=values[0])


Apply = Callable[..., Array]
LAYERS: dict[type[Layer], Apply] = {
    Flatten: lambda layer, g, x: x.reshape(len(x), -1),
    Reshape: lambda layer, g, x: x.reshape(len(x), *layer.to),
    Add: add,
    Slice: lambda layer, g, x: x[..., layer.begin : layer.end],
    Concat: lambda layer, g, *values: jnp.concatenate(values, axis=-1),
    GlobalAveragePool: lambda layer, g, x: x.mean(tuple(range(1, x.ndim - 1))),
    MaxPool2D: lambda layer, g, x: max_pool(x, layer.size),
    AveragePool2D: average_pool,
    Relu: lambda layer, g, x: jax.nn.relu(x),
    LeakyRelu: lambda layer, g, x: jnp.where(x > 0, x, layer.slope * x),
    Gelu: lambda layer, g, x: jax.nn.gelu(x, approximate=layer.form == "tanh"),
    Dropout: dropout,
    Dense: dense,
    Conv2D: convolution,
    TransposedConv2D: transposed,
    BatchNorm: batch_norm,
    LayerNorm: layer_norm,
    Embedding: lambda layer, g, x: jnp.take(g.p["table"], x, axis=0, mode="clip"),
    PositionalEmbedding: lambda layer, g, x: x + g.p["table"],
    Unembedding: lambda layer, g, x: x @ g.p["table"].T,
    SelfAttention: attention,
    LSTM: lambda layer, g, x: recurrent(layer, g.p, x),
    GRU: lambda layer, g, x: recurrent(layer, g.p, x),
    Bidirectional: lambda layer, g, x: bidirectional(layer, g.p, x),
}
"""Layer → (layer, given, what it reads) → its value."""


def refuse_unknown(layer: Layer) -> None:
    """Raises `Unsupported` for a layer, or its activation, that has no form here."""
    if type(layer) not in LAYERS:
        raise unknown("layer", layer)
    if isinstance(layer, Dense | Conv2D | TransposedConv2D):
        form_of("activation", layer.activation, ACTIVATIONS)
