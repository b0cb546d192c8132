"""The command that repeats a cell as it was measured."""

from __future__ import annotations

import shlex

from bench.discover import works
from bench.records.record import Cell
from bench.records.schema import RunFile
from tasks.data.prepare import FAMILIES

TASK = "FILE.py"  # stands for a user's own task, likewise
ADAPTER = "ADAPTER.py"  # and for a user's own adapter
DATA = "DIR"  # stands for the folder that was given: a run keeps no path of its user


def command(cell: Cell, about: RunFile) -> str:
    """All of the request that decides what a cell is: sizes, precision, threads, seed, data.

    What is not said has its default. Where the data were not the suite's own, DIR stands for
    the folder with the canonical files; FILE.py stands for the file of a task of the user's own,
    ADAPTER.py for that of an adapter.
    """
    request = about.request
    verb = (
        ["bench", "run", "--profile", request.profile] if request.measure else ["bench", "verify"]
    )
    is_own = cell.task not in {work.name for work in works()}
    words = [
        *verb, *(["--task", TASK] if is_own else ["--tasks", cell.task]),
        "--implementations", cell.implementation,
        "--device", cell.device, "--precision", cell.precision, "--threads", str(cell.threads),
    ]  # fmt: skip
    if request.measure:
        words += ["--launches", str(request.launches), "--margin", f"{100 * request.margin:g}%"]
        words += ["--prune"] if request.prune else []
        if request.budget_seconds is not None:
            words += ["--budget", f"{request.budget_seconds:g}s"]
    words += ["--seed", str(request.seed)]
    prefix = f"adapter_{cell.framework}_"
    if any(module.startswith(prefix) for module in request.adapters):
        words += ["--adapter", ADAPTER]
    data = about.datasets.get(cell.task)
    if data is not None and not data.embedded and not (is_own and data.family not in FAMILIES):
        words += ["--data-dir", DATA]
    return shlex.join(words)
