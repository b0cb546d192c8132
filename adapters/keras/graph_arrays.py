"""The arrays of Keras's layers, seen in the canonical layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.spec.layers import LSTM, Embedding, Layer
from tasks.spec.normalization import BatchNorm, LayerNorm
from tasks.spec.sequence import GRU, Bidirectional, PositionalEmbedding, SelfAttention

Turn = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Array:
    """A variable of Keras. own: canonical values → as the variable has them, but for the shape;
    canonical: the way back."""

    variable: Any
    own: Turn = np.asarray
    canonical: Turn = np.asarray

    def put(self, value: np.ndarray) -> None:
        """Copies: on a CPU JAX takes an array as it lies, and then writes its steps into it."""
        self.variable.assign(self.own(value).reshape(self.variable.shape).copy())

    def get(self, keras: Any, shape: tuple[int, ...]) -> np.ndarray:
        """A new array, in the canonical layout and of that shape."""
        found = np.array(keras.ops.convert_to_numpy(self.variable), np.float32)
        return self.canonical(found).reshape(shape).copy()


def arrays_of(layer: Layer, made: Any) -> dict[str, Array]:
    """The arrays of a layer that Keras has built, by their canonical part."""
    match layer:
        case BatchNorm():
            parts = {"mean": made.moving_mean, "variance": made.moving_variance}
            return _plain(gamma=made.gamma, beta=made.beta, **parts)
        case LayerNorm():
            return _plain(gamma=made.gamma, beta=made.beta)
        case Embedding():
            return _plain(table=made.embeddings)
        case PositionalEmbedding():
            return _plain(table=made.table)
        case SelfAttention():
            return _attention(made)
        case LSTM() | GRU():
            return _recurrent(layer, made)
        case Bidirectional():
            ways = {"forward": made.forward_layer, "backward": made.backward_layer}
            return {
                f"{way}_{part}": array
                for way, one in ways.items()
                for part, array in _recurrent(layer.layer, one).items()
            }
        case _:
            return _plain(
                **dict(zip(("kernel", "bias"), getattr(made, "weights", ()), strict=False))
            )


def _plain(**variables: Any) -> dict[str, Array]:
    return {part: Array(variable) for part, variable in variables.items()}


def _attention(made: Any) -> dict[str, Array]:
    """(E, heads, size) and (heads, size, E) lie in memory as (E, E) does. The keys' bias is no
    array of the task's: it is not trained, and stays at the zero that it begins with."""
    return _plain(
        query=made.query_dense.kernel,
        query_bias=made.query_dense.bias,
        key=made.key_dense.kernel,
        value=made.value_dense.kernel,
        value_bias=made.value_dense.bias,
        output=made.output_dense.kernel,
        output_bias=made.output_dense.bias,
    )


def _recurrent(layer: LSTM | GRU, made: Any) -> dict[str, Array]:
    """Keras's LSTM has the canonical order of the gates, its GRU z, r, n and two biases."""
    cell = made.cell
    if isinstance(layer, LSTM):
        return _plain(kernel=cell.kernel, recurrent=cell.recurrent_kernel, bias=cell.bias)
    return {
        "kernel": Array(cell.kernel, _gates, _gates),
        "recurrent": Array(cell.recurrent_kernel, _gates, _gates),
        "bias": Array(cell.bias, _two_biases, lambda value: _gates(value[0])),
    }


def _gates(value: np.ndarray) -> np.ndarray:
    """Between the orders r, z, n and z, r, n of the last axis."""
    first, second, new = np.split(value, 3, axis=-1)
    return np.concatenate((second, first, new), axis=-1)


def _two_biases(value: np.ndarray) -> np.ndarray:
    return np.stack((_gates(value), np.zeros_like(value)))
