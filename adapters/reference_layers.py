"""Forward and backward of every layer in plain NumPy: the oracle's arithmetic.

Each function pair is checked against finite differences in the tests. `forward` returns the
output and what `backward` needs; `backward` returns the gradient by the input (None for
word numbers) and the gradients by the parameters. Written to be read, not to be fast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tasks.spec import (
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


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) without overflow: exp is only taken of values ≤ 0."""
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + e), e / (1 + e)), x.dtype)


_ACTIVATIONS: dict[Activation, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
}
# Each derivative is written in terms of the activation's output.
_SLOPES: dict[Activation, Callable[[Array], Array]] = {
    "linear": np.ones_like,
    "relu": lambda out: (out > 0).astype(out.dtype),
    "tanh": lambda out: 1 - out * out,
    "sigmoid": lambda out: out * (1 - out),
}


def forward(layer: Layer, p: Params, x: Array, rng: np.random.Generator) -> tuple[Array, Saved]:
    """The layer's output on a batch, and what its `backward` needs. `p`: parameters by part."""
    match layer:
        case Flatten():
            return x.reshape(len(x), -1), x.shape
        case Dense(activation=activation):
            out = _ACTIVATIONS[activation](x @ p["kernel"] + p["bias"])
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
            return _rnn_forward(layer, p, x)
        case LSTM():
            return _lstm_forward(layer, p, x)


def backward(layer: Layer, p: Params, saved: Saved, grad: Array) -> tuple[Array | None, Params]:
    """Gradients by the layer's input and parameters, given the gradient by its output."""
    match layer:
        case Flatten():
            return grad.reshape(saved), {}
        case Dense(activation=activation):
            x, out = saved
            grad = grad * _SLOPES[activation](out)
            return grad @ p["kernel"].T, {"kernel": x.T @ grad, "bias": grad.sum(0)}
        case Dropout():
            return grad * saved, {}
        case Conv2D():
            return _conv_backward(layer, p, saved, grad)
        case MaxPool2D():
            return _pool_backward(layer, saved, grad), {}
        case Embedding():
            table = np.zeros_like(p["table"])
            np.add.at(table, saved, grad)
            return None, {"table": table}
        case SimpleRNN():
            return _rnn_backward(layer, p, saved, grad)
        case LSTM():
            return _lstm_backward(layer, p, saved, grad)


def _conv_forward(layer: Conv2D, p: Params, x: Array) -> tuple[Array, Saved]:
    k = layer.kernel
    # (N, H', W', C, k, k): every k×k patch, without copying.
    patches = sliding_window_view(x, (k, k), axis=(1, 2))
    out = np.tensordot(patches, p["kernel"], axes=((4, 5, 3), (0, 1, 2))) + p["bias"]
    out = _ACTIVATIONS[layer.activation](out)
    return out, (x, out)


def _conv_backward(layer: Conv2D, p: Params, saved: Saved, grad: Array) -> tuple[Array, Params]:
    x, out = saved
    k = layer.kernel
    grad = grad * _SLOPES[layer.activation](out)
    height, width = grad.shape[1:3]
    kernel = np.empty_like(p["kernel"])
    by_x = np.zeros_like(x)
    for i in range(k):
        for j in range(k):
            window = x[:, i : i + height, j : j + width]
            kernel[i, j] = np.tensordot(window, grad, axes=((0, 1, 2), (0, 1, 2)))
            by_x[:, i : i + height, j : j + width] += grad @ p["kernel"][i, j].T
    return by_x, {"kernel": kernel, "bias": grad.sum((0, 1, 2))}


def _pool_forward(layer: MaxPool2D, x: Array) -> tuple[Array, Saved]:
    s = layer.size
    n, height, width, channels = x.shape
    cut = x[:, : height // s * s, : width // s * s]
    blocks = cut.reshape(n, height // s, s, width // s, s, channels).transpose(0, 1, 3, 5, 2, 4)
    flat = blocks.reshape(*blocks.shape[:4], s * s)
    # The gradient of a tie goes to the first maximum, as in all the frameworks.
    winner = flat.argmax(-1)
    return np.take_along_axis(flat, winner[..., None], -1)[..., 0], (x.shape, winner)


def _pool_backward(layer: MaxPool2D, saved: Saved, grad: Array) -> Array:
    shape, winner = saved
    s = layer.size
    flat = np.zeros((*winner.shape, s * s), grad.dtype)
    np.put_along_axis(flat, winner[..., None], grad[..., None], -1)
    n, h, w, channels = winner.shape
    blocks = flat.reshape(n, h, w, channels, s, s).transpose(0, 1, 4, 2, 5, 3)
    by_x = np.zeros(shape, grad.dtype)
    by_x[:, : h * s, : w * s] = blocks.reshape(n, h * s, w * s, channels)
    return by_x


def _rnn_forward(layer: SimpleRNN, p: Params, x: Array) -> tuple[Array, Saved]:
    h = np.zeros((len(x), layer.units), x.dtype)
    states = [h]
    for t in range(x.shape[1]):
        z = x[:, t] @ p["kernel"] + h @ p["recurrent"] + p["bias"]
        h = _ACTIVATIONS[layer.activation](z)
        states.append(h)
    return h, (x, states)


def _rnn_backward(layer: SimpleRNN, p: Params, saved: Saved, grad: Array) -> tuple[Array, Params]:
    x, states = saved
    grads = {part: np.zeros_like(value) for part, value in p.items()}
    by_x = np.zeros_like(x)
    for t in reversed(range(x.shape[1])):
        dz = grad * _SLOPES[layer.activation](states[t + 1])
        _accumulate(grads, x[:, t], states[t], dz)
        by_x[:, t] = dz @ p["kernel"].T
        grad = dz @ p["recurrent"].T
    return by_x, grads


def _lstm_forward(layer: LSTM, p: Params, x: Array) -> tuple[Array, Saved]:
    h = np.zeros((len(x), layer.units), x.dtype)
    c = np.zeros_like(h)
    steps = []
    for t in range(x.shape[1]):
        z = x[:, t] @ p["kernel"] + h @ p["recurrent"] + p["bias"]
        zi, zf, zg, zo = np.split(z, 4, axis=1)
        i, f, g, o = sigmoid(zi), sigmoid(zf), np.tanh(zg), sigmoid(zo)
        before = (h, c)
        c = f * c + i * g
        h = o * np.tanh(c)
        steps.append((before, (i, f, g, o), c))
    return h, (x, steps)


def _lstm_backward(layer: LSTM, p: Params, saved: Saved, grad: Array) -> tuple[Array, Params]:
    x, steps = saved
    grads = {part: np.zeros_like(value) for part, value in p.items()}
    by_x = np.zeros_like(x)
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
        _accumulate(grads, x[:, t], h_before, dz)
        by_x[:, t] = dz @ p["kernel"].T
        grad = dz @ p["recurrent"].T
        dc = dc * f
    return by_x, grads


def _accumulate(grads: Params, x: Array, h: Array, dz: Array) -> None:
    grads["kernel"] += x.T @ dz
    grads["recurrent"] += h.T @ dz
    grads["bias"] += dz.sum(0)
