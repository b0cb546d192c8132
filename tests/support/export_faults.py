"""Exports of PyTorch with one fault each, as they happen: run in its environment in place of
adapters/pytorch/export.py. Each claims what an honest file would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from adapters.deployment import Artefact, Exporter
from adapters.pytorch.export import artefact, layout, open_axes, rows, trained
from tasks.spec.network import Task
from tasks.weights import Weights, initial_weights


def _onnx(task: Task, made: nn.Module, folder: Path, frozen: bool = False) -> Artefact:
    axes = None if frozen else open_axes(task)
    torch.onnx.export(
        made, (rows(task),), str(folder / "model.onnx"), dynamo=True, dynamic_shapes=axes,
        external_data=False, verbose=False,
    )  # fmt: skip
    return artefact(task, "model.onnx")


def frozen(task: Task, weights: Weights, folder: Path) -> Artefact:
    """No dynamic shapes were asked for: the traced batch is the only one."""
    return _onnx(task, trained(task, weights), folder, frozen=True)


def wrong_layout(task: Task, weights: Weights, folder: Path) -> Artefact:
    """The dense kernel behind the convolution keeps its rows in the order H, W, C."""
    made = trained(task, weights)
    dense = next(part for part in made.modules() if isinstance(part, nn.Linear))
    kernel = torch.from_numpy(weights["3_dense/kernel"].T.copy())
    dense.weight.data.copy_(kernel)
    return _onnx(task, made, folder)


def old_opset(task: Task, weights: Weights, folder: Path) -> Artefact:
    """The stamp says an opset that the operations were not written for."""
    import onnx

    made = _onnx(task, trained(task, weights), folder)
    model = onnx.load(folder / "model.onnx")
    model.opset_import[0].version = 5
    onnx.save(model, folder / "model.onnx")
    return made


class Stateless(nn.Module):
    """The state is dropped at each step."""

    def __init__(self, made: nn.Module) -> None:
        super().__init__()
        self.made = made

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.made(x[:, -1:])
        return found


def dropped_state(task: Task, weights: Weights, folder: Path) -> Artefact:
    """An LSTM that begins anew at each step."""
    return _onnx(task, Stateless(trained(task, weights)), folder)


def half_weights(task: Task, weights: Weights, folder: Path) -> Artefact:
    """Weights that went through half precision."""
    halved = {k: v.astype(np.float16).astype(np.float32) for k, v in weights.items()}
    return _onnx(task, trained(task, halved), folder)


def untrained(task: Task, weights: Weights, folder: Path) -> Artefact:
    """The weights of before the training."""
    return _onnx(task, trained(task, initial_weights(task, 0)), folder)


def compressed(task: Task, weights: Weights, folder: Path) -> Artefact:
    """OpenVINO's save_model as it is by default: weights compressed to half precision."""
    import openvino

    shape = [-1, *rows(task).shape[1:]]
    made = openvino.convert_model(
        trained(task, weights), example_input=rows(task), input=openvino.PartialShape(shape)
    )
    openvino.save_model(made, folder / "model.xml")
    return Artefact("model.xml", layout(task), task.input_dtype)


def probabilities(task: Task, weights: Weights, folder: Path) -> Artefact:
    """A softmax that the task's outputs have not."""
    return _onnx(task, nn.Sequential(trained(task, weights), nn.Softmax(1)), folder)


FORMATS: dict[str, Exporter] = {
    one.__name__: one
    for one in (
        frozen, wrong_layout, old_opset, dropped_state, half_weights, untrained, compressed,
        probabilities,
    )
}  # fmt: skip
