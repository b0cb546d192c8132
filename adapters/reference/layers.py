"""Forward and backward of every layer in plain NumPy: the oracle's arithmetic.

Each function pair is checked against finite differences in the tests. `forward` returns the
output and what `backward` needs; `backward` returns the gradient by the input (None for
word numbers) and the gradients by the parameters. Written to be read, not to be fast.

`stored` is how a value is kept between two time steps of a recurrent layer: exactly, or rounded
where the oracle shows a lower precision (adapters.reference.oracle rounds between layers).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adapters.base import unknown
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

Array = np.ndarray
Params = dict[str, Array]
Saved = Any
Stored = Callable[[Array], Array]


def exactly(value: Array) -> Array:
    return value


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) without overflow: exp is only taken of values ≤ 0."""
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + e), e / (1 + e)), x.dtype)


ACTIVATIONS: dict[Activation, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
}
# Each derivative is written in terms of the activation's output.
SLOPES: dict[Activation, Callable[[Array], Array]] = {
    "linear": np.ones_like,
    "relu": lambda out: (out > 0).astype(out.dtype),
    "tanh": lambda out: 1 - out * out,
    "sigmoid": lambda out: out * (1 - out),
}


def forward(
    layer: Layer, p: Params, x: Array, rng: np.random.Generator, stored: Stored = exactly
) -> tuple[Array, Saved]:
    """The layer's output on a batch, and what its `backward` needs. `p`: parameters by part."""
    match layer:
        case Flatten():
            return x.reshape(len(x), -1), x.shape
        case Dense(activation=activation):
            out = ACTIVATIONS[activation](x @ p["kernel"] + p["bias"])
            return out, (x, out)
        case Dropout(rate=rate):
            keep = (rng.random(x.shape) >= rate).astype(x.dtype) / (1 - rate)
            return x * keep, keep
        case Conv2D():
            return _conv_forward(layer, p, x)
        case MaxPool2D():
            return _pool_forward(layer, x)
        case Embedding():
            return p["table"][x], x
        case SimpleRNN():
            return _rnn_forward(layer, p, x, stored)
        case LSTM():
            return _lstm_forward(layer, p, x, stored)
        case _:
            raise unknown("layer", layer)


def backward(
    layer: Layer,
    p: Params,
    saved: Saved,
    grad: Array,
    stored: Stored = exactly,
    by_input: bool = True,
) -> tuple[Array | None, Params]:
    """Gradients by the layer's input and parameters, given the gradient by its output. Without
    `by_input` the one by its input may be left out: a convolution's is most of its time."""
    match layer:
        case Flatten():
            return grad.reshape(saved), {}
        case Dense(activation=activation):
            x, out = saved
            grad = grad * SLOPES[activation](out)
            return grad @ p["kernel"].T, {"kernel": x.T @ grad, "bias": grad.sum(0)}
        case Dropout():
            return grad * saved, {}
        case Conv2D():
            return _conv_backward(layer, p, saved, grad, by_input)
        case MaxPool2D():
            return _pool_backward(layer, saved, grad), {}
        case Embedding():
            table = np.zeros_like(p["table"])
            np.add.at(table, saved, grad)
            return None, {"table": table}
        case SimpleRNN():
            return _rnn_backward(layer, p, saved, grad, stored)
        case LSTM():
            return _lstm_backward(layer, p, saved, grad, stored)
        case _:
            raise unknown("layer", layer)


def _patches(image: Array, k: int) -> Array:
    """(H, W, C) → (H' W', k·k·C): the k×k patch under every output pixel, in the order of the
    kernel's first three axes, so that a convolution is one matrix product."""
    height, width = image.shape[0] - k + 1, image.shape[1] - k + 1
    windows = [image[i : i + height, j : j + width] for i in range(k) for j in range(k)]
    return np.concatenate(windows, axis=-1).reshape(height * width, -1)


# Image by image: the patches of one stay in the cache, those of a batch are gigabytes.
def _conv_forward(layer: Conv2D, p: Params, x: Array) -> tuple[Array, Saved]:
    k = layer.kernel
    kernel = p["kernel"].reshape(-1, layer.filters)
    n, height, width = x.shape[0], x.shape[1] - k + 1, x.shape[2] - k + 1
    out = np.empty((n, height, width, layer.filters), x.dtype)
    for image, one in zip(x, out, strict=True):
        z = _patches(image, k) @ kernel + p["bias"]
        one[...] = ACTIVATIONS[layer.activation](z).reshape(one.shape)
    return out, (x, out)


def _conv_backward(
    layer: Conv2D, p: Params, saved: Saved, grad: Array, by_input: bool
) -> tuple[Array | None, Params]:
    x, out = saved
    k, edge = layer.kernel, layer.kernel - 1
    # Upstream of the input stands the same convolution, turned round, over the padded gradient.
    turned = p["kernel"][::-1, ::-1].transpose(0, 1, 3, 2).reshape(-1, x.shape[-1])
    kernel = np.zeros((k * k * x.shape[-1], layer.filters), x.dtype)
    bias = np.zeros(layer.filters, x.dtype)
    by_x = np.empty_like(x)
    for image, activated, by_out, by_image in zip(x, out, grad, by_x, strict=True):
        by_z = by_out * SLOPES[layer.activation](activated)
        flat = by_z.reshape(-1, layer.filters)
        kernel += _patches(image, k).T @ flat
        bias += flat.sum(0)
        if not by_input:
            continue
        padded = np.pad(by_z, ((edge, edge), (edge, edge), (0, 0)))
        by_image[...] = (_patches(padded, k) @ turned).reshape(image.shape)
    parts = {"kernel": kernel.reshape(p["kernel"].shape), "bias": bias}
    return (by_x if by_input else None), parts


def _pool_parts(x: Array, size: int) -> list[Array]:
    """The size² views of x (N, H, W, C), (N, H // size, W // size, C) each, that meet in a pool."""
    height, width = (length // size * size for length in x.shape[1:3])
    return [x[:, i:height:size, j:width:size] for i in range(size) for j in range(size)]


def _pool_forward(layer: MaxPool2D, x: Array) -> tuple[Array, Saved]:
    first, *others = _pool_parts(x, layer.size)
    out = first.copy()
    for part in others:
        np.maximum(out, part, out=out)
    return out, (x, out)


def _pool_backward(layer: MaxPool2D, saved: Saved, grad: Array) -> Array:
    x, out = saved
    by_x = np.zeros_like(x)
    free = np.ones(out.shape, bool)
    # The gradient of a tie goes to the first maximum, as in all the frameworks.
    parts = zip(_pool_parts(x, layer.size), _pool_parts(by_x, layer.size), strict=True)
    for part, by_part in parts:
        won = free & (part == out)
        by_part[...] = grad * won
        free &= ~won
    return np.asarray(by_x)


def _rnn_forward(layer: SimpleRNN, p: Params, x: Array, stored: Stored) -> tuple[Array, Saved]:
    h = np.zeros((len(x), layer.units), x.dtype)
    states = [h]
    for t in range(x.shape[1]):
        z = x[:, t] @ p["kernel"] + h @ p["recurrent"] + p["bias"]
        h = stored(ACTIVATIONS[layer.activation](stored(z)))
        states.append(h)
    return h, (x, states)


def _rnn_backward(
    layer: SimpleRNN, p: Params, saved: Saved, grad: Array, stored: Stored
) -> tuple[Array, Params]:
    x, states = saved
    grads = {part: np.zeros_like(value) for part, value in p.items()}
    by_x = np.zeros_like(x)
    for t in reversed(range(x.shape[1])):
        dz = stored(grad * SLOPES[layer.activation](states[t + 1]))
        accumulate(grads, x[:, t], states[t], dz)
        by_x[:, t] = dz @ p["kernel"].T
        grad = stored(dz @ p["recurrent"].T)
    return by_x, grads


def _lstm_forward(layer: LSTM, p: Params, x: Array, stored: Stored) -> tuple[Array, Saved]:
    h = np.zeros((len(x), layer.units), x.dtype)
    c = np.zeros_like(h)
    steps, states = [], []
    for t in range(x.shape[1]):
        z = x[:, t] @ p["kernel"] + h @ p["recurrent"] + p["bias"]
        zi, zf, zg, zo = np.split(stored(z), 4, axis=1)
        i, f, g, o = map(stored, (sigmoid(zi), sigmoid(zf), np.tanh(zg), sigmoid(zo)))
        before = (h, c)
        c = stored(f * c + i * g)
        h = stored(o * np.tanh(c))
        steps.append((before, (i, f, g, o), c))
        states.append(h)
    return (np.stack(states, axis=1) if layer.sequences else h), (x, steps)


def _lstm_backward(
    layer: LSTM, p: Params, saved: Saved, grad: Array, stored: Stored
) -> tuple[Array, Params]:
    x, steps = saved
    grads = {part: np.zeros_like(value) for part, value in p.items()}
    by_x = np.zeros_like(x)
    later = grad  # by every state, where every state is an output
    grad = later[:, -1] if layer.sequences else later
    dc = np.zeros_like(grad)
    for t in reversed(range(x.shape[1])):
        (h_before, c_before), (i, f, g, o), c = steps[t]
        tc = np.tanh(c)
        dc = dc + grad * o * (1 - tc * tc)
        dz = np.concatenate(
            (
                dc * g * i * (1 - i),
                dc * c_before * f * (1 - f),
                dc * i * (1 - g * g),
                grad * tc * o * (1 - o),
            ),
            axis=1,
        )
        dz = stored(dz)
        accumulate(grads, x[:, t], h_before, dz)
        by_x[:, t] = dz @ p["kernel"].T
        grad = stored(dz @ p["recurrent"].T)
        if layer.sequences and t:
            grad = grad + later[:, t - 1]
        dc = stored(dc * f)
    return by_x, grads


def accumulate(grads: Params, x: Array, h: Array, dz: Array) -> None:
    """Adds what one time step with inputs x and states h has of the gradients."""
    grads["kernel"] += x.T @ dz
    grads["recurrent"] += h.T @ dz
    grads["bias"] += dz.sum(0)
