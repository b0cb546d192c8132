"""OpenVINO on a CPU. Its default precision on a CPU that has bfloat16 is bfloat16: float32 is asked
for by name, and what the compiled model says is read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from adapters.base import Setting
from adapters.deployment import Loaded, Runtime, Width

ABOUT = Runtime(
    "openvino", "OpenVINO", "adapters.runtimes.openvino", "runtime_openvino",
    ("openvino", "onnx"), ("openvino",), ("fp32", "bf16"),
)  # fmt: skip
HINTS = {"fp32": "f32", "bf16": "bf16"}
NAMES = {"f32": "fp32", "bf16": "bf16", "f16": "fp16"}


class Model(Loaded):
    """One compiled model and one request."""

    def __init__(self, threads: int, width: Width) -> None:
        import openvino

        self._openvino = openvino
        self._core = openvino.Core()
        self._asked = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": HINTS[width],
        }

    def load(self, path: Path) -> None:
        model = self._core.read_model(str(path))
        self._compiled = self._core.compile_model(model, "CPU", self._asked)
        self._request = self._compiled.create_infer_request()

    def settings(self) -> dict[str, Setting]:
        read = self._compiled.get_property
        hint = str(read("INFERENCE_PRECISION_HINT").get_type_name())
        return {
            "version": self._openvino.__version__,
            "threads": int(read("INFERENCE_NUM_THREADS")),
            "precision": NAMES.get(hint, hint),
            "streams": int(read("NUM_STREAMS")),
            "execution_mode": str(read("EXECUTION_MODE_HINT")).rsplit(".", 1)[-1],
        }

    def predict(self, x: np.ndarray) -> np.ndarray:
        outputs: np.ndarray = next(iter(self._request.infer([x], share_inputs=True).values()))
        return outputs
