"""A task as an nn.Module, its losses, canonical views of its parameters, and the warp of images.

Images stay (N, H, W, C) in memory (channels_last), and Flatten takes them in that order, so no
dense kernel is permuted; nn.LSTM goes through oneDNN. Both are faster: MEASURED.md.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.base import Unsupported, form_of, unknown
from tasks.spec.layers import (
    LSTM,
    Activation,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    MaxPool2D,
    SimpleRNN,
)
from tasks.spec.network import Task, layer_name, output_shapes
from tasks.spec.training import Loss

LOSSES: dict[Loss, Callable[[Tensor, Tensor], Tensor]] = {
    "sparse_categorical_crossentropy": F.cross_entropy,
    "binary_crossentropy": F.binary_cross_entropy_with_logits,
    "mean_squared_error": F.mse_loss,
}


class Permute(nn.Module):
    """A view with the axes in another order."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.axes)


class LastState(nn.Module):
    """(N, T, in) → (N, units): the last hidden state of an nn.RNN or nn.LSTM of one layer.

    PyTorch adds a second, recurrent bias. It is zero and frozen: two trained biases would learn
    at twice the rate.
    """

    def __init__(self, cell: nn.RNN | nn.LSTM) -> None:
        super().__init__()
        self.cell = cell
        nn.init.zeros_(cell.bias_hh_l0).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        _, state = self.cell(x)
        hidden = state[0] if isinstance(state, tuple) else state
        return hidden[0]


def network(  # noqa: C901 - one case a layer
    task: Task, recurrent: type[LastState]
) -> nn.Sequential:
    """The task as one nn.Sequential; each layer's modules bear its canonical name."""
    model = nn.Sequential()
    shape, channels_first = task.input_shape, False
    for index, (layer, after) in enumerate(zip(task.layers, output_shapes(task), strict=True)):
        name = layer_name(index, layer)
        if isinstance(layer, (Conv2D, MaxPool2D)) and not channels_first:
            model.add_module(f"{name}_nchw", Permute(0, 3, 1, 2))
            channels_first = True
        elif isinstance(layer, Flatten) and channels_first:
            model.add_module(f"{name}_nhwc", Permute(0, 2, 3, 1))
            channels_first = False
        match layer:
            case Flatten():
                model.add_module(name, nn.Flatten())
            case Dense(units=units):
                model.add_module(name, nn.Linear(shape[0], units))
            case Dropout(rate=rate):
                model.add_module(name, nn.Dropout(rate))
            case Conv2D(filters=filters, kernel=k):
                model.add_module(name, nn.Conv2d(shape[2], filters, k))
            case MaxPool2D(size=size):
                model.add_module(name, nn.MaxPool2d(size))
            case Embedding(vocabulary=vocabulary, units=units):
                model.add_module(name, nn.Embedding(vocabulary, units))
            case SimpleRNN() | LSTM():
                model.add_module(name, recurrent(_recurrent(layer, shape[1])))
            case _:
                raise unknown("layer", layer)
        if isinstance(layer, (Dense, Conv2D)) and layer.activation != "linear":
            model.add_module(f"{name}_activation", _activation(layer.activation))
        shape = after
    return model


def _activation(name: Activation) -> nn.Module:
    # In place only where the backward pass needs nothing but the output.
    modules = {"relu": nn.ReLU(inplace=True), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid()}
    return form_of("activation", name, modules)


def _recurrent(layer: SimpleRNN | LSTM, inputs: int) -> nn.RNN | nn.LSTM:
    if isinstance(layer, LSTM):
        return nn.LSTM(inputs, layer.units, batch_first=True)
    if layer.activation not in ("tanh", "relu"):
        raise Unsupported(f"nn.RNN has no {layer.activation} activation, only tanh and relu")
    return nn.RNN(inputs, layer.units, nonlinearity=layer.activation, batch_first=True)


def canonical_views(task: Task, model: nn.Sequential) -> dict[str, Tensor]:
    """Canonical name → the parameter itself, seen in its canonical layout.

    The views share the parameters' memory, so that loading writes into them and reading sees
    the optimizer's updates. nn.LSTM's gates are in the canonical order.
    """
    views: dict[str, Tensor] = {}
    for index, layer in enumerate(task.layers):
        name = layer_name(index, layer)
        module = model.get_submodule(name)
        match module:
            case nn.Linear():
                parts = {"kernel": module.weight.T, "bias": module.bias}
            case nn.Conv2d():  # (out, in, k, k)
                parts = {"kernel": module.weight.permute(2, 3, 1, 0), "bias": module.bias}
            case nn.Embedding():
                parts = {"table": module.weight}
            case LastState(cell=cell):
                parts = {
                    "kernel": cell.weight_ih_l0.T,
                    "recurrent": cell.weight_hh_l0.T,
                    "bias": cell.bias_ih_l0,
                }
            case _:
                parts = {}
        views.update({f"{name}/{part}": value.detach() for part, value in parts.items()})
    return views


def trained(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that learn: the second bias of a recurrent layer does not."""
    return [p for p in model.parameters() if p.requires_grad]


def thetas(warps: np.ndarray, shape: torch.Size) -> Tensor:
    """Maps in pixels (steps, batch, 6) → maps in affine_grid's coordinates (steps, batch, 2, 3).

    There x and y run from -1 at the first pixel's centre to 1 at the last one's
    (align_corners=True): x = (x' + 1) (width - 1) / 2.
    """
    width, height = shape[2] - 1, shape[1] - 1
    a, b, c, d, e, f = torch.tensor(warps, dtype=torch.float64).unbind(-1)
    b, d = b * height / width, d * width / height
    rows = (a, b, a + b + 2 * c / width - 1, d, e, d + e + 2 * f / height - 1)
    return torch.stack(rows, -1).unflatten(-1, (2, 3)).float()


def warp(images: Tensor, theta: Tensor) -> Tensor:
    """Images (N, H, W, C) sampled bilinearly along maps (N, 2, 3), edges repeated."""
    nchw = images.permute(0, 3, 1, 2)
    grid = F.affine_grid(theta, list(nchw.shape), align_corners=True)
    warped = F.grid_sample(nchw, grid, padding_mode="border", align_corners=True)
    return warped.permute(0, 2, 3, 1)
