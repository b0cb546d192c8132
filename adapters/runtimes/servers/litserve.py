"""LitServe with ONNX Runtime behind it: a `LitAPI`, as its documents show, JSON in and out.

``python -m adapters.runtimes.servers.litserve REQUEST.json`` serves the file of a folder on a port
of this machine until it is stopped.
"""

# No `from __future__ import annotations` here: LitServe hands the annotation of `request` to
# FastAPI, which cannot resolve a text that names what this module alone imports.
import json
import sys
from pathlib import Path
from typing import Any

import litserve
import numpy as np

from adapters.deployment import Artefact
from adapters.runtimes.onnxruntime import Model


class OnnxApi(litserve.LitAPI):
    """One row a request, under "row"; its outputs under "outputs"."""

    def __init__(self, folder: Path, threads: int) -> None:
        super().__init__()
        self.folder, self.threads = folder, threads

    def setup(self, device: Any) -> None:
        self.artefact = Artefact(
            **json.loads((self.folder / "artefact.json").read_text(encoding="utf-8"))
        )
        self.model = Model(self.threads, "fp32")
        self.model.load(self.folder / self.artefact.file)

    def decode_request(self, request: dict[str, Any]) -> np.ndarray:
        return np.asarray([request["row"]], self.artefact.dtype)

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.model.predict(x)

    def encode_response(self, output: np.ndarray) -> dict[str, Any]:
        return {"outputs": output[0].tolist()}


def main(words: list[str]) -> None:
    """REQUEST: folder, threads, port."""
    request = json.loads(Path(words[0]).read_text(encoding="utf-8"))
    api = OnnxApi(Path(request["folder"]), request["threads"])
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=request["port"], generate_client_file=False)


if __name__ == "__main__":
    main(sys.argv[1:])
