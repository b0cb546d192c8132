"""A task as the documents of MXNet would have a user write it: Gluon's blocks, losses, rows.

Four tasks are what the programs of this folder are about, and take their network from there. The
others of a family get one of the same classes, built from the task's layers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from mxnet import gluon, init, nd
from mxnet.gluon import nn, rnn

from adapters.base import Unsupported, form_of, unknown
from adapters.mxnet.model import ACTIVATIONS, warp
from tasks.catalogue.every import TASKS
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
from tasks.spec.network import Family, Task, layer_name, output_shapes, parameter_shapes
from tasks.spec.training import SGD, Adam, Loss

Array = np.ndarray

OWN_TASKS: dict[Family, str] = {
    "fnn": "fnn-mnist",
    "cnn": "cnn-64-10",
    "rnn": "rnn-sequence",
    "lstm": "lstm-imdb",
}
"""Family → the task that its program in adapters/mxnet/programs is about."""

LOSSES: dict[Loss, Callable[[], gluon.loss.Loss]] = {
    "sparse_categorical_crossentropy": gluon.loss.SoftmaxCrossEntropyLoss,
    "binary_crossentropy": gluon.loss.SigmoidBinaryCrossEntropyLoss,
    # Gluon's own is half the squared error, the task's the whole of it.
    "mean_squared_error": partial(gluon.loss.L2Loss, weight=2),
}


class LastStep(nn.HybridBlock):
    """(N, T, in) → (N, 1, units): what a recurrent layer gives at the last time step."""

    def __init__(self, layer: rnn.RNN | rnn.LSTM) -> None:
        super().__init__()
        self.layer = layer

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return F.slice_axis(self.layer(x), axis=1, begin=-1, end=None)


def program_of(family: Family) -> ModuleType:
    """The program whose training loop and prediction a family's tasks are run by."""
    return import_module(f"adapters.mxnet.programs.{family}")


def network(task: Task) -> nn.HybridBlock:
    """The program's own network where the task is the program's, else one of the same classes."""
    own = next(one for one in TASKS if one.name == OWN_TASKS[task.family])
    if (task.layers, task.input_shape) == (own.layers, own.input_shape):
        return program_of(task.family).model()
    return general(task)


def general(task: Task) -> nn.HybridSequential:
    """Any task as one nn.HybridSequential, initialized and hybridized as the programs do it.

    Raises `Unsupported` for a layer that is not known here.
    """
    made = nn.HybridSequential()
    before = task.input_shape
    for layer, after in zip(task.layers, output_shapes(task), strict=True):
        made.add(_block(layer, before))
        before = after
    made.initialize(init.Xavier())
    made.hybridize()
    return made


def _block(layer: Layer, shape: Shape) -> nn.HybridBlock:
    """Gluon's block of a layer whose rows have the canonical `shape`."""
    match layer:
        case Flatten():
            return nn.Flatten()
        case Dense(units=units, activation=name):
            return nn.Dense(units, activation=form_of("activation", name, ACTIVATIONS))
        case Dropout(rate=rate):
            return nn.Dropout(rate)
        case Conv2D(filters=filters, kernel=kernel, activation=name):
            activation = form_of("activation", name, ACTIVATIONS)
            return nn.Conv2D(filters, kernel, activation=activation)
        case MaxPool2D(size=size):
            return nn.MaxPool2D(size)
        case Embedding(vocabulary=vocabulary, units=units):
            return nn.Embedding(vocabulary, units)
        case SimpleRNN(units=units, activation=name):
            if name not in ("relu", "tanh"):
                raise Unsupported(f"Gluon's RNN has no {name} activation, only tanh and relu")
            return LastStep(rnn.RNN(units, activation=name, layout="NTC", input_size=shape[1]))
        case LSTM(units=units):
            return LastStep(rnn.LSTM(units, layout="NTC", input_size=shape[1]))
        case _:
            raise unknown("layer", layer)


def one_bias(made: nn.HybridBlock) -> None:
    """The task's recurrent layers have one bias, Gluon's two: the second is zero and frozen."""
    for bias in made.collect_params(".*h2h_bias").values():
        bias.set_data(nd.zeros(bias.shape))
        bias.grad_req = "null"


def parameters(task: Task, made: nn.HybridBlock) -> dict[str, gluon.Parameter]:
    """Canonical name → Gluon's parameter: both are in the order in which layers are called."""
    trained = [one for one in made.collect_params().values() if one.grad_req != "null"]
    return dict(zip(parameter_shapes(task), trained, strict=True))


def images(task: Task) -> dict[str, Shape]:
    """Name of a dense kernel → the image (H, W, C) that its inputs are made of, where they are."""
    image: Shape | None = None
    found: dict[str, Shape] = {}
    before = task.input_shape
    for index, (layer, after) in enumerate(zip(task.layers, output_shapes(task), strict=True)):
        if isinstance(layer, Flatten) and len(before) == 3:
            image = before
        elif isinstance(layer, Dense) and image:
            found[f"{layer_name(index, layer)}/kernel"], image = image, None
        before = after
    return found


def to_gluon(name: str, value: Array, image: Shape | None) -> Array:
    """The task's layout of a parameter → Gluon's: outputs first, images channels first."""
    if not name.endswith(("/kernel", "/recurrent")):
        return value
    if image:
        by_pixel = value.reshape(*image, -1)
        return by_pixel.transpose(3, 2, 0, 1).reshape(value.shape[1], -1)
    return value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T


def to_task(name: str, value: Array, image: Shape | None) -> Array:
    """Gluon's layout of a parameter → the task's."""
    if not name.endswith(("/kernel", "/recurrent")):
        return value
    if image:
        height, width, channels = image
        by_channel = value.reshape(-1, channels, height, width)
        return by_channel.transpose(2, 3, 1, 0).reshape(-1, value.shape[0])
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T


def trainer(task: Task, made: nn.HybridBlock) -> gluon.Trainer:
    """Gluon's Trainer with its defaults but for the numbers that the task fixes."""
    wanted = task.optimizer
    options: dict[str, float]
    match wanted:
        case SGD():
            name, options = "sgd", {}
        case Adam():
            name, options = "adam", {"beta1": wanted.beta_1, "beta2": wanted.beta_2}
            options["epsilon"] = wanted.epsilon
        case _:
            raise unknown("optimizer", wanted)
    options["learning_rate"] = wanted.learning_rate
    return gluon.Trainer(made.collect_params(), name, options)


def inputs(task: Task, x: Array) -> nd.NDArray:
    """x (N, *task.input_shape) as the programs have it: images channels first."""
    if len(task.input_shape) == 3:
        moved: nd.NDArray = program_of("cnn").channels_first(x)
        return moved
    return nd.array(x)


class WarpedImages(gluon.data.Dataset):
    """Rows whose images are warped as they are read, where a transform of Gluon's would.

    Those draw their own maps. Here the maps are given, so a key is (row number, map (6,) in the
    coordinates of `nd.GridGenerator`).
    """

    def __init__(self, plain: gluon.data.ArrayDataset) -> None:
        self.plain = plain

    def __len__(self) -> int:
        return len(self.plain)

    def __getitem__(self, key: tuple[int, Array]) -> tuple[nd.NDArray, Any]:
        row, affine = key
        image, target = self.plain[row]
        return warp(image.expand_dims(0), nd.array(affine[None]))[0], target
