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


def certified(name: str, size: int, passed: bool = True) -> dict[str, Any]:
    """A group's certificates, as a record has them."""
    error = 1e-7 if passed else 0.5
    check = {"name": "gradients, whole", "error": error, "bound": 1e-6, "passed": passed}
    reason = "" if passed else "gradients, whole: error 0.5 over bound 1e-06"
    proof = {
        "passed": passed, "reason": reason, "adam_form": "epsilon", "checks": [check],
    }  # fmt: skip
    how = {"status": "ok" if passed else "unverified", "reason": reason}
    return _group(name, "certify", size) | how | {"tasks": {"fnn-mnist": {"certificate": proof}}}


def timed(
    name: str, size: int, seconds: float, launch: int = 0, threads: int = 1, kind: str = "measure"
) -> dict[str, Any]:
    """A group that was timed: rounds of 640 samples in 20 steps."""
    rounds = {"samples": 640, "seconds": [seconds, seconds * 1.1, seconds * 0.9]}
    weak = {"samples": 640 * size, "seconds": [seconds * 1.5] * 3}
    task = {
        "strong": rounds, "weak": weak, "steps": 20, "reduction": [seconds / 200] * 3,
        "first_step": 0.5,
    }  # fmt: skip
    made = _group(name, kind, size) | {"launch": launch, "threads": threads}
    return made | {"tasks": {"fnn-mnist": task}, "starts": {"import": 1.0, "join": 0.25}}


def lost(name: str, ending: str, seconds: float) -> dict[str, Any]:
    """A group one of whose peers was killed."""
    reason = "RuntimeError: Connection closed by peer"
    found = {"ending": ending, "seconds": seconds, "left": 0}
    return _group(name, "lose", 2) | {"reason": reason, "lost": found}


def _group(name: str, kind: str, size: int) -> dict[str, Any]:
    return {"name": name, "kind": kind, "size": size, "threads": 1, "status": "ok", "reason": ""}


def keyed(*groups: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Groups under keys, as the file has them."""
    return {f"{number}": group for number, group in enumerate(groups)}


def usual(pair: float = 0.06) -> dict[str, dict[str, Any]]:
    """PyTorch's pair takes `pair` seconds a round against 0.1 of one process and 0.08 of one with
    both cores; MXNet's fails its certificate; three launches."""
    name = "pytorch:ddp"
    found = [certified(name, size) for size in (1, 2, 4)]
    found += [certified("mxnet:dist-sync", 1), certified("mxnet:dist-sync", 2, passed=False)]
    found += [lost(name, "error", 0.2), lost("mxnet:dist-sync", "hang", 4.2)]
    for launch in range(3):
        wave = 1 + 0.01 * launch
        found.append(timed(name, 1, 0.1 * wave, launch))
        found.append(timed(name, 1, 0.08 * wave, launch, threads=2))
        found.append(timed(name, 2, pair * wave**2, launch))
        found.append(timed(name, 4, 0.07 * wave, launch))
        found.append(timed("pytorch:eager", 1, 0.05 * wave, launch, threads=2, kind="alone"))
    return keyed(*found)
