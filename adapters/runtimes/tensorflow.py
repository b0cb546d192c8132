"""TensorFlow as a runtime of SavedModels: the signature `serving_default`, which TensorFlow Serving
would call."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from adapters.base import Setting
from adapters.deployment import Loaded, Runtime, Width

ABOUT = Runtime(
    "tensorflow", "TensorFlow", "adapters.runtimes.tensorflow", "runtime_tensorflow",
    ("saved-model", "saved-model-xla"), ("tensorflow-cpu",),
)  # fmt: skip


class Model(Loaded):
    """One signature of one SavedModel."""

    def __init__(self, threads: int, width: Width) -> None:
        import tensorflow

        self._tensorflow = tensorflow
        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)

    def load(self, path: Path) -> None:
        self._kept = self._tensorflow.saved_model.load(str(path))  # dropped, its variables go
        self._signature = self._kept.signatures["serving_default"]
        (self._input,) = self._signature.structured_input_signature[1]

    def settings(self) -> dict[str, Setting]:
        threading = self._tensorflow.config.threading
        (output,) = self._signature.structured_outputs.values()
        return {
            "version": self._tensorflow.__version__,
            "threads": threading.get_intra_op_parallelism_threads(),
            "precision": {"float32": "fp32", "bfloat16": "bf16"}.get(output.dtype.name, "other"),
            "inter_op_threads": threading.get_inter_op_parallelism_threads(),
        }

    def predict(self, x: np.ndarray) -> np.ndarray:
        answer = self._signature(**{self._input: self._tensorflow.constant(x)})
        (outputs,) = answer.values()
        found: np.ndarray = outputs.numpy()
        return found
