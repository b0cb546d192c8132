"""PyTorch's ways to a file, each as its documents show it, of the programs' networks.

Images are channels first, as in the programs. Batch size and sequence length are left open by
`torch.export.Dim`, where a converter can keep them so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from adapters.deployment import TRACED_BATCH, Artefact, Exporter, RowLayout
from adapters.pytorch.documented_model import canonical_views, network, one_bias
from tasks.spec.layers import LSTM, SimpleRNN
from tasks.spec.network import Task
from tasks.weights import Weights


def trained(task: Task, weights: Weights) -> nn.Module:
    """The task's network with these weights, for inference."""
    made = network(task)
    one_bias(made)
    for name, view in canonical_views(task, made).items():
        view.copy_(torch.from_numpy(weights[name]).reshape(view.shape))
    return made.eval()


def rows(task: Task, batch: int = TRACED_BATCH) -> torch.Tensor:
    """Rows to trace with, (batch, *input) as the network takes them."""
    if task.input_dtype == "int32":
        return torch.zeros((batch, *task.input_shape), dtype=torch.int32)
    drawn = np.random.default_rng(0).random((batch, *task.input_shape), np.float32)
    found = torch.from_numpy(drawn)
    return found.permute(0, 3, 1, 2).contiguous() if found.ndim == 4 else found


def layout(task: Task) -> RowLayout:
    """What the network takes."""
    return "channels first" if len(task.input_shape) == 3 else "canonical"


def recurrent(task: Task) -> bool:
    """Whether its rows are sequences, whose length may change."""
    return any(isinstance(layer, LSTM | SimpleRNN) for layer in task.layers)


Axes = tuple[dict[int, Any]]
"""Which axes of the only input may change, as `dynamic_shapes` takes them."""


def open_axes(task: Task) -> Axes:
    """The batch, and the length of a sequence."""
    dynamic = torch.export.Dim.DYNAMIC
    return ({0: dynamic, 1: dynamic},) if recurrent(task) else ({0: dynamic},)


def widest(task: Task, write: Callable[[Axes], object]) -> dict[str, Any]:
    """Write with all open that may change; where that is refused, with the batch alone. Returns
    what the artefact says of it: the length, and the converter's words."""
    try:
        write(open_axes(task))
        return {}
    except Exception as error:
        if not recurrent(task):
            raise
        write(({0: torch.export.Dim.DYNAMIC},))
        return {"length": task.input_shape[0], "words": " ".join(str(error).split())[:600]}


def artefact(task: Task, file: str, **facts: Any) -> Artefact:
    """What was written, in the network's own layout."""
    return Artefact(file, layout(task), task.input_dtype, **facts)


def onnx(task: Task, weights: Weights, folder: Path) -> Artefact:
    """torch.onnx.export, by way of torch.export."""

    def write(axes: Axes) -> None:
        torch.onnx.export(
            trained(task, weights), (rows(task),), str(folder / "model.onnx"), dynamo=True,
            dynamic_shapes=axes, external_data=False, verbose=False,
        )  # fmt: skip

    return artefact(task, "model.onnx", **widest(task, write))


def program(task: Task, weights: Weights, axes: Axes) -> torch.export.ExportedProgram:
    """torch.export."""
    return torch.export.export(trained(task, weights), (rows(task),), dynamic_shapes=axes)


def torch_export(task: Task, weights: Weights, folder: Path) -> Artefact:
    """torch.export.save."""

    def write(axes: Axes) -> None:
        torch.export.save(program(task, weights, axes), folder / "model.pt2")

    return artefact(task, "model.pt2", **widest(task, write))


def aot_inductor(task: Task, weights: Weights, folder: Path) -> Artefact:
    """AOTInductor: the exported program compiled to a shared library in a package."""

    def write(axes: Axes) -> None:
        torch._inductor.aoti_compile_and_package(  # the documents' own call, private as it looks
            program(task, weights, axes), package_path=str(folder / "model.pt2")
        )

    return artefact(task, "model.pt2", **widest(task, write))


def torchscript(task: Task, weights: Weights, folder: Path) -> Artefact:
    """torch.jit.trace, which PyTorch calls deprecated and many servers still take."""
    torch.jit.save(torch.jit.trace(trained(task, weights), rows(task)), folder / "model.pt")
    return artefact(task, "model.pt")


def openvino(task: Task, weights: Weights, folder: Path) -> Artefact:
    """OpenVINO's own converter."""
    import openvino

    shape = list(rows(task).shape)
    shape[0] = -1
    if recurrent(task):
        shape[1] = -1
    made = openvino.convert_model(
        trained(task, weights), example_input=rows(task), input=openvino.PartialShape(shape)
    )
    openvino.save_model(made, folder / "model.xml", compress_to_fp16=False)
    return artefact(task, "model.xml")


def executorch(task: Task, weights: Weights, folder: Path) -> Artefact:
    """ExecuTorch, lowered to XNNPACK where it can."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    most = 256
    axes: dict[int, Any] = {0: torch.export.Dim("batch", min=1, max=most)}
    exported = program(task, weights, (axes,))
    lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    (folder / "model.pte").write_bytes(lowered.to_executorch().buffer)
    length = task.input_shape[0] if recurrent(task) else None
    words = "ExecuTorch plans its memory for a largest size; the length was left as traced"
    return artefact(task, "model.pte", length=length, words=words if length else "")


FORMATS: dict[str, Exporter] = {
    "onnx": onnx,
    "openvino": openvino,
    "torch-export": torch_export,
    "aot-inductor": aot_inductor,
    "torchscript": torchscript,
    "executorch": executorch,
}
