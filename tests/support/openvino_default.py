"""OpenVINO as it is when nobody says in what it shall compute: bfloat16 where the processor can."""

from __future__ import annotations

from adapters.deployment import Width
from adapters.runtimes import openvino


class Model(openvino.Model):
    """Without the hint."""

    def __init__(self, threads: int, width: Width) -> None:
        super().__init__(threads, width)
        del self._asked["INFERENCE_PRECISION_HINT"]
