"""MXNet as a runtime of its own files: a symbol and its parameters in a `SymbolBlock`."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from adapters.base import Setting
from adapters.deployment import Loaded, Runtime, Width

ABOUT = Runtime(
    "mxnet", "MXNet", "adapters.runtimes.mxnet", "runtime_mxnet", ("mxnet-symbol",), ("mxnet",)
)


class Model(Loaded):
    """One block. Threads are OpenMP's, set by the process's variables before the start."""

    def __init__(self, threads: int, width: Width) -> None:
        import mxnet

        self._mxnet = mxnet

    def load(self, path: Path) -> None:
        parameters = path.with_name(path.name.replace("-symbol.json", "-0000.params"))
        block = self._mxnet.gluon.SymbolBlock
        self._call = block.imports(str(path), ["data"], str(parameters))
        self._call.hybridize(static_alloc=True)

    def settings(self) -> dict[str, Setting]:
        weights = self._call.collect_params().values()
        widths = {np.dtype(one.dtype).name for one in weights}
        return {
            "version": self._mxnet.__version__,
            # MXNet's Python tells no count; this is the variable that OpenMP's pool was sized by.
            "threads": int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)),
            "threads_read_back": False,
            "precision": "fp32" if widths == {"float32"} else ", ".join(sorted(widths)),
            "onednn": self._mxnet.runtime.Features().is_enabled("MKLDNN"),
        }

    def predict(self, x: np.ndarray) -> np.ndarray:
        outputs: np.ndarray = self._call(self._mxnet.nd.array(x, dtype=x.dtype)).asnumpy()
        return outputs
