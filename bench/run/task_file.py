"""A user's own task: read from its file in a process with a time limit, its rows kept in the cache.

The process is the suite's own Python. Whatever the file does (raise, exit, hang, die) is one line
here, and a run keeps the task's definition and its data's digest, so that it can be resumed and
compared without the file.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.run.code import PROJECT
from tasks.catalogue.every import CATALOGUE
from tasks.data import cache, prepare
from tasks.data.arrays import NAMES, Arrays, load
from tasks.data.cache import Prepared
from tasks.data.family import About, Decoded
from tasks.errors import UserError
from tasks.own import read
from tasks.own.check import checked_rows
from tasks.spec.form import restored
from tasks.spec.network import Task

FAMILY = "own"  # the folder of users' data in the cache
SECONDS = 120.0


@dataclass(frozen=True)
class OwnTask:
    """A task of the user's, and its data in the cache."""

    task: Task
    prepared: Prepared

    @property
    def target(self) -> float | None:
        """The score that counts as learned on its own data."""
        return self.task.target.embedded if self.task.target else None


OwnTasks = dict[str, OwnTask]
"""By the task's name."""


def read_all(
    paths: Iterable[Path], data_dir: Path | None = None, seconds: float = SECONDS
) -> OwnTasks:
    """The tasks of these files. `UserError`, a line that begins with the file, for any mistake."""
    found: dict[str, OwnTask] = {}
    for path in paths:
        try:
            own = _read(path, data_dir, seconds)
            if own.task.name in found or own.task.name in {work.name for work in CATALOGUE}:
                raise UserError(f"there is a task {own.task.name!r} already; choose another name")
        except UserError as error:
            raise UserError(f"--task {path}: {' '.join(str(error).split())}") from None
        found[own.task.name] = own
    return found


def _read(path: Path, data_dir: Path | None, seconds: float) -> OwnTask:
    if not path.is_file():
        raise UserError("there is no such file")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        said = _asked(path.resolve(), folder, seconds)
        task: Task = restored(said["task"])
        if not said["has_rows"]:
            return OwnTask(task, _of_the_suite(task, data_dir))
        if task.data in prepare.FAMILIES:
            raise UserError(
                f"TASK.data {task.data!r} is a set of the suite; give yours another name"
            )
        rows = Arrays(*(np.load(folder / f"{name}.npy") for name in NAMES))
    about = About(task.data, f"the user's own rows, by {path.name}", "the user's own file")
    decoded = Decoded(about, rows, embedded=False, scale=said["scale"])
    return OwnTask(task, cache.keep(FAMILY, decoded))


def _of_the_suite(task: Task, data_dir: Path | None) -> Prepared:
    """A data set of the suite, for a file without DATA."""
    if task.data not in prepare.FAMILIES:
        sets = ", ".join(prepare.FAMILIES)
        raise UserError(f"it has no DATA, and TASK.data is no set of the suite ({sets})")
    prepared = prepare.prepare(task.data, data_dir)
    checked_rows(task, load(prepared.folder))
    return prepared


def _asked(path: Path, folder: Path, seconds: float) -> dict[str, Any]:
    """What `tasks.own.read` answers of the file."""
    words = [sys.executable, "-m", "tasks.own.read", str(path), str(folder)]
    before = os.environ.get("PYTHONPATH")
    search = os.pathsep.join([str(PROJECT), *([before] if before else [])])
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": search}, start_new_session=True,
    )  # fmt: skip
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise UserError(
            f"it is not done after {seconds:.0f} s; prepare its data once, as NPZ"
        ) from None
    finally:
        _kill(process)
    try:
        said: dict[str, Any] = json.loads((folder / read.ANSWER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        raise UserError(f"its process ended with {how} before it gave a TASK") from None
    if "error" in said:
        raise UserError(said["error"])
    return said


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The whole group: also what the file has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
