"""Made-up runs under one folder, as `bench publish` finds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.records.record import Record
from bench.records.results import Results
from bench.records.store import Run
from tests.support.records import about, certificate, of_division, record, run_file, stored

NAMES = ["pytorch:loop", "keras:fit", "mxnet:gluon"]
TASKS = ["fnn-mnist", "lstm-forecast"]


def proof(name: str, task: str, passed: bool = True) -> Record:
    made = certificate(name, passed)
    made["launch"]["job"]["cell"]["task"] = task
    made["launch"]["job"]["id"] = f"certify0~{task}~{name.replace(':', '-')}"
    made["launch"]["job"]["work"] = record(name, task=task)["launch"]["job"]["work"]
    return made


def make_run(
    place: Path,
    seconds: dict[str, float],
    tasks: list[str] | None = None,
    blocks: int = 4,
    **raw: Any,
) -> Results:
    """A run of these implementations, each with its seconds a round; certified."""
    tasks = TASKS if tasks is None else tasks
    records = [
        record(name, block, took, "", task)
        for task in tasks
        for name, took in seconds.items()
        for block in range(blocks)
    ] + [proof(name, task) for task in tasks for name in seconds]
    for made in records:
        of_division(made, "documented")
    return stored(Run.create(place, run_file(about(tasks, seconds) | raw)), records)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run of three implementations on two tasks."""
    folder = tmp_path_factory.mktemp("published")
    make_run(folder / "old", dict(zip(NAMES, (0.1, 0.2, 0.3), strict=True)))
    return folder
