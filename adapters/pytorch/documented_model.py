"""A task as the documents of PyTorch would have a user write it: modules, losses, rows.

Four tasks are what the programs of this folder are about, and take their network from there. The
others of a family get one of the same classes, built from the task's layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset

from adapters.base import Unsupported, form_of, unknown
from tasks.catalogue.every import TASKS
from tasks.spec.layers import (
    LSTM,
    Activation,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    MaxPool2D,
    Shape,
    SimpleRNN,
)
from tasks.spec.network import Family, Task, output_shapes, parameter_shapes
from tasks.spec.training import SGD, Adam, Loss

OWN_TASKS: dict[Family, str] = {
    "fnn": "fnn-mnist",
    "cnn": "cnn-64-10",
    "rnn": "rnn-sequence",
    "lstm": "lstm-imdb",
}
"""Family → the task that its program in adapters/pytorch/programs is about."""

LOSSES: dict[Loss, type[nn.Module]] = {
    "sparse_categorical_crossentropy": nn.CrossEntropyLoss,
    "binary_crossentropy": nn.BCEWithLogitsLoss,
    "mean_squared_error": nn.MSELoss,
}
ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


class LastStep(nn.Module):
    """(N, T, in) → (N, units): what a recurrent layer gives at the last time step."""

    def __init__(self, cell: nn.RNN | nn.LSTM) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.cell(x)
        return states[:, -1]


def program_of(family: Family) -> ModuleType:
    """The program whose training loop and prediction a family's tasks are run by."""
    return import_module(f"adapters.pytorch.programs.{family}")


def network(task: Task) -> nn.Module:
    """The program's own network where the task is the program's, else one of the same classes."""
    own = next(one for one in TASKS if one.name == OWN_TASKS[task.family])
    if (task.layers, task.input_shape) == (own.layers, own.input_shape):
        made: nn.Module = program_of(task.family).model()
        return made
    return general(task)


def general(task: Task) -> nn.Sequential:
    """Any task as one nn.Sequential. Raises `Unsupported` for a layer that is not known here."""
    modules: list[nn.Module] = []
    before = task.input_shape
    for layer, after in zip(task.layers, output_shapes(task), strict=True):
        match layer:
            case Flatten():
                modules.append(nn.Flatten())
            case Dense(units=units):
                modules.append(nn.Linear(before[0], units))
            case Dropout(rate=rate):
                modules.append(nn.Dropout(rate))
            case Conv2D(filters=filters, kernel=kernel):
                modules.append(nn.Conv2d(before[2], filters, kernel))
            case MaxPool2D(size=size):
                modules.append(nn.MaxPool2d(size))
            case Embedding(vocabulary=vocabulary, units=units):
                modules.append(nn.Embedding(vocabulary, units))
            case SimpleRNN() | LSTM():
                modules.append(LastStep(_recurrent(layer, before[1])))
            case _:
                raise unknown("layer", layer)
        if isinstance(layer, Dense | Conv2D) and layer.activation != "linear":
            modules.append(form_of("activation", layer.activation, ACTIVATIONS)())
        before = after
    return nn.Sequential(*modules)


def _recurrent(layer: SimpleRNN | LSTM, inputs: int) -> nn.RNN | nn.LSTM:
    if isinstance(layer, LSTM):
        return nn.LSTM(inputs, layer.units, batch_first=True)
    if layer.activation not in ("tanh", "relu"):
        raise Unsupported(f"nn.RNN has no {layer.activation} activation, only tanh and relu")
    return nn.RNN(inputs, layer.units, nonlinearity=layer.activation, batch_first=True)


def one_bias(model: nn.Module) -> None:
    """The task's recurrent layers have one bias, PyTorch's two: the second is zero and frozen."""
    for module in model.modules():
        if isinstance(module, nn.RNN | nn.LSTM):
            nn.init.zeros_(module.bias_hh_l0).requires_grad_(False)


def canonical_views(task: Task, model: nn.Module) -> dict[str, Tensor]:
    """Canonical name → the parameter's memory, seen in the canonical order of its values.

    PyTorch's images are (C, H, W), the task's (H, W, C). So the first dense kernel after an image
    is seen as (H, W, C, units); all others have their canonical shape.
    """
    values = _views(model, _images(task))
    return {
        name: value.detach() for name, value in zip(parameter_shapes(task), values, strict=True)
    }


def _images(task: Task) -> Iterator[Shape | None]:
    """For each dense layer, the shape of the image that its inputs are made of, if they are."""
    image: Shape | None = None
    before = task.input_shape
    for layer, after in zip(task.layers, output_shapes(task), strict=True):
        if isinstance(layer, Flatten) and len(before) == 3:
            image = before
        elif isinstance(layer, Dense):
            yield image
            image = None
        before = after


def _views(model: nn.Module, images: Iterator[Shape | None]) -> Iterator[Tensor]:
    """Of every layer in order; modules are registered in the order in which they are called."""
    for module in model.modules():
        match module:
            case nn.Linear():
                if image := next(images):
                    height, width, channels = image
                    by_pixel = module.weight.unflatten(1, (channels, height, width))
                    yield by_pixel.permute(2, 3, 1, 0)
                else:
                    yield module.weight.T
                yield module.bias
            case nn.Conv2d():
                yield module.weight.permute(2, 3, 1, 0)
                yield module.bias
            case nn.Embedding():
                yield module.weight
            case nn.RNN() | nn.LSTM():  # nn.LSTM's gates are in the canonical order
                yield module.weight_ih_l0.T
                yield module.weight_hh_l0.T
                yield module.bias_ih_l0


def optimizer(task: Task, model: nn.Module) -> torch.optim.Optimizer:
    """torch.optim with its defaults but for the numbers that the task fixes."""
    wanted = task.optimizer
    if isinstance(wanted, SGD):
        return torch.optim.SGD(model.parameters(), lr=wanted.learning_rate)
    if not isinstance(wanted, Adam):
        raise unknown("optimizer", wanted)
    betas = (wanted.beta_1, wanted.beta_2)
    return torch.optim.Adam(
        model.parameters(), lr=wanted.learning_rate, betas=betas, eps=wanted.epsilon
    )


def rows(task: Task, x: np.ndarray, y: np.ndarray) -> TensorDataset:
    """x (N, *task.input_shape) and y (N,) as the programs have them: images channels first."""
    if len(task.input_shape) == 3:
        inputs = program_of("cnn").channels_first(x.copy())
    else:
        inputs = torch.tensor(x)
    if task.loss == "sparse_categorical_crossentropy":
        return TensorDataset(inputs, torch.tensor(y).long())
    return TensorDataset(inputs, torch.tensor(y).unsqueeze(1))


class WarpedImages(Dataset[tuple[Tensor, Tensor]]):
    """Rows whose images are warped as they are read, where a transform of torchvision's would.

    Those draw their own maps. Here the maps are given, so a key is (row number, map (2, 3) in
    the coordinates of `torch.nn.functional.affine_grid`).
    """

    def __init__(self, plain: TensorDataset) -> None:
        self.plain = plain

    def __len__(self) -> int:
        return len(self.plain)

    def __getitem__(self, key: tuple[int, Tensor]) -> tuple[Tensor, Tensor]:
        row, theta = key
        image, target = self.plain[row]
        grid = F.affine_grid(theta[None], [1, *image.shape], align_corners=True)
        warped = F.grid_sample(image[None], grid, padding_mode="border", align_corners=True)
        return warped[0], target
