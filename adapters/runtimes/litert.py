"""LiteRT (once TensorFlow Lite), the interpreter of ai-edge-litert."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from adapters.base import Setting
from adapters.deployment import Loaded, Runtime, Width

ABOUT = Runtime(
    "litert", "LiteRT", "adapters.runtimes.litert", "runtime_litert",
    ("litert", "litert-int8-dynamic"), ("ai-edge-litert",),
)  # fmt: skip


class Model(Loaded):
    """One interpreter. Rows of another shape than the last ones cost an allocation."""

    def __init__(self, threads: int, width: Width) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._make, self._threads = Interpreter, threads

    def load(self, path: Path) -> None:
        self._interpreter = self._make(str(path), num_threads=self._threads)
        (self._input,) = self._interpreter.get_input_details()
        (self._output,) = self._interpreter.get_output_details()
        self._shape: tuple[int, ...] = tuple(self._input["shape"])
        self._interpreter.allocate_tensors()

    def settings(self) -> dict[str, Setting]:
        from importlib.metadata import version

        return {
            "version": version("ai-edge-litert"),
            # The interpreter tells no count; this is what its constructor was given and kept.
            "threads": self._threads,
            "threads_read_back": False,
            "precision": {np.float32: "fp32", np.float16: "fp16"}.get(
                self._output["dtype"], str(self._output["dtype"])
            ),
        }

    def predict(self, x: np.ndarray) -> np.ndarray:
        if x.shape != self._shape:
            self._interpreter.resize_tensor_input(self._input["index"], x.shape, strict=True)
            self._interpreter.allocate_tensors()
            self._shape = x.shape
        self._interpreter.set_tensor(self._input["index"], x)
        self._interpreter.invoke()
        outputs: np.ndarray = self._interpreter.get_tensor(self._output["index"])
        return outputs
