"""The layers of graphs as Keras's own, and their arrays in the canonical layout.

keras is an argument throughout, as in model.py. Only what Keras documents is used, so the
documented form has its layers from here too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.base import form_of, unknown
from adapters.keras.model import ACTIVATIONS
from tasks.spec.layers import (
    LSTM,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    MaxPool2D,
    Shape,
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


@dataclass(frozen=True)
class Making:
    """How layers are made. recurrent: options of LSTM and GRU beyond the documents' own."""

    keras: Any
    recurrent: Mapping[str, Any] = field(default_factory=dict)


Build = Callable[[Making, Any, Shape], Any]
"""(how, the layer, the shape of what it reads first) → Keras's layer."""


def activation(layer: Any) -> str:
    """The name that Keras has for a layer's activation."""
    return form_of("activation", layer.activation, ACTIVATIONS)


def _dense(making: Making, layer: Dense, read: Shape) -> Any:
    return making.keras.layers.Dense(layer.units, activation=activation(layer), use_bias=layer.bias)


def _convolution(making: Making, layer: Conv2D, read: Shape) -> Any:
    return making.keras.layers.Conv2D(
        layer.filters, layer.kernel, strides=layer.stride, padding=layer.padding,
        activation=activation(layer), use_bias=layer.bias,
    )  # fmt: skip


def _transposed(making: Making, layer: TransposedConv2D, read: Shape) -> Any:
    return making.keras.layers.Conv2DTranspose(
        layer.filters, layer.kernel, strides=layer.stride, padding="same",
        activation=activation(layer), use_bias=layer.bias,
    )  # fmt: skip


def _embedding(making: Making, layer: Embedding, read: Shape) -> Any:
    """One that can be read backwards, as an Unembedding does, with a gradient of every row.

    Keras on TensorFlow gives its optimizers only the rows that a batch used, and the moments of the
    others stand still. With a regularizer of strength zero the gradient has every row.
    """
    nothing = making.keras.regularizers.L2(0.0)
    return making.keras.layers.ReversibleEmbedding(
        layer.vocabulary, layer.units, embeddings_regularizer=nothing
    )


def _batch_norm(making: Making, layer: BatchNorm, read: Shape) -> Any:
    """Keras's layer that is not trainable runs in inference, as the task's frozen one does."""
    return making.keras.layers.BatchNormalization(
        momentum=layer.momentum, epsilon=layer.epsilon, trainable=not layer.frozen
    )


def _layer_norm(making: Making, layer: LayerNorm, read: Shape) -> Any:
    return making.keras.layers.LayerNormalization(epsilon=layer.epsilon)


def _attention(making: Making, layer: SelfAttention, read: Shape) -> Any:
    """It has a bias of the keys, which stays zero: `arrays_of` does not name it, so nothing moves
    it."""
    return making.keras.layers.MultiHeadAttention(layer.heads, read[-1] // layer.heads)


def _gelu(making: Making, layer: Gelu, read: Shape) -> Any:
    return lambda x: making.keras.ops.gelu(x, approximate=layer.form == "tanh")


def _places(making: Making, layer: PositionalEmbedding, read: Shape) -> Any:
    class Places(making.keras.layers.Layer):  # type: ignore[name-defined]
        """A learned table (T, units) added to a sequence."""

        def build(self, shape: Any) -> None:
            self.table = self.add_weight(shape=tuple(shape[1:]), name="table")

        def call(self, x: Any) -> Any:
            return x + self.table

    return Places()


def _recurrent(making: Making, layer: LSTM | GRU, read: Shape) -> Any:
    """Of both biases that Keras's GRU has by its documents' default, the second is held at zero."""
    options = {"return_sequences": layer.sequences, **making.recurrent}
    if isinstance(layer, LSTM):
        return making.keras.layers.LSTM(layer.units, **options)
    return making.keras.layers.GRU(
        layer.units, bias_constraint=_first_bias_only(making.keras), **options
    )


def _first_bias_only(keras: Any) -> Any:
    """The constraint on a GRU's biases (2, 3 units) by which the second stays zero."""

    class FirstBiasOnly(keras.constraints.Constraint):
        def __call__(self, biases: Any) -> Any:
            return biases * keras.ops.convert_to_tensor([[1.0], [0.0]], biases.dtype)

    return FirstBiasOnly()


def _both_ways(making: Making, layer: Bidirectional, read: Shape) -> Any:
    """Keras makes both layers anew from what the given one tells of itself."""
    one = _recurrent(making, layer.layer, read)
    known = [type(one.bias_constraint)] if isinstance(layer.layer, GRU) else []
    with making.keras.saving.custom_object_scope({kind.__name__: kind for kind in known}):
        return making.keras.layers.Bidirectional(one)


def _simple(making: Making, layer: SimpleRNN, read: Shape) -> Any:
    unroll = making.recurrent.get("unroll", False)
    return making.keras.layers.SimpleRNN(layer.units, activation=activation(layer), unroll=unroll)


def _global_pool(making: Making, layer: GlobalAveragePool, read: Shape) -> Any:
    make = making.keras.layers
    return make.GlobalAveragePooling2D() if len(read) == 3 else make.GlobalAveragePooling1D()


LAYERS: dict[type[Layer], Build] = {
    Flatten: lambda making, layer, read: making.keras.layers.Flatten(),
    Dense: _dense,
    Dropout: lambda making, layer, read: making.keras.layers.Dropout(layer.rate),
    Conv2D: _convolution,
    MaxPool2D: lambda making, layer, read: making.keras.layers.MaxPooling2D(layer.size),
    Embedding: _embedding,
    SimpleRNN: _simple,
    LSTM: _recurrent,
    GRU: _recurrent,
    Bidirectional: _both_ways,
    BatchNorm: _batch_norm,
    LayerNorm: _layer_norm,
    Gelu: _gelu,
    PositionalEmbedding: _places,
    SelfAttention: _attention,
    Relu: lambda making, layer, read: making.keras.layers.ReLU(),
    LeakyRelu: lambda making, layer, read: making.keras.layers.LeakyReLU(layer.slope),
    Add: lambda making, layer, read: making.keras.layers.Add(),
    Concat: lambda making, layer, read: making.keras.layers.Concatenate(),
    Slice: lambda making, layer, read: making.keras.layers.Identity(),
    Reshape: lambda making, layer, read: making.keras.layers.Reshape(layer.to),
    AveragePool2D: lambda making, layer, read: making.keras.layers.AveragePooling2D(layer.size),
    GlobalAveragePool: _global_pool,
    TransposedConv2D: _transposed,
}
"""By layer, how Keras's is made."""


def layer_of(making: Making, layer: Layer, read: Shape) -> Any:
    """Keras's own layer. Raises `Unsupported` where this adapter has none."""
    if type(layer) not in LAYERS:
        raise unknown("layer", layer)
    return LAYERS[type(layer)](making, layer, read)


def value_of(layer: Layer, made: Any, reads: list[Any]) -> Any:
    """What a node gives for the values that it reads."""
    match layer:
        case SelfAttention(causal=causal):
            return made(reads[0], reads[0], use_causal_mask=causal)
        case Unembedding():
            return made(reads[0], reverse=True)
        case Add() | Concat():
            return made(reads)
        case Slice(begin=begin, end=end):
            return made(reads[0][..., begin:end])
        case _:
            return made(*reads)
