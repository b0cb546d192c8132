"""One piece of evidence for the framework table, in a framework's own environment.

``python -m bench.worker.probe REQUEST.json ANSWER.json``: REQUEST names the framework and the part;
ANSWER gets what was measured, as plain numbers and words. `bench.run.probes` starts it as a
process and judges nothing here. What fails is an answer with a reason.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module, metadata
from pathlib import Path
from statistics import median
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np

LENGTHS = tuple(range(6, 22))  # of the sequences; the first one pays for starting up
AGAIN = 5  # calls a length once it was seen
WIDTH, BATCH = 8, 32
CURVE_BATCHES = (16, 32, 64, 128, 256, 512)
CURVE_ROWS = 4096  # that each timed call of a batch curve trains on
CURVE_ROUNDS = 5
STEP_PAIRS, STEP_ROWS = 12, 8000
PRODUCT = {"cpu": 2048, "cuda": 8192}  # rows and columns of the ceiling's matrices
COPY_BYTES = {"cpu": 2**28, "cuda": 2**30}
CEILING_ROUNDS, CEILING_SECONDS = 12, 1.0  # of each of its measurements, at the most
CLOSE = 1e-5  # largest difference of outputs in units of their largest
HERE = Path(__file__).resolve().parents[2]
ProbeRequest = dict[str, Any]


def _program(request: ProbeRequest, name: str) -> ModuleType:
    """A program of the framework, after its importing.py where it has one."""
    home = f"adapters.{request['framework']}"
    if (HERE / "adapters" / request["framework"] / "importing.py").is_file():
        import_module(f"{home}.importing")
    return import_module(f"{home}.programs.{name}")


def dynamic(request: ProbeRequest) -> dict[str, Any]:
    """Seconds of a training step on a length never seen before, and on one seen before."""
    module = _program(request, "dynamic")
    return {
        "branch": module.BRANCH,
        "modes": {name: _caught(_lengths, make) for name, make in module.MODES.items()},
    }


def _lengths(make: Callable[[], Callable[[np.ndarray, np.ndarray], float]]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    step = make()
    batches = {
        n: (rng.normal(size=(BATCH, n, WIDTH)).astype("float32"),
            rng.normal(size=BATCH).astype("float32"))
        for n in LENGTHS
    }  # fmt: skip
    first = [_seconds(step, *batches[n]) for n in LENGTHS]
    again = [median(_seconds(step, *batches[n]) for _ in range(AGAIN)) for n in LENGTHS]
    return {"lengths": list(LENGTHS), "first_seconds": first, "again_seconds": again}


def shape(request: ProbeRequest) -> dict[str, Any]:
    """What is said when rows of 700 values meet a layer that takes 784."""
    module = _program(request, "dynamic")
    try:
        module.wrong_shape()
    except Exception as error:
        said = _plain(str(error))
        return {
            "raised": type(error).__name__,
            "message": " ".join(said.split())[:600],
            "characters": len(said),
            "names_both": "784" in said and "700" in said,
        }
    return {"raised": "", "message": "", "characters": 0, "names_both": False}


def exports(request: ProbeRequest) -> dict[str, Any]:
    """Which formats the framework writes and reads with the same outputs."""
    module = _program(request, "exports")
    x = np.random.default_rng(0).normal(size=(16, 784)).astype("float32")
    found = {}
    for name, trip in module.FORMATS.items():
        model = module.make()
        expected = module.answers(model, x)
        with tempfile.TemporaryDirectory() as folder:
            found[name] = _caught(_compare, trip, model, x, Path(folder), expected)
    return {"formats": found}


def _compare(trip: Any, model: Any, x: np.ndarray, folder: Path, expected: np.ndarray) -> Any:
    error = np.abs(trip(model, x, folder) - expected).max() / np.abs(expected).max()
    return {"error": float(error), "same": bool(error <= CLOSE)}


def custom_step(request: ProbeRequest) -> dict[str, Any]:
    """Keras: an epoch with fit's own training step and with a user's, in turns, seconds."""
    module = _program(request, "custom_step")
    rng = np.random.default_rng(0)
    x = rng.random((STEP_ROWS, 28, 28)).astype("float32")
    y = rng.integers(0, 10, STEP_ROWS).astype("int32")
    models = {"easy": module.easy(), "custom": module.custom()}
    for model in models.values():
        module.train(model, x, y)  # traces and compiles
    seconds: dict[str, list[float]] = {name: [] for name in models}
    for pair in range(STEP_PAIRS):
        for name in sorted(models, reverse=bool(pair % 2)):
            seconds[name].append(_seconds(module.train, models[name], x, y))
    return {"seconds": seconds}


def curve(request: ProbeRequest) -> dict[str, Any]:
    """Training throughput of a task against the batch size, at this many threads."""
    from tasks.spec.form import restored
    from tasks.weights import initial_weights

    task = restored(request["work"])
    contender = import_module(request["module"]).Contender(
        request["mode"], "cpu", "fp32", request["threads"]
    )
    rng = np.random.default_rng(0)
    rows = max(CURVE_BATCHES)
    x = rng.random((rows, *task.input_shape)).astype(task.input_dtype)
    y = rng.integers(0, 2, rows).astype(task.target_dtype)
    found = {}
    for batch in request.get("batches", CURVE_BATCHES):
        sized = replace(task, batch_size=batch)
        contender.build(sized, initial_weights(sized, 0), 0)
        data = contender.stage(x, y)
        steps = max(1, request.get("rows", CURVE_ROWS) // batch)
        order = rng.integers(0, rows, (steps, batch)).astype("int32")

        def work(data: Any = data, order: np.ndarray = order) -> None:
            contender.train(data, order, None)
            contender.wait()

        work()
        found[str(batch)] = order.size / median(_seconds(work) for _ in range(CURVE_ROUNDS))
    return {"samples_per_second": found}


def ceiling(request: ProbeRequest) -> dict[str, Any]:
    """Best rate of a large product in each precision by this framework, and of copying memory.

    Cores are taken away, not only named: not every framework has a setting for threads.
    """
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: request["threads"]])
    module = _program(request, "product")
    device = request["device"]
    side, size = PRODUCT[device], COPY_BYTES[device]
    rng = np.random.default_rng(0)
    a, b = (rng.random((side, side), dtype=np.float32) for _ in range(2))
    found: dict[str, Any] = {}
    for precision in request["precisions"]:
        answer = _caught(_best, lambda p=precision: module.product(a, b, device, p))
        seconds = answer.pop("seconds", None)
        found[precision] = {"flops": 2 * side**3 / seconds} if seconds else answer
    answer = _caught(_best, lambda: module.copy(np.ones(size // 4, np.float32), device))
    seconds = answer.pop("seconds", None)
    found["copy"] = {"bytes_per_second": 2 * size / seconds} if seconds else answer
    return found


def _best(make: Callable[[], Callable[[], Any]]) -> dict[str, Any]:
    """Seconds of the fastest of some calls, as a ceiling is what was reached once."""
    run = make()
    run()
    ends = perf_counter() + CEILING_SECONDS
    found = [_seconds(run)]
    while len(found) < CEILING_ROUNDS and perf_counter() < ends:
        found.append(_seconds(run))
    return {"seconds": min(found)}


def package(request: ProbeRequest) -> dict[str, Any]:
    """What the installed package says of itself: version, Pythons and NumPys it supports."""
    names = metadata.packages_distributions()[request["package"]]
    about = metadata.metadata(names[0])
    classifiers = about.get_all("Classifier") or []
    pythons = [c.rsplit(" ", 1)[1] for c in classifiers if "Python :: 3." in c]
    needs = about.get_all("Requires-Dist") or []
    return {
        "distribution": names[0],
        "version": about["Version"],
        "requires_python": about["Requires-Python"] or "",
        "pythons": pythons,
        "numpy": next((n for n in needs if n.split(";")[0].strip().startswith("numpy")), ""),
    }


def _plain(text: str) -> str:
    """Without terminal colours, and without the place where this project lies."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace(f"{HERE}/", "")


def _seconds(call: Callable[..., Any], *arguments: Any) -> float:
    started = perf_counter()
    call(*arguments)
    return perf_counter() - started


def _caught(call: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """The answer, or why there is none. A missing package says its name."""
    try:
        return call(*arguments)
    except ImportError as error:
        return {"reason": f"needs {error.name or error}, which is another package"}
    except Exception as error:
        text = " ".join(_plain(str(error)).split())[:300]
        return {"reason": f"{type(error).__name__}: {text}"}


PARTS: dict[str, Callable[[ProbeRequest], dict[str, Any]]] = {
    "package": package,
    "shape": shape,
    "exports": exports,
    "dynamic": dynamic,
    "custom_step": custom_step,
    "curve": curve,
    "ceiling": ceiling,
}


def main() -> None:
    """Read the request, answer it; a part that raises is a reason."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answer = _caught(PARTS[request["part"]], request)
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
