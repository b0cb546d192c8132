"""MXNet's ways to a file, each as its documents show it, of the programs' networks.

Images are channels first, as in the programs.
"""

from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import nd

from adapters.deployment import TRACED_BATCH, Artefact, Exporter, RowLayout
from adapters.mxnet.documented_model import (
    images,
    inputs,
    network,
    one_bias,
    parameters,
    to_gluon,
)
from tasks.spec.layers import LSTM, SimpleRNN
from tasks.spec.network import Task
from tasks.weights import Weights

WRITTEN_FOR_OPSET = 13  # what mx.onnx writes


def symbol(task: Task, weights: Weights, folder: Path) -> Artefact:
    """HybridBlock.export: a graph and its parameters."""
    made = network(task)
    x = inputs(task, np.zeros((TRACED_BATCH, *task.input_shape), task.input_dtype))
    made(x)
    one_bias(made)
    image_of = images(task)
    for name, parameter in parameters(task, made).items():
        parameter.set_data(nd.array(to_gluon(name, weights[name], image_of.get(name))))
    made(x).wait_to_read()
    made.export(str(folder / "model"))
    return Artefact("model-symbol.json", _layout(task), "float32")


def onnx(task: Task, weights: Weights, folder: Path) -> Artefact:
    """mx.onnx.export_model, from the graph and its parameters.

    A recurrent layer of a batch size left open is stamped with the newest opset and written for an
    older one: the stamp is put right.
    """
    import onnx as package

    symbol(task, weights, folder)
    files = [str(folder / name) for name in ("model-symbol.json", "model-0000.params")]
    shape: list[int | str] = list(_shape(task))
    shape[0] = "batch"
    if any(isinstance(layer, LSTM | SimpleRNN) for layer in task.layers):
        shape[1] = "length"
    path = str(folder / "model.onnx")
    example = _shape(task)
    mx.onnx.export_model(
        *files, [example], np.float32, path, dynamic=True, dynamic_input_shapes=[tuple(shape)]
    )
    for name in files:
        Path(name).unlink()
    model = package.load(path)
    for stamp in model.opset_import:
        stamp.version = WRITTEN_FOR_OPSET if stamp.domain in ("", "ai.onnx") else stamp.version
    package.save(model, path)
    return Artefact("model.onnx", _layout(task), "float32")


def _shape(task: Task) -> tuple[int, ...]:
    shape = inputs(task, np.zeros((TRACED_BATCH, *task.input_shape), task.input_dtype)).shape
    return tuple(int(size) for size in shape)


def _layout(task: Task) -> RowLayout:
    return "channels first" if len(task.input_shape) == 3 else "canonical"


FORMATS: dict[str, Exporter] = {"mxnet-symbol": symbol, "onnx": onnx}
