"""A launch, as a run makes it, of a contender with a planted fault.

What a launch refuses around its timed rounds (settings, a `wait` that does not wait) is only seen
in a launch. Its mode is ``framework.mode.number``: an implementation, and a place in the catalogue
of faults.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from adapters.base import Adapter, Device, Precision
from adapters.mutants.catalogue import CORRECT, FAULTS
from adapters.mutants.mutant import Mutant
from adapters.reference.oracle import Reference
from bench.audit.extra import NUMPY
from bench.discover import implementations
from bench.records.record import Budget, Cell, Job
from tasks.data import arrays
from tasks.spec import form
from tasks.spec.network import Task

ALL = (*FAULTS, *CORRECT)
THREADS = 1
# Every phase once, in some seconds.
BUDGET = Budget(
    learn_epochs=1, round_steps=64, infer_rows=512, turns=3, slice_seconds=0.05,
    timeout_seconds=300.0,
)  # fmt: skip


def contender(name: str, device: Device = "cpu", precision: Precision = "fp32") -> Adapter:
    """The adapter of framework:mode, with one thread."""
    mode = name.split(":")[1]
    if name == NUMPY:
        return Reference("numpy", device, "fp32", THREADS)
    module = next(row.module for row in implementations() if row.name == name)
    adapter: Adapter = importlib.import_module(module).Contender(mode, device, precision, THREADS)
    return adapter


def Contender(  # the name a launch asks a module for
    mode: str, device: Device, precision: Precision, threads: int
) -> Adapter:
    """The contender of a planted launch; see the module's docstring."""
    framework, own, number = mode.split(".")
    return ALL[int(number)].make(contender(f"{framework}:{own}", device, precision))


def refused_by_launch(
    mutant: Mutant, name: str, task: Task, x: np.ndarray, y: np.ndarray, seed: int
) -> str:
    """Why a launch of the mutant in the implementation `name` was refused; empty when it was not.

    x, y: rows to train on and to predict."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        _write_rows(place / "rows", x, y)
        job, answer = place / "job.json", place / "answer.json"
        job.write_text(json.dumps(_job(mutant, name, task, seed).as_dict()))
        ended = subprocess.run(
            [sys.executable, "-m", "bench.worker.launch", str(job), str(answer)],
            env=os.environ | {"BENCH_CACHE": folder},
            capture_output=True,
            text=True,
            timeout=BUDGET.timeout_seconds,
        )
        if not answer.exists():
            return f"no answer: {ended.stderr[-200:]}"
        launch = json.loads(answer.read_text())["launch"]
    return "" if launch["status"] == "ok" else f"{launch['status']}: {launch['reason']}"


def _job(mutant: Mutant, name: str, task: Task, seed: int) -> Job:
    framework, mode = name.split(":")
    cell = Cell(
        task.name, f"{framework}:{framework}.{mode}.{ALL.index(mutant)}", "cpu", "fp32", THREADS
    )
    return Job(
        "planted", "measure", cell, 0, 0, seed, framework, __name__, "numpy", "rows", BUDGET,
        work=form.definition(task),
    )  # fmt: skip


def _write_rows(folder: Path, x: np.ndarray, y: np.ndarray) -> None:
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"scale": 1.0}))
    for name, value in zip(arrays.NAMES, (x, y, x, y), strict=True):
        np.save(folder / f"{name}.npy", value)
