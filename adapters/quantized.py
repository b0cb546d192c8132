"""A file of ONNX in 8-bit integers, as ONNX Runtime's documents make one of a file in float32.

Dynamic: the scales of activations are found while it runs, which the documents advise for recurrent
networks and Transformers. Static: from rows shown before, which they advise for convolutions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from adapters.deployment import Artefact

Quantizer = Callable[[Path, Artefact, np.ndarray, Path], Artefact]
"""(folder of the source, what it is, rows laid out as it wants them, folder to write into)."""


def dynamic(source: Path, artefact: Artefact, rows: np.ndarray, folder: Path) -> Artefact:
    """quantize_dynamic, with its defaults."""
    from onnxruntime.quantization import quantize_dynamic

    quantize_dynamic(_prepared(source / artefact.file, folder), folder / "model.onnx")
    return replace(artefact, file="model.onnx", width="int8-dynamic")


def static(source: Path, artefact: Artefact, rows: np.ndarray, folder: Path) -> Artefact:
    """quantize_static, with its defaults: QDQ, scales from the extremes of the rows shown."""
    from onnx import load
    from onnxruntime.quantization import CalibrationDataReader, quantize_static

    prepared = _prepared(source / artefact.file, folder)
    name = load(prepared).graph.input[0].name
    size = artefact.batch or 8

    class Shown(CalibrationDataReader):
        def __init__(self) -> None:
            starts = range(0, len(rows) - size + 1, size)
            self._left: Iterator[np.ndarray] = iter([rows[i : i + size] for i in starts])

        def get_next(self) -> dict[str, np.ndarray] | None:
            found = next(self._left, None)
            return None if found is None else {name: found}

    quantize_static(prepared, folder / "model.onnx", Shown())
    return replace(artefact, file="model.onnx", width="int8-static")


def _prepared(source: Path, folder: Path) -> Path:
    """With shapes found and the graph simplified, which the documents advise before."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "prepared.onnx"
    quant_pre_process(str(source), str(path))
    return path


QUANTIZERS: dict[str, Quantizer] = {"onnx-int8-dynamic": dynamic, "onnx-int8-static": static}
