"""JAX's ways to a file, each as its documents show it, of the programs' Flax networks, or
of the same by functions of arrays (`plain`).

Batch size and sequence length are symbolic, where a converter can keep them so.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import export

from adapters.deployment import TRACED_BATCH, Artefact, Exporter
from adapters.jax.documented_model import canonical, general
from adapters.jax.model import forward, parameters
from tasks.spec.layers import LSTM, SimpleRNN
from tasks.spec.network import Task
from tasks.weights import Weights

Outputs = Callable[[Any], Any]


def trained(task: Task, weights: Weights) -> Outputs:
    """Rows (N, *input) → outputs (N, units): a pure function with these weights inside."""
    made = general(task, seed=0)  # the programs' own take len() of rows, which is no symbol
    made.eval()
    for name, parameter in canonical(task, made).items():
        parameter[...] = jnp.array(weights[name])
    graph, state = nnx.split(made)
    leaves, tree = jax.tree.flatten(state)

    def outputs(rows: Any) -> Any:
        # Made anew inside the trace: NNX lets no variable of outside be changed there, and a
        # recurrent layer counts its draws of random numbers.
        own = jax.tree.unflatten(tree, [jnp.asarray(leaf) for leaf in leaves])
        return nnx.merge(graph, own)(rows)

    return outputs


def plain(task: Task, weights: Weights) -> Outputs:
    """The same by functions of arrays, without Flax, for converters that know neither its random
    numbers nor its pooling. Short sequences are laid out step by step, so their length is fixed."""
    params = parameters(task, weights)
    return lambda rows: forward(task, params, rows, None)


def recurrent(task: Task) -> bool:
    """Whether its rows are sequences, whose length may change."""
    return any(isinstance(layer, LSTM | SimpleRNN) for layer in task.layers)


def symbolic(task: Task, any_length: bool) -> jax.ShapeDtypeStruct:
    """Rows of any batch size and, where asked for, of any length."""
    names = ["batch", *map(str, task.input_shape)]
    if any_length:
        names[1] = "length"
    shape = export.symbolic_shape(", ".join(names))
    return jax.ShapeDtypeStruct(shape, task.input_dtype)


def widest(task: Task, write: Callable[[bool], object]) -> dict[str, Any]:
    """Write for any length; where that is refused, for the task's. Returns what the artefact says
    of it: the length, and the converter's words."""
    try:
        write(recurrent(task))
        return {}
    except Exception as error:
        if not recurrent(task):
            raise
        write(False)
        return {"length": task.input_shape[0], "words": " ".join(str(error).split())[:600]}


def jax_export(task: Task, weights: Weights, folder: Path) -> Artefact:
    """jax.export: StableHLO."""

    def write(any_length: bool) -> None:
        made = export.export(jax.jit(trained(task, weights)))(symbolic(task, any_length))
        (folder / "model.stablehlo").write_bytes(made.serialize())

    return Artefact("model.stablehlo", dtype=task.input_dtype, **widest(task, write))


def xla_executable(task: Task, weights: Weights, folder: Path) -> Artefact:
    """jit(...).lower(...).compile(), serialized: machine code for one shape and this machine."""
    from jax.experimental.serialize_executable import serialize

    rows = jax.ShapeDtypeStruct((1, *task.input_shape), task.input_dtype)
    compiled = jax.jit(trained(task, weights)).lower(rows).compile()
    (folder / "model.executable").write_bytes(pickle.dumps(serialize(compiled)))
    length = task.input_shape[0] if recurrent(task) else None
    words = "an executable of XLA is compiled for one shape"
    return Artefact("model.executable", dtype=task.input_dtype, batch=1, length=length, words=words)


def _tensorflow(task: Task, outputs: Outputs, any_length: bool) -> tuple[Any, Any]:
    """A tf.Module around jax2tf's function, and the function with its signature."""
    import tensorflow as tf
    from jax.experimental import jax2tf

    names = ["batch", *map(str, task.input_shape)]
    shape: list[int | None] = [None, *task.input_shape]
    if any_length:
        names[1], shape[1] = "length", None
    converted = jax2tf.convert(
        outputs, polymorphic_shapes=[f"({', '.join(names)})"], with_gradient=False
    )
    made = tf.Module()
    made.serve = tf.function(
        lambda rows: {"outputs": converted(rows)}, autograph=False,
        input_signature=[tf.TensorSpec(shape, task.input_dtype, name="rows")],
    )  # fmt: skip
    return made, made.serve


def saved_model(task: Task, weights: Weights, folder: Path) -> Artefact:
    """jax2tf, then tf.saved_model.save."""

    def write(any_length: bool) -> None:
        import tensorflow as tf

        made, serve = _tensorflow(task, trained(task, weights), any_length)
        tf.saved_model.save(made, str(folder / "saved"), signatures={"serving_default": serve})

    return Artefact("saved", dtype=task.input_dtype, **widest(task, write))


def litert(task: Task, weights: Weights, folder: Path) -> Artefact:
    """jax2tf, then TFLiteConverter, from a concrete function."""

    def write(any_length: bool) -> None:
        import tensorflow as tf

        made, serve = _tensorflow(task, plain(task, weights), any_length)
        function = serve.get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function], made)
        (folder / "model.tflite").write_bytes(converter.convert())

    return Artefact("model.tflite", dtype=task.input_dtype, **widest(task, write))


def onnx(task: Task, weights: Weights, folder: Path) -> Artefact:
    """jax2onnx."""
    import jax2onnx

    def write(any_length: bool) -> None:
        shape: list[int | str] = ["B", *task.input_shape]
        if any_length:
            shape[1] = "T"
        rows = jax.ShapeDtypeStruct(tuple(shape), task.input_dtype)
        jax2onnx.to_onnx(
            plain(task, weights), [rows], return_mode="file",
            output_path=str(folder / "model.onnx"),
        )  # fmt: skip

    return Artefact("model.onnx", dtype=task.input_dtype, **widest(task, write))


def openvino(task: Task, weights: Weights, folder: Path) -> Artefact:
    """OpenVINO's own converter, from what JAX traces."""
    import openvino as converter

    rows = np.zeros((TRACED_BATCH, *task.input_shape), task.input_dtype)
    model = converter.convert_model(jax.make_jaxpr(plain(task, weights))(rows))
    converter.save_model(model, folder / "model.xml", compress_to_fp16=False)
    length = task.input_shape[0] if recurrent(task) else None
    words = "OpenVINO reads a trace of JAX, in which every size is fixed"
    return Artefact(
        "model.xml", dtype=task.input_dtype, batch=TRACED_BATCH, length=length, words=words
    )


FORMATS: dict[str, Exporter] = {
    "jax-export": jax_export,
    "xla-executable": xla_executable,
    "saved-model": saved_model,
    "litert": litert,
    "onnx": onnx,
    "openvino": openvino,
}
