"""One export, in the environment of a framework and its converters.

``python -m bench.worker.deploy.export REQUEST.json ANSWER.json`` writes the network of a task, with
given weights, in one format into a folder. What a converter raises is the answer's reason.
"""

from __future__ import annotations

import json
import shutil
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np

from adapters.base import Unsupported
from adapters.deployment import Artefact
from bench.machine import readings
from tasks.data import arrays
from tasks.spec.form import restored

MANIFEST = "artefact.json"
FACTS = ("layout", "dtype", "batch", "length", "words")


SHOWN_ROWS = 128  # of the training rows, to a quantizer that wants to see some


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """status, reason, and of an export that went well what was written."""
    folder = Path(request["folder"])
    shutil.rmtree(folder, ignore_errors=True)  # of an attempt that was stopped
    folder.mkdir(parents=True)
    write = _turned if request["source"] else _exported
    module = import_module(request["module"])
    started = perf_counter()
    artefact = write(module, request, folder)
    seconds = perf_counter() - started
    (folder / MANIFEST).write_text(json.dumps(artefact.as_dict()), encoding="utf-8")
    facts = {name: getattr(artefact, name) for name in FACTS}
    size = sum(path.stat().st_size for path in _written(folder, artefact))
    return {"status": "ok", "reason": "", "export": {"seconds": seconds, "bytes": size, **facts}}


def _exported(module: ModuleType, request: dict[str, Any], folder: Path) -> Artefact:
    weights, task = dict(np.load(request["weights"])), restored(request["work"])
    weights.pop("score", None)  # of the training, kept in the same file
    if task.is_graph:
        raise Unsupported("exports are written for chains of layers; this task is a graph of them")
    found: Artefact = module.FORMATS[request["format"]](task, weights, folder)
    return found


def _turned(module: ModuleType, request: dict[str, Any], folder: Path) -> Artefact:
    """From the file of another format, which lies in the folder `source`."""
    source = Path(request["source"])
    given = Artefact(**json.loads((source / MANIFEST).read_text(encoding="utf-8")))
    x = arrays.load(Path(request["data"])).x_train[:SHOWN_ROWS]
    found: Artefact = module.QUANTIZERS[request["format"]](source, given, given.laid_out(x), folder)
    return found


def _written(folder: Path, artefact: Artefact) -> list[Path]:
    """The files of the artefact, without what was made on the way."""
    place = folder / artefact.file
    if place.is_dir():
        return [path for path in place.rglob("*") if path.is_file()]
    return [path for path in folder.glob(f"{place.stem.split('-')[0]}*") if path.is_file()]


def main(words: list[str]) -> None:
    """Whatever happens, the answer says it."""
    request = json.loads(Path(words[0]).read_text(encoding="utf-8"))
    try:
        found = answer(request)
    except Unsupported as why:
        found = {"status": "unsupported", "reason": str(why)}
    except Exception as error:  # the converter's own words
        text = " ".join(str(error).split())[:600]
        found = {"status": "error", "reason": f"{type(error).__name__}: {text}"}
    Path(words[1]).write_text(
        json.dumps(found | {"packages": readings.packages()}), encoding="utf-8"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
