"""ONNX Runtime, the CPU provider: `InferenceSession` as its documents show it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from adapters.base import Setting
from adapters.deployment import Loaded, Runtime, Width

ABOUT = Runtime(
    "onnxruntime", "ONNX Runtime", "adapters.runtimes.onnxruntime", "runtime_onnxruntime",
    ("onnx", "onnx-int8-dynamic", "onnx-int8-static"), ("onnxruntime",),
)  # fmt: skip


class Model(Loaded):
    """One session."""

    def __init__(self, threads: int, width: Width) -> None:
        import onnxruntime

        self._onnxruntime = onnxruntime
        self._options = onnxruntime.SessionOptions()
        self._options.intra_op_num_threads = threads
        self._options.inter_op_num_threads = 1
        self._options.log_severity_level = 3  # errors; what a graph could be spared is no error

    def load(self, path: Path) -> None:
        make = self._onnxruntime.InferenceSession
        self._session = make(str(path), self._options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0]
        self._run = self._session.run

    def settings(self) -> dict[str, Setting]:
        kept = self._session.get_session_options()
        return {
            "version": self._onnxruntime.__version__,
            "threads": kept.intra_op_num_threads,
            # Of the tensors that go in: the CPU provider computes in the types of the graph.
            "precision": "fp32" if self._input.type != "tensor(float16)" else "fp16",
            "inter_op_threads": kept.inter_op_num_threads,
            "provider": ", ".join(self._session.get_providers()),
            "optimization": str(kept.graph_optimization_level).rsplit(".", 1)[-1],
        }

    def predict(self, x: np.ndarray) -> np.ndarray:
        outputs: np.ndarray = self._run(None, {self._input.name: x})[0]
        return outputs
