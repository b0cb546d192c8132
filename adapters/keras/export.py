"""Keras's own ways to a file, `model.export(format=…)`, of the programs' networks on TensorFlow.

Of a sequence the length is left open, as the batch size always is; where a converter refuses that,
it is asked with the length of the task.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from adapters.deployment import Artefact, Exporter
from adapters.keras.documented_model import general, network
from tasks.spec.layers import LSTM, SimpleRNN
from tasks.spec.network import Task, parameter_shapes
from tasks.weights import Weights


def trained(task: Task, weights: Weights, any_length: bool) -> Any:
    """The task's network with these weights; of sequences of any length or of the task's alone."""
    shape: Any = (None, *task.input_shape[1:])
    open_task = replace(task, input_shape=shape)
    made = general(open_task) if any_length else network(task)
    made.set_weights([weights[name] for name in parameter_shapes(task)])
    made(np.zeros((1, *task.input_shape), task.input_dtype))  # some converters want it called once
    return made


def exported(
    task: Task, weights: Weights, folder: Path, file: str, form: str, **options: Any
) -> Artefact:
    """`model.export`; what the artefact says of its length."""
    sequences = any(isinstance(layer, LSTM | SimpleRNN) for layer in task.layers)
    path = folder / file
    dtype = task.input_dtype
    try:
        made = trained(task, weights, sequences)
        made.export(str(path), format=form, verbose=False, **options)
        return Artefact(file, dtype=dtype)
    except Exception as error:
        if not sequences:
            raise
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        words = " ".join(str(error).split())[:600]
    fixed = {"input_signature": [keras.InputSpec(shape=(1, *task.input_shape), dtype=dtype)]}
    made = trained(task, weights, any_length=False)
    made.export(str(path), format=form, verbose=False, **options, **fixed)
    return Artefact(file, dtype=dtype, batch=1, length=task.input_shape[0], words=words)


def saved_model(task: Task, weights: Weights, folder: Path) -> Artefact:
    """As TensorFlow's SavedModel."""
    return exported(task, weights, folder, "saved", "tf_saved_model")


def onnx(task: Task, weights: Weights, folder: Path) -> Artefact:
    """By tf2onnx."""
    return exported(task, weights, folder, "model.onnx", "onnx")


def openvino(task: Task, weights: Weights, folder: Path) -> Artefact:
    """By OpenVINO's converter."""
    return exported(task, weights, folder, "model.xml", "openvino")


def litert(task: Task, weights: Weights, folder: Path) -> Artefact:
    """By TensorFlow's converter. A recurrent layer of open batch needs operations that LiteRT alone
    lacks, which shows only when it is loaded; so these are exported for one row."""
    if not any(isinstance(layer, LSTM | SimpleRNN) for layer in task.layers):
        return exported(task, weights, folder, "model.tflite", "litert")
    made = trained(task, weights, any_length=False)
    shape = (1, *task.input_shape)
    signature = [keras.InputSpec(shape=shape, dtype=task.input_dtype)]
    made.export(
        str(folder / "model.tflite"), format="litert", verbose=False, input_signature=signature
    )
    words = "with an open batch it needs TensorFlow's operations (Flex), which LiteRT alone has not"
    return Artefact("model.tflite", batch=1, length=shape[1], dtype=task.input_dtype, words=words)


FORMATS: dict[str, Exporter] = {
    "saved-model": saved_model,
    "onnx": onnx,
    "openvino": openvino,
    "litert": litert,
}
