# /// script
# dependencies = ["paddlepaddle==3.3.1", "numpy==2.3.5", "setuptools==80.9.0"]
#
# [tool.framework-bench]
# name = "paddle"
# title = "PaddlePaddle"
# package = "paddle"
# modes = { dynamic = "paddle.nn, a training loop, paddle.optimizer, eager execution" }
# ///
"""PaddlePaddle as its documents tell a user to write it: the worked example of an adapter outside
of the suite's tree. `bench verify --adapter tests/outside/paddle_adapter.py` tries it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that there is no ccache
    import paddle
import paddle.nn.functional as F
from paddle import nn

from adapters.base import (
    Adapter,
    Data,
    Device,
    Precision,
    Setting,
    Unsupported,
    form_of,
    only_chains,
    unknown,
)
from tasks.spec.layers import (
    LSTM,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    MaxPool2D,
    SimpleRNN,
)
from tasks.spec.network import Task, layer_name, output_shapes
from tasks.spec.training import SGD, Adam
from tasks.weights import Weights

THREADS = "FLAGS_paddle_num_threads"
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "sparse_categorical_crossentropy": F.cross_entropy,
    "binary_crossentropy": F.binary_cross_entropy_with_logits,
    "mean_squared_error": F.mse_loss,
}


class Transpose(nn.Layer):
    """The axes in another order."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = list(axes)

    def forward(self, x: Any) -> Any:
        return x.transpose(self.axes)


class LastState(nn.Layer):
    """The last hidden state. Paddle's second, recurrent bias is zero and not trained: its operator
    wants a gradient by it, so that it cannot be frozen, but the optimizer is not given it."""

    def __init__(self, cells: Any) -> None:
        super().__init__()
        self.cells = cells
        cells.bias_hh_l0.set_value(np.zeros(cells.bias_hh_l0.shape, np.float32))

    def forward(self, x: Any) -> Any:
        return self.cells(x)[0][:, -1]


class Contender(Adapter):
    """Eager PaddlePaddle on a CPU."""

    adam_form = "epsilon"
    clamps_loss = True  # its softmax keeps logits within 64 of the largest one

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        if device != "cpu" or precision != "fp32":
            raise Unsupported("this adapter is written for float32 on a CPU")
        paddle.set_device(device)
        paddle.set_flags({THREADS: threads})
        self.mode = mode

    def settings(self) -> dict[str, Setting]:
        return {
            "version": paddle.__version__,
            "threads": int(paddle.get_flags([THREADS])[THREADS]),
            "device": paddle.device.get_device(),
            "precision": {"float32": "fp32"}.get(paddle.get_default_dtype(), "other"),
            "mode": self.mode,
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        only_chains(task)
        self.task = task
        self.loss = form_of("loss", task.loss, LOSSES)
        self.model, self.parts = network(task)
        for name, (parameter, axes) in self.parts.items():
            parameter.set_value(np.ascontiguousarray(weights[name].transpose(axes)))
        self.optimizer = optimizer(task, [parameter for parameter, _ in self.parts.values()])
        paddle.seed(seed)

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        y = y.astype(np.int64) if self.task.target_dtype == "int32" else y[:, None]
        return paddle.to_tensor(x), paddle.to_tensor(y)

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> float:
        x, y = data
        losses = []
        self.model.train()
        for step, rows in enumerate(order):
            index = paddle.to_tensor(rows)
            batch = paddle.gather(x, index)
            if warps is not None:
                batch = warp(batch, warps[step])
            loss = self.loss(self.model(batch), paddle.gather(y, index))
            loss.backward()
            self.optimizer.step()
            self.model.clear_gradients()
            losses.append(float(loss))
        return float(np.mean(losses))

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        self.model.eval()
        x = data[0]
        with paddle.no_grad():
            starts = range(0, len(x), batch_size)
            outputs = [self.model(x[start : start + batch_size]).numpy() for start in starts]
        return np.concatenate(outputs)

    def wait(self) -> None:
        """Each loss was read: nothing is under way."""

    def weights(self) -> Weights:
        return {
            name: np.ascontiguousarray(parameter.numpy().transpose(np.argsort(axes)))
            for name, (parameter, axes) in self.parts.items()
        }


def optimizer(task: Task, parameters: list[Any]) -> Any:
    """With the task's constants."""
    match task.optimizer:
        case Adam() as adam:
            return paddle.optimizer.Adam(
                adam.learning_rate, adam.beta_1, adam.beta_2, adam.epsilon, parameters
            )
        case SGD(learning_rate=rate):
            return paddle.optimizer.SGD(rate, parameters)
        case other:
            raise unknown("optimizer", other)


def network(task: Task) -> tuple[nn.Sequential, dict[str, tuple[Any, tuple[int, ...]]]]:
    """The task as layers, and each parameter with the axes that its canonical array takes there."""
    model, parts = nn.Sequential(), {}
    shape, channels_first = task.input_shape, False
    for index, (layer, after) in enumerate(zip(task.layers, output_shapes(task), strict=True)):
        name = layer_name(index, layer)
        if isinstance(layer, Conv2D | MaxPool2D) and not channels_first:
            model.add_sublayer(f"{name}_nchw", Transpose(0, 3, 1, 2))
            channels_first = True
        elif isinstance(layer, Flatten) and channels_first:
            model.add_sublayer(f"{name}_nhwc", Transpose(0, 2, 3, 1))
            channels_first = False
        made, own = form(layer, shape)
        model.add_sublayer(name, made)
        parts |= {f"{name}/{part}": value for part, value in own.items()}
        if isinstance(layer, Dense | Conv2D) and layer.activation != "linear":
            activation = form_of("activation", layer.activation, ACTIVATIONS)()
            model.add_sublayer(f"{name}_activation", activation)
        shape = after
    return model, parts


def form(layer: Any, shape: tuple[int, ...]) -> tuple[Any, dict[str, tuple[Any, tuple[int, ...]]]]:
    """A layer in Paddle's terms, and its parameters."""
    match layer:
        case Flatten():
            return nn.Flatten(), {}
        case Dropout(rate=rate):
            return nn.Dropout(rate), {}
        case MaxPool2D(size=size):
            return nn.MaxPool2D(size), {}
        case Dense(units=units):
            made = nn.Linear(shape[0], units)
            return made, {"kernel": (made.weight, (0, 1)), "bias": (made.bias, (0,))}
        case Conv2D(filters=filters, kernel=k):
            made = nn.Conv2D(shape[2], filters, k)
            return made, {"kernel": (made.weight, (3, 2, 0, 1)), "bias": (made.bias, (0,))}
        case Embedding(vocabulary=vocabulary, units=units):
            made = nn.Embedding(vocabulary, units)
            return made, {"table": (made.weight, (0, 1))}
        case LSTM(units=units):
            return recurrent(nn.LSTM(shape[1], units))
        case SimpleRNN(units=units, activation="tanh" | "relu" as activation):
            return recurrent(nn.SimpleRNN(shape[1], units, activation=activation))
        case SimpleRNN(activation=activation):
            raise unknown("activation", activation)
        case _:
            raise unknown("layer", layer)


def recurrent(cells: Any) -> tuple[LastState, dict[str, tuple[Any, tuple[int, ...]]]]:
    """Paddle's gates are in the canonical order; its kernels are (out, in)."""
    return LastState(cells), {
        "kernel": (cells.weight_ih_l0, (1, 0)),
        "recurrent": (cells.weight_hh_l0, (1, 0)),
        "bias": (cells.bias_ih_l0, (0,)),
    }


def warp(images: Any, maps: np.ndarray) -> Any:
    """Images (N, H, W, C) along maps in pixels (see Adapter.train), by Paddle's grid_sample.

    Its coordinates run from -1 at the first pixel's centre to 1 at the last one's.
    """
    width, height = images.shape[2] - 1, images.shape[1] - 1
    a, b, c, d, e, f = np.moveaxis(maps.astype(np.float64), -1, 0)
    b, d = b * height / width, d * width / height
    rows = [[a, b, a + b + 2 * c / width - 1], [d, e, d + e + 2 * f / height - 1]]
    theta = paddle.to_tensor(np.moveaxis(np.array(rows), -1, 0).astype(np.float32))
    nchw = images.transpose([0, 3, 1, 2])
    grid = F.affine_grid(theta, nchw.shape, align_corners=True)
    warped = F.grid_sample(nchw, grid, padding_mode="border", align_corners=True)
    return warped.transpose([0, 2, 3, 1])
