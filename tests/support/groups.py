"""Groups of processes as tests ask them: one scheme, one size, one fault."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adapters.base import Scheme
from bench.discover import frameworks
from bench.distributed.questions import GroupStep, Wanted, steps
from bench.distributed.session import GroupWork
from bench.records.door import parse
from bench.records.groups import DistributedFile, GroupRecord
from bench.run.session import machine, suite
from tasks.catalogue.every import TASKS
from tasks.data import prepare

NUMPY = Scheme("numpy", "sockets", "adapters.reference.distributed", "NumPy over sockets")
SCHEMES = {s.name: s for framework in frameworks() for s in framework.schemes} | {NUMPY.name: NUMPY}


def wanted(scheme: Scheme, *names: str, sizes: tuple[int, ...] = (1, 2)) -> Wanted:
    """These tasks, on one core a process, once."""
    tasks = tuple(task for task in TASKS if task.name in names)
    folders = {task.name: prepare.prepare(task.data).folder for task in TASKS}
    return Wanted((scheme,), tasks, sizes, 1, 2, folders=folders)


@dataclass
class Bench:
    """Asks groups of one scheme; the oracle's answers and one process's are kept between them."""

    scheme: Scheme
    folder: Path

    def __post_init__(self) -> None:
        self.works: dict[tuple[str, ...], GroupWork] = {}

    def ask(self, kind: str, size: int, *names: str, fault: str = "") -> GroupRecord:
        """The record of one group, as the door reads it."""
        asked = wanted(self.scheme, *names, sizes=(1, size))
        work = self.works.setdefault(names, GroupWork(asked, {}, self.folder))
        step = next(s for s in steps(asked) if s.kind == kind and s.question.size == size)
        tasks = tuple(t for t in step.question.tasks if t["work"]["name"] in names)
        faulty = replace(step.question, fault=fault)
        raw = work.ask(GroupStep(step.key, step.kind, step.launch, faulty), tasks)
        return file_of({"group": raw}).groups["group"]


def file_of(groups: dict[str, Any], tasks: tuple[str, ...] = ("fnn-mnist",)) -> DistributedFile:
    """distributed.json with these groups, as the door reads it."""
    raw = {
        "schema": 2, "created": "2026-11-20T12:00:00+00:00", "suite": suite(),
        "machine": machine("cpu"), "cores": 2, "sizes": [1, 2, 4],
        "tasks": dict.fromkeys(tasks, "digest"), "patience_seconds": 4.0, "groups": groups,
    }  # fmt: skip
    return parse(json.dumps(raw), DistributedFile, "distributed.json")
