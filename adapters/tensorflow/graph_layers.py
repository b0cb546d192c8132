"""The layers of graphs in TensorFlow's public operations, over variables in canonical layout.

Each layer is one function of itself, its arrays by part, the values it reads, and whether it is
trained. The documented form and the tuned one have the same: they differ in what runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

from adapters.base import form_of, unknown
from adapters.tensorflow.recurrent import ACTIVATIONS
from tasks.spec.layers import (
    LSTM,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    MaxPool2D,
    SimpleRNN,
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

Tensor: TypeAlias = tf.Tensor
Parts = Mapping[str, Any]
Reads = Sequence[Tensor]
Apply = Callable[[Any, Parts, Reads, bool], Tensor]
Step = Callable[[Any, Tensor], Any]  # a recurrent layer's states and its input's part → new states


def activated(layer: Any, z: Tensor) -> Tensor:
    """A layer's activation of its values."""
    return form_of("activation", layer.activation, ACTIVATIONS)(z)


def _biased(layer: Any, p: Parts, z: Tensor) -> Tensor:
    return activated(layer, z + p["bias"] if layer.bias else z)


def product(x: Tensor, kernel: Any) -> Tensor:
    """x (N, ..., in) by kernel (in, units)."""
    return tf.matmul(x, kernel) if len(x.shape) == 2 else tf.tensordot(x, kernel, 1)


def _dense(layer: Dense, p: Parts, reads: Reads, training: bool) -> Tensor:
    return _biased(layer, p, product(reads[0], p["kernel"]))


def _convolution(layer: Conv2D, p: Parts, reads: Reads, training: bool) -> Tensor:
    z = tf.nn.conv2d(reads[0], p["kernel"], layer.stride, layer.padding.upper())
    return _biased(layer, p, z)


def _transposed(layer: TransposedConv2D, p: Parts, reads: Reads, training: bool) -> Tensor:
    x = reads[0]
    shape = tf.stack([tf.shape(x)[0], *layer.shape(tuple(x.shape[1:]))])
    z = tf.nn.conv2d_transpose(x, p["kernel"], shape, layer.stride, "SAME")
    return _biased(layer, p, z)


def _dropout(layer: Dropout, p: Parts, reads: Reads, training: bool) -> Tensor:
    return tf.nn.dropout(reads[0], layer.rate) if training and layer.rate else reads[0]


def _normalised(x: Tensor, mean: Tensor, variance: Tensor, p: Parts, epsilon: float) -> Tensor:
    """In float32, whatever the layers beside it compute in; x, mean and variance are."""
    beta, gamma = (tf.cast(p[part], tf.float32) for part in ("beta", "gamma"))
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, epsilon)


def _batch_norm(layer: BatchNorm, p: Parts, reads: Reads, training: bool) -> Tensor:
    """tf.nn.moments has the biased variance of the task; what fused kernels keep is unbiased."""
    x = tf.cast(reads[0], tf.float32)
    mean, variance = p["mean"], p["variance"]
    if training and not layer.frozen:
        old, (mean, variance) = (mean, variance), tf.nn.moments(x, list(range(len(x.shape) - 1)))
        for kept, new in zip(old, (mean, variance), strict=True):
            kept.assign(layer.momentum * kept + (1 - layer.momentum) * new)
    return tf.cast(_normalised(x, mean, variance, p, layer.epsilon), reads[0].dtype)


def _layer_norm(layer: LayerNorm, p: Parts, reads: Reads, training: bool) -> Tensor:
    x = tf.cast(reads[0], tf.float32)
    mean, variance = tf.nn.moments(x, [-1], keepdims=True)
    return tf.cast(_normalised(x, mean, variance, p, layer.epsilon), reads[0].dtype)


def _attention(layer: SelfAttention, p: Parts, reads: Reads, training: bool) -> Tensor:
    """(N, T, E) in heads beside each other."""
    x = reads[0]
    time, units = x.shape[1:]

    def heads(z: Tensor) -> Tensor:  # (N, heads, T, size)
        size = units // layer.heads
        return tf.transpose(tf.reshape(z, [-1, time, layer.heads, size]), [0, 2, 1, 3])

    q = heads(product(x, p["query"]) + p["query_bias"])
    k = heads(product(x, p["key"]))
    v = heads(product(x, p["value"]) + p["value_bias"])
    scores = tf.matmul(q, k, transpose_b=True) / (units // layer.heads) ** 0.5
    if layer.causal:
        to_itself = tf.linalg.band_part(tf.ones([time, time], tf.bool), -1, 0)
        scores = tf.where(to_itself, scores, scores.dtype.min)
    mixed = tf.transpose(tf.matmul(tf.nn.softmax(scores), v), [0, 2, 1, 3])
    return product(tf.reshape(mixed, [-1, time, units]), p["output"]) + p["output_bias"]


def _lstm_step(p: Parts) -> Step:
    def step(states: Any, z: Tensor) -> Any:
        h, c = states
        i, f, g, o = tf.split(z + tf.matmul(h, p["recurrent"]), 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

    return step


def _gru_step(p: Parts) -> Step:
    """The reset gate after the product."""

    def step(states: Any, z: Tensor) -> Any:
        h = states[0]
        r, u, n = tf.split(z, 3, axis=1)
        by_r, by_u, by_n = tf.split(tf.matmul(h, p["recurrent"]), 3, axis=1)
        u = tf.sigmoid(u + by_u)
        new = tf.tanh(n + tf.sigmoid(r + by_r) * by_n)
        return ((1 - u) * new + u * h,)

    return step


def _simple_step(layer: SimpleRNN, p: Parts) -> Step:
    return lambda states, z: (activated(layer, z + tf.matmul(states[0], p["recurrent"])),)


def _states(layer: LSTM | GRU | SimpleRNN, p: Parts, x: Tensor) -> Tensor:
    """All states in time's order, (T, N, units). x: (T, N, in)."""
    step = _lstm_step(p) if isinstance(layer, LSTM) else _gru_step(p)
    step = _simple_step(layer, p) if isinstance(layer, SimpleRNN) else step
    zeros = tf.zeros([tf.shape(x)[1], layer.units], x.dtype)
    first = (zeros, zeros) if isinstance(layer, LSTM) else (zeros,)
    return tf.scan(step, product(x, p["kernel"]) + p["bias"], first)[0]


def _recurrent(layer: Any, p: Parts, reads: Reads, training: bool) -> Tensor:
    states = _states(layer, p, tf.transpose(reads[0], [1, 0, 2]))
    sequences = getattr(layer, "sequences", False)
    return tf.transpose(states, [1, 0, 2]) if sequences else states[-1]


def _both_ways(layer: Bidirectional, p: Parts, reads: Reads, training: bool) -> Tensor:
    """The last states of each way's own end, or all in the input's order."""
    x = tf.transpose(reads[0], [1, 0, 2])
    ways = [
        {part.removeprefix(way): array for part, array in p.items() if part.startswith(way)}
        for way in ("forward_", "backward_")
    ]
    forward = _states(layer.layer, ways[0], x)
    backward = _states(layer.layer, ways[1], tf.reverse(x, [0]))
    if not layer.layer.sequences:
        return tf.concat([forward[-1], backward[-1]], 1)
    return tf.transpose(tf.concat([forward, tf.reverse(backward, [0])], 2), [1, 0, 2])


def _flatten(layer: Flatten, p: Parts, reads: Reads, training: bool) -> Tensor:
    return tf.reshape(reads[0], [-1, *layer.shape(tuple(reads[0].shape[1:]))])


def _global_pool(layer: GlobalAveragePool, p: Parts, reads: Reads, training: bool) -> Tensor:
    return tf.reduce_mean(reads[0], list(range(1, len(reads[0].shape) - 1)))


def _unembedding(layer: Unembedding, p: Parts, reads: Reads, training: bool) -> Tensor:
    return product(reads[0], tf.transpose(p["table"]))


LAYERS: dict[type[Layer], Apply] = {
    Flatten: _flatten,
    Dense: _dense,
    Dropout: _dropout,
    Conv2D: _convolution,
    MaxPool2D: lambda layer, p, reads, _: tf.nn.max_pool2d(
        reads[0], layer.size, layer.size, "VALID"
    ),
    Embedding: lambda layer, p, reads, _: tf.gather(p["table"], reads[0]),
    SimpleRNN: _recurrent,
    LSTM: _recurrent,
    GRU: _recurrent,
    Bidirectional: _both_ways,
    BatchNorm: _batch_norm,
    LayerNorm: _layer_norm,
    Gelu: lambda layer, p, reads, _: tf.nn.gelu(reads[0], approximate=layer.form == "tanh"),
    PositionalEmbedding: lambda layer, p, reads, _: reads[0] + p["table"],
    Unembedding: _unembedding,
    SelfAttention: _attention,
    Relu: lambda layer, p, reads, _: tf.nn.relu(reads[0]),
    LeakyRelu: lambda layer, p, reads, _: tf.nn.leaky_relu(reads[0], layer.slope),
    Add: lambda layer, p, reads, _: tf.add_n(list(reads)),
    Concat: lambda layer, p, reads, _: tf.concat(list(reads), -1),
    Slice: lambda layer, p, reads, _: reads[0][..., layer.begin : layer.end],
    Reshape: lambda layer, p, reads, _: tf.reshape(reads[0], [-1, *layer.to]),
    AveragePool2D: lambda layer, p, reads, _: tf.nn.avg_pool2d(
        reads[0], layer.size, layer.size, "VALID"
    ),
    GlobalAveragePool: _global_pool,
    TransposedConv2D: _transposed,
}


def layer_form(layer: Layer) -> Apply:
    """Raises `Unsupported` for a layer, or an activation, that has no form here."""
    if type(layer) not in LAYERS:
        raise unknown("layer", layer)
    if hasattr(layer, "activation"):
        form_of("activation", layer.activation, ACTIVATIONS)
    return LAYERS[type(layer)]
