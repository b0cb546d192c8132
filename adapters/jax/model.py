"""A task's layers and loss as functions of JAX arrays. Canonical layouts throughout.

Max pooling is by `where` over the strided views, as reduce_window's gradient is a slow
select_and_scatter. Long LSTMs have a gradient of their own, with the time axis put first before the
inputs' product; short ones are laid out step by step and left to jax.grad. Each was the faster
form: MEASURED.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from adapters.base import form_of, unknown
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
    SimpleRNN,
)
from tasks.spec.network import Task, layer_name
from tasks.spec.training import SGD, Adam, Loss
from tasks.weights import Weights

Array: TypeAlias = jax.Array
Params = list[dict[str, Array]]
"""By layer, in order; then by part."""

UNROLL = 32  # time steps up to which a recurrent loop is laid out
ACTIVATIONS: dict[Activation, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
}


LAYERS = (Flatten, Dense, Conv2D, MaxPool2D, Dropout, Embedding, SimpleRNN, LSTM)


def refuse_unknown(task: Task) -> None:
    """Raises `Unsupported` for what `forward` and `update` have no form of: they are traced late,
    when a step is timed."""
    for layer in task.layers:
        if not isinstance(layer, LAYERS):
            raise unknown("layer", layer)
        if isinstance(layer, Dense | Conv2D | SimpleRNN):
            form_of("activation", layer.activation, ACTIVATIONS)
    form_of("loss", task.loss, LOSSES)
    if not isinstance(task.optimizer, Adam | SGD):
        raise unknown("optimizer", task.optimizer)


def parameters(task: Task, weights: Weights) -> Params:
    """The canonical weights, on the default device but not committed to it, as a user's are."""
    names = [layer_name(index, layer) for index, layer in enumerate(task.layers)]
    split = [(*name.split("/"), jnp.array(value)) for name, value in weights.items()]
    return [{part: value for owner, part, value in split if owner == name} for name in names]


def canonical(task: Task, params: Params) -> Weights:
    """The same as NumPy arrays, copied."""
    return {
        f"{layer_name(index, layer)}/{part}": np.array(value)
        for index, (layer, own) in enumerate(zip(task.layers, params, strict=True))
        for part, value in own.items()
    }


def _cross_entropy(outputs: Array, y: Array) -> Array:
    chosen = jnp.take_along_axis(outputs, y[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(outputs, axis=1) - chosen)


def _binary_cross_entropy(outputs: Array, y: Array) -> Array:
    z = outputs[:, 0]
    return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))


def _squared_error(outputs: Array, y: Array) -> Array:
    return jnp.mean(jnp.square(outputs[:, 0] - y))


LOSSES: dict[Loss, Callable[[Array, Array], Array]] = {
    "sparse_categorical_crossentropy": _cross_entropy,
    "binary_crossentropy": _binary_cross_entropy,
    "mean_squared_error": _squared_error,
}
"""(outputs (batch, units), y (batch,)) → batch mean. Faster than optax's (MEASURED.md)."""


def forward(task: Task, params: Params, x: Array, key: Array | None, cudnn: bool = False) -> Array:
    """Outputs of a batch; `key` draws dropout's masks in training and is None in inference.

    cudnn: an LSTM is left to cuDNN, which is on a GPU only and computes in float32.
    """
    for layer, p in zip(task.layers, params, strict=True):
        if isinstance(layer, Dropout):
            if key is not None and layer.rate > 0:
                key, used = jax.random.split(key)
                kept = jax.random.bernoulli(used, 1 - layer.rate, x.shape)
                x = jnp.where(kept, x / (1 - layer.rate), 0.0)
        elif cudnn and isinstance(layer, LSTM):
            x = _lstm_of_cudnn(p, x)
        else:
            x = _apply(layer, p, x, training=key is not None)
    return x


def _apply(layer: Layer, p: dict[str, Array], x: Array, training: bool) -> Array:
    match layer:
        case Flatten():
            return x.reshape(x.shape[0], -1)
        case Dense(activation=activation):
            return ACTIVATIONS[activation](x @ p["kernel"] + p["bias"])
        case Conv2D(activation=activation):
            layout = ("NHWC", "HWIO", "NHWC")
            z = lax.conv_general_dilated(x, p["kernel"], (1, 1), "VALID", dimension_numbers=layout)
            return ACTIVATIONS[activation](z + p["bias"])
        case MaxPool2D(size=size):
            return max_pool(x, size)
        case Embedding():
            return jnp.take(p["table"], x, axis=0, mode="clip")
        case SimpleRNN():
            return _simple_rnn(layer, p, x)
        case LSTM():
            return _lstm(p, x, training)
        case _:
            raise unknown("layer", layer)


@partial(jax.jit, static_argnums=1)
def max_pool(x: Array, size: int) -> Array:
    """The size² views that meet in a window, by `where`: of equals the first keeps the gradient.

    Jitted by itself, as jax.nn's functions are: eagerly it is one operation then, like theirs.
    """
    height, width = x.shape[1] // size * size, x.shape[2] // size * size
    corners = [(i, j) for i in range(size) for j in range(size)]
    top, *others = (x[:, i:height:size, j:width:size] for i, j in corners)
    for other in others:
        top = jnp.where(other > top, other, top)
    return top


def _simple_rnn(layer: SimpleRNN, p: dict[str, Array], x: Array) -> Array:
    """x (N, T, in) → the last state (N, units).

    Each step makes its own input product, which is faster than all ahead (MEASURED.md).
    """
    activation = ACTIVATIONS[layer.activation]

    def step(h: Array, now: Array) -> tuple[Array, None]:
        return activation(_times(now, p["kernel"]) + h @ p["recurrent"] + p["bias"]), None

    h = jnp.zeros((x.shape[0], layer.units), x.dtype)
    if x.shape[1] > UNROLL:
        return lax.scan(step, h, jnp.swapaxes(x, 0, 1))[0]
    for t in range(x.shape[1]):
        h, _ = step(h, x[:, t])
    return h


def _times(x: Array, kernel: Array) -> Array:
    """x @ kernel; of one feature without a product, which XLA would hand to its library."""
    return x * kernel if kernel.shape[0] == 1 else x @ kernel


def _lstm(p: dict[str, Array], x: Array, training: bool) -> Array:
    """x (N, T, in) → the last hidden state (N, units)."""
    if x.shape[1] > UNROLL:
        # Steps first: x is the small one.
        inputs = _times(jnp.swapaxes(x, 0, 1), p["kernel"]) + p["bias"]
        return (_trained_loop if training else _lstm_loop)(p["recurrent"], inputs)
    h = c = jnp.zeros((x.shape[0], p["recurrent"].shape[0]), x.dtype)
    for t in range(x.shape[1]):
        h, c = _lstm_cell(c, _times(x[:, t], p["kernel"]) + h @ p["recurrent"] + p["bias"])
    return h


def _lstm_of_cudnn(p: dict[str, Array], x: Array) -> Array:
    """As `_lstm`. cuDNN wants its weights in one row, each kernel turned, and has two biases: the
    second is zero, and stays so, as nothing learns it. TF32 follows the products' precision."""
    from jax.experimental import rnn  # on a GPU alone

    (rows, steps, inputs), units = x.shape, p["recurrent"].shape[0]
    parts = (p["kernel"].T, p["recurrent"].T, p["bias"], jnp.zeros_like(p["bias"]))
    weights = jnp.concatenate([part.ravel() for part in parts])
    start, lengths = jnp.zeros((1, rows, units), x.dtype), jnp.full((rows,), steps, jnp.int32)
    _, last, _ = rnn.lstm(
        x, start, start, weights, lengths,
        input_size=inputs, hidden_size=units, num_layers=1, dropout=0.0, bidirectional=False,
    )  # fmt: skip
    return last[0]


def _lstm_cell(c: Array, z: Array) -> tuple[Array, Array]:
    """(c, z) → (h, c): z (N, 4 units) holds the gates i, f, g, o before their activations."""
    i, f, g, o = jnp.split(z, 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def _lstm_loop(recurrent: Array, inputs: Array) -> Array:
    """inputs (T, N, 4 units), biased → the last hidden state."""

    def step(state: tuple[Array, Array], z: Array) -> tuple[tuple[Array, Array], None]:
        return _lstm_cell(state[1], z + state[0] @ recurrent), None

    start = jnp.zeros((inputs.shape[1], recurrent.shape[0]), inputs.dtype)
    return lax.scan(step, (start, start), inputs)[0][0]


_trained_loop = jax.custom_vjp(_lstm_loop)


def _lstm_forward(
    recurrent: Array, inputs: Array
) -> tuple[Array, tuple[Array, tuple[Array, Array, Array]]]:
    def step(state: tuple[Array, Array], z: Array) -> tuple[tuple[Array, Array], Any]:
        h, c = state
        z = z + h @ recurrent
        return _lstm_cell(c, z), (h, c, z)

    start = jnp.zeros((inputs.shape[1], recurrent.shape[0]), inputs.dtype)
    (last, _), kept = lax.scan(step, (start, start), inputs)
    return last, (recurrent, kept)


def _lstm_backward(
    kept: tuple[Array, tuple[Array, Array, Array]], by_last: Array
) -> tuple[Array, Array]:
    """The gates are made anew from z, and the recurrent kernel's gradient is one product over all
    steps: jax.grad through the loop keeps nine arrays a step and adds up 4 units² a step."""
    recurrent, (hs, cs, zs) = kept

    def step(by: tuple[Array, Array], item: tuple[Array, Array]) -> tuple[Any, Array]:
        by_c, by_z = jax.vjp(_lstm_cell, *item)[1](by)
        return (by_z @ recurrent.T, by_c), by_z

    start = (by_last, jnp.zeros_like(by_last))
    _, by_zs = lax.scan(step, start, (cs, zs), reverse=True)
    return jnp.einsum("tnh,tng->hg", hs, by_zs), by_zs


_trained_loop.defvjp(_lstm_forward, _lstm_backward)


def warp(images: Array, maps: Array) -> Array:
    """Affine warp of (N, H, W, C) by maps (N, 6): bilinear, edges repeated."""
    height, width = images.shape[1:3]
    ys, xs = jnp.mgrid[0:height, 0:width].astype(images.dtype)
    a = maps[:, :, None, None]
    px = jnp.clip(a[:, 0] * xs + a[:, 1] * ys + a[:, 2], 0, width - 1)
    py = jnp.clip(a[:, 3] * xs + a[:, 4] * ys + a[:, 5], 0, height - 1)
    sample = partial(jax.scipy.ndimage.map_coordinates, order=1, mode="nearest")
    by_channel = jax.vmap(lambda image, y, x: sample(image, [y, x]), (2, None, None), 2)
    return jax.vmap(by_channel)(images, py, px)
