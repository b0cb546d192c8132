"""TensorFlow's ways to a file, each as its documents show it, of the programs' networks.

Batch size and sequence length are None in the signature, which every converter gets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from adapters.deployment import Artefact, Exporter, Width
from adapters.tensorflow.documented_model import named_variables, network
from tasks.spec.layers import LSTM, SimpleRNN
from tasks.spec.network import Task
from tasks.weights import Weights


class Serving(tf.Module):
    """A network with one signature: rows to outputs."""

    def __init__(self, task: Task, weights: Weights, xla: bool = False) -> None:
        super().__init__()
        self.network = network(task)
        for name, variable in named_variables(task, self.network).items():
            variable.assign(weights[name])
        self.serve = tf.function(self._serve, input_signature=[_rows(task)], jit_compile=xla)

    def _serve(self, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": self.network(rows)}


def _rows(task: Task) -> tf.TensorSpec:
    shape: list[int | None] = [None, *task.input_shape]
    if any(isinstance(layer, LSTM | SimpleRNN) for layer in task.layers):
        shape[1] = None
    return tf.TensorSpec(shape, task.input_dtype, name="rows")


def saved_model(task: Task, weights: Weights, folder: Path) -> Artefact:
    """tf.saved_model.save."""
    return _saved(Serving(task, weights), task, folder)


def saved_model_xla(task: Task, weights: Weights, folder: Path) -> Artefact:
    """The same, its signature marked to be compiled by XLA (`jit_compile`)."""
    return _saved(Serving(task, weights, xla=True), task, folder)


def _saved(made: Serving, task: Task, folder: Path) -> Artefact:
    tf.saved_model.save(made, str(folder / "saved"), signatures={"serving_default": made.serve})
    return Artefact("saved", dtype=task.input_dtype)


def litert(task: Task, weights: Weights, folder: Path) -> Artefact:
    """TFLiteConverter, from a concrete function."""
    return _converted(task, weights, folder, [])


def litert_int8(task: Task, weights: Weights, folder: Path) -> Artefact:
    """The same with dynamic range quantization: weights of 8 bits."""
    return _converted(task, weights, folder, [tf.lite.Optimize.DEFAULT])


def _converted(task: Task, weights: Weights, folder: Path, optimizations: list[Any]) -> Artefact:
    made = Serving(task, weights)
    function = made.serve.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], made)
    converter.optimizations = optimizations
    (folder / "model.tflite").write_bytes(converter.convert())
    width: Width = "int8-dynamic" if optimizations else "fp32"
    return Artefact("model.tflite", dtype=task.input_dtype, width=width)


def onnx(task: Task, weights: Weights, folder: Path) -> Artefact:
    """tf2onnx, from a function."""
    import tf2onnx

    made = Serving(task, weights)
    path = str(folder / "model.onnx")
    tf2onnx.convert.from_function(
        made.serve, input_signature=[_rows(task)], opset=18, output_path=path
    )
    return Artefact("model.onnx", dtype=task.input_dtype)


def openvino(task: Task, weights: Weights, folder: Path) -> Artefact:
    """OpenVINO's own converter, from a SavedModel."""
    import openvino as converter

    saved_model(task, weights, folder)
    model = converter.convert_model(str(folder / "saved"))
    converter.save_model(model, folder / "model.xml", compress_to_fp16=False)
    return Artefact("model.xml", dtype=task.input_dtype)


FORMATS: dict[str, Exporter] = {
    "saved-model": saved_model,
    "saved-model-xla": saved_model_xla,
    "litert": litert,
    "litert-int8-dynamic": litert_int8,
    "onnx": onnx,
    "openvino": openvino,
}
