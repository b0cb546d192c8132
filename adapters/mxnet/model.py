"""A task's model and losses in Gluon, and the canonical layouts of its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from mxnet import gluon, nd
from mxnet.gluon import nn, rnn

from adapters.base import Unsupported, form_of, unknown
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
    SimpleRNN,
)
from tasks.spec.network import Task, layer_name, output_shapes
from tasks.spec.training import Loss

Array = np.ndarray
Convert = Callable[[Array], Array]
RowLosses = Callable[[Any, Any, Any], Any]
"""(nd or sym, outputs (batch, units), targets (batch,)) → the loss of each row (batch,)."""
Slot = tuple[str, gluon.Parameter, Convert, Convert]
"""Canonical name, Gluon parameter, canonical → Gluon layout, and back."""


ACTIVATIONS: dict[Activation, str | None] = {
    "linear": None,
    "relu": "relu",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
}


class _LastState(gluon.HybridBlock):
    """(N, T, in) → (N, units): the last output of a fused recurrent layer, which is time-major.

    One block, not three: imperatively each call of a block is time spent in Python.
    """

    def __init__(self, layer: rnn.RNN | rnn.LSTM) -> None:
        super().__init__()
        self.layer = layer
        # Two biases in MXNet, one in the task: the second stays zero and is not trained.
        layer.l0_h2h_bias.grad_req = "null"

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        # Not SequenceLast: training through it crashed 1.9.1 in every try, imperative or
        # without static shapes, with heap errors; the slice never did.
        last = F.slice_axis(self.layer(F.swapaxes(x, 0, 1)), axis=0, begin=-1, end=None)
        return F.squeeze(last, axis=0)


def network(task: Task) -> tuple[nn.HybridSequential, list[Slot]]:
    """The uninitialised network, and where each canonical parameter is in it."""
    net, slots = nn.HybridSequential(), []
    before, image = task.input_shape, None
    for index, (layer, after) in enumerate(zip(task.layers, output_shapes(task), strict=True)):
        if isinstance(layer, Flatten) and len(before) == 3:
            image = before
        block = _layer(layer, before)
        net.add(block)
        name = layer_name(index, layer)
        slots += [(f"{name}/{part}", *rest) for part, *rest in _slots(layer, block, image)]
        image = None if isinstance(layer, Dense) else image
        before = after
    return net, slots


def _layer(layer: Layer, shape: Shape) -> gluon.HybridBlock:
    """The Gluon layer for rows of canonical `shape`."""
    match layer:
        case Flatten():
            return nn.Flatten()
        case Dense(units=units, activation=name):
            return nn.Dense(units, _activation(name), flatten=False, in_units=shape[0])
        case Dropout(rate=rate):
            return nn.Dropout(rate)
        case Conv2D(filters=filters, kernel=k, activation=name):
            return nn.Conv2D(filters, k, activation=_activation(name), in_channels=shape[2])
        case MaxPool2D(size=size):
            return nn.MaxPool2D(size, size)
        case Embedding(vocabulary=vocabulary, units=units):
            return nn.Embedding(vocabulary, units)
        case SimpleRNN(units=units, activation=name):
            if name not in ("relu", "tanh"):
                raise Unsupported(f"MXNet's fused RNN has relu and tanh, not {name}")
            return _LastState(rnn.RNN(units, activation=name, input_size=shape[1]))
        case LSTM(units=units):
            return _LastState(rnn.LSTM(units, input_size=shape[1]))
        case _:
            raise unknown("layer", layer)


def _activation(name: Activation) -> str | None:
    return form_of("activation", name, ACTIVATIONS)


def _slots(layer: Layer, block: Any, image: Shape | None) -> list[tuple[Any, ...]]:
    """(part, parameter, to Gluon, to canonical) of one layer. `image`: what was flattened."""
    match layer:
        case Dense():
            weight = ("kernel", block.weight, *_dense_layouts(image))
            return [weight, ("bias", block.bias, _same, _same)]
        case Conv2D():
            weight = ("kernel", block.weight, _oihw, _hwio)
            return [weight, ("bias", block.bias, _same, _same)]
        case Embedding():
            return [("table", block.weight, _same, _same)]
        case SimpleRNN() | LSTM():
            cell = block.layer
            return [
                ("kernel", cell.l0_i2h_weight, np.transpose, np.transpose),
                ("recurrent", cell.l0_h2h_weight, np.transpose, np.transpose),
                ("bias", cell.l0_i2h_bias, _same, _same),
            ]
        case _:
            return []


def _same(value: Array) -> Array:
    return value


def _oihw(kernel: Array) -> Array:
    return kernel.transpose(3, 2, 0, 1)


def _hwio(kernel: Array) -> Array:
    return kernel.transpose(2, 3, 1, 0)


def _dense_layouts(image: Shape | None) -> tuple[Convert, Convert]:
    """(in, units) ↔ (units, in); after a flattened image the rows go from H, W, C to C, H, W."""
    if image is None:
        return np.transpose, np.transpose
    height, width, channels = image

    def to_gluon(kernel: Array) -> Array:
        split = kernel.reshape(height, width, channels, -1)
        return split.transpose(3, 2, 0, 1).reshape(kernel.shape[1], -1)

    def to_canonical(weight: Array) -> Array:
        split = weight.reshape(-1, channels, height, width)
        return split.transpose(2, 3, 1, 0).reshape(-1, weight.shape[0])

    return to_gluon, to_canonical


def _cross_entropy(F: Any, logits: Any, y: Any) -> Any:
    return -F.pick(F.log_softmax(logits), y)


def _binary_cross_entropy(F: Any, logits: Any, y: Any) -> Any:
    """max(z, 0) - z y + log(1 + exp(-|z|)), as gluon.loss has it; softrelu is that logarithm."""
    z = F.reshape(logits, shape=(-1,))
    return F.relu(z) - z * y + F.Activation(-F.abs(z), act_type="softrelu")


def _squares(F: Any, outputs: Any, y: Any) -> Any:
    return F.square(F.reshape(outputs, shape=(-1,)) - y)


LOSSES: dict[Loss, RowLosses] = {
    "sparse_categorical_crossentropy": _cross_entropy,
    "binary_crossentropy": _binary_cross_entropy,
    "mean_squared_error": _squares,
}
"""One value a row. Not gluon.loss: each call of its blocks weights, averages and reshapes too."""


def normalised(warps: Array, height: int, width: int) -> Array:
    """Pixel maps (..., 6) as maps of GridGenerator's coordinates, -1 to 1 from edge to edge."""
    a, b, c, d, e, f = np.moveaxis(warps.astype(np.float64), -1, 0)
    sx, sy = (width - 1) / 2, (height - 1) / 2
    b, d = b * sy / sx, d * sx / sy
    parts = (a, b, a + b + c / sx - 1, d, e, d + e + f / sy - 1)
    return np.stack(parts, axis=-1).astype(np.float32)


def warp(images: nd.NDArray, maps: nd.NDArray) -> nd.NDArray:
    """Affine warp of (N, C, H, W) by normalised maps (N, 6)."""
    grid = nd.GridGenerator(maps, transform_type="affine", target_shape=images.shape[2:])
    # BilinearSampler reads zeros outside; on the clipped grid it reads the nearest edge.
    return nd.BilinearSampler(images, nd.clip(grid, -1, 1))
