"""`bench distribute`: asks what is missing, and keeps each answer before the next is asked."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from adapters.base import Scheme
from bench.distributed import lost
from bench.distributed.group import PATIENCE_SECONDS, GroupEnd, GroupQuestion, GroupRaw, PeerGroup
from bench.distributed.questions import ROWS, GroupStep, Wanted, provable, steps
from bench.proof import groups as proof
from bench.proof.checks import Certificate
from bench.records.beside import written
from bench.records.door import parse
from bench.records.groups import DistributedFile
from bench.records.record import SCHEMA, finite
from bench.records.store import Run, write_json
from bench.run import environments, session
from bench.run.environments import Environment
from tasks.data import arrays
from tasks.errors import UserError
from tasks.spec.form import digest, restored
from tasks.spec.network import Task

FILE = "distributed.json"
TIMEOUT_SECONDS = {"certify": 400.0, "measure": 300.0, "alone": 300.0, "lose": 120.0}
NUMPY = "numpy"  # the oracle's own groups run in the suite's interpreter
Oracle = dict[tuple[str, str], dict[str, np.ndarray]]


@dataclass
class GroupWork:
    """Groups asked so far, and what their answers are held against."""

    wanted: Wanted
    kept: GroupRaw
    folder: Path
    oracle: Oracle = field(default_factory=dict)
    alone: dict[tuple[str, str], dict[str, np.ndarray]] = field(default_factory=dict)

    def ask(self, step: GroupStep, tasks: tuple[GroupRaw, ...]) -> GroupRaw:
        """The record of one group; every way it can end is one."""
        question = replace(step.question, tasks=tasks)
        environment = environment_of(question.scheme)
        record = _blank(question, step)
        if environment.status != "ready":
            return record | {"status": "uninstallable", "reason": environment.reason}
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            folder = Path(place)
            if step.kind == "lose":
                return record | lost.lose(question, environment, folder, _seconds(step))
            if step.kind == "certify" and question.size > 1:
                self._one_process(question, environment)
            ended = _ended(question, environment, folder, _seconds(step))
            record |= _how(ended, question) | _told(ended)
            if step.kind == "certify":
                record |= self._certified(question, ended, folder)
            else:
                record["tasks"] = ended.answers[0].get("tasks", {})
        return record

    def _one_process(self, question: GroupQuestion, environment: Environment) -> None:
        """What a group is held against, where this call has not asked it: it goes on with one
        that was begun before. Where one process fails, the oracle alone judges."""
        name = question.scheme.name
        if any((name, task["work"]["name"]) in self.alone for task in question.tasks):
            return
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            alone = replace(question, size=1, fault="")
            with PeerGroup(alone, environment, Path(place)) as group:
                group.wait(TIMEOUT_SECONDS["certify"])
            for path in Path(place).glob("0-*.npz"):
                self.alone[name, path.stem.removeprefix("0-")] = _arrays(path)

    def _certified(self, question: GroupQuestion, ended: GroupEnd, folder: Path) -> GroupRaw:
        """The certificates of what a group finished, also where it failed later."""
        found: GroupRaw = {}
        reasons = []
        for asked in question.tasks:
            task = restored(asked["work"])
            answers = [answer.get("tasks", {}).get(task.name) for answer in ended.answers]
            if not answers or not all(answers):
                continue
            ranks = [_arrays(folder / answer["arrays"]) for answer in answers]
            made = self._certificate(question, task, ranks, asked, ended.answers[0]["adam_form"])
            if "alive" in answers[0]:
                check = proof.masks(task, question.size, answers[0]["alive"], answers[0]["kept"])
                made = replace(made, checks=(*made.checks, check))
            found[task.name] = {"certificate": made.as_dict()}
            reasons += [f"{task.name}: {made.reason()}"] if not made.passed else []
        refused = {"status": "unverified", "reason": reasons[0][:300]} if reasons else {}
        return {"tasks": found} | refused

    def _certificate(
        self, question: GroupQuestion, task: Task, ranks: Any, asked: GroupRaw, form: Any
    ) -> Certificate:
        key = (task.name, form)
        order, seed = np.array(asked["order"], np.int32), asked["seed"]
        if key not in self.oracle:
            data = arrays.load(Path(asked["folder"]))
            x, y = data.x_train[:ROWS], data.y_train[:ROWS]
            self.oracle[key] = proof.expected(task, x, y, order, seed, form)
        name = (question.scheme.name, task.name)
        before = self.alone.get(name) if question.size > 1 else None
        if question.size == 1:
            self.alone[name] = ranks[0]
        return proof.certificate(task, ranks, self.oracle[key], before, seed, form)


def measure(
    run: Run,
    wanted: Wanted,
    say: Callable[[str], None],
    budget_seconds: float | None = None,
    again: Collection[str] = (),
) -> tuple[DistributedFile, int]:
    """Ask what is missing; all answers, and how many questions there was no time for. again: kinds
    whose earlier answers are thrown away first. `UserError` where the file is another machine's."""
    kept = _begun(run, wanted)
    kept["groups"] = {k: g for k, g in kept["groups"].items() if g["kind"] not in again}
    begun, left, longest = monotonic(), 0, dict[str, float]()
    with tempfile.TemporaryDirectory(prefix="bench-groups-") as folder:
        work = GroupWork(wanted, kept, Path(folder))
        todo = [step for step in steps(wanted) if step.key not in kept["groups"]]
        for number, step in enumerate(todo, 1):
            tasks = provable(step, _file(kept))
            over = monotonic() - begun + longest.get(step.kind, 0.0)
            if not tasks or (budget_seconds is not None and over > budget_seconds):
                left += bool(tasks)
                continue
            say(f"[{number}/{len(todo)}] {_words(step)}")
            started = monotonic()
            record = work.ask(step, tasks)
            longest[step.kind] = max(longest.get(step.kind, 0.0), monotonic() - started)
            kept["groups"][step.key] = finite(record)
            file = _file(kept)  # through the door, before it is written
            write_json(run.path / FILE, written(file), indent=1)
            if record["status"] != "ok":
                say(f"    {record['status']}: {record['reason']}")
    return _file(kept), left


def _begun(run: Run, wanted: Wanted) -> GroupRaw:
    """What the file holds, or an empty one."""
    fresh = {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "suite": session.suite(),
        "machine": session.machine("cpu"),
        "cores": wanted.cores,
        "sizes": list(wanted.sizes),
        "tasks": {task.name: digest(task) for task in wanted.certified},
        "patience_seconds": PATIENCE_SECONDS,
        "groups": {},
    }
    earlier = run.beside(FILE, DistributedFile)
    if earlier is None:
        return fresh
    kept = written(earlier)
    for key, what in (("machine", "on another machine or system"), ("tasks", "of other tasks")):
        if kept[key] != json.loads(json.dumps(fresh[key])):
            raise UserError(f"{run.path / FILE} was begun {what}; its groups cannot be mixed")
    return kept | {"sizes": sorted({*kept["sizes"], *wanted.sizes})}


def _file(kept: GroupRaw) -> DistributedFile:
    return parse(json.dumps(kept), DistributedFile, FILE)


def environment_of(scheme: Scheme) -> Environment:
    """Where its processes run."""
    if scheme.framework == NUMPY:
        return Environment(NUMPY, "ready", sys.executable)
    return environments.describe(scheme.environment, "cpu")


def _words(step: GroupStep) -> str:
    question = step.question
    count = f"{question.size} process{'es' * (question.size > 1)}"
    return f"{step.kind} {question.scheme.name}, {count}, launch {step.launch}"


def _ended(
    question: GroupQuestion, environment: Environment, folder: Path, seconds: float
) -> GroupEnd:
    """How a group ended; once more where another program took one of its ports meanwhile."""
    for last in (False, True):
        with PeerGroup(question, environment, folder) as group:
            ended = group.wait(seconds)
        if last or "in use" not in ended.reason.lower():
            break
    return ended


def _seconds(step: GroupStep) -> float:
    return TIMEOUT_SECONDS[step.kind]


def _blank(question: GroupQuestion, step: GroupStep) -> GroupRaw:
    return {
        "name": question.scheme.name,
        "kind": step.kind,
        "size": question.size,
        "threads": question.threads,
        "launch": step.launch,
        "status": "ok",
        "reason": "",
    }


def _how(ended: GroupEnd, question: GroupQuestion) -> GroupRaw:
    """Status and reason of a group that was to end by itself."""
    if ended.well:
        return {}
    told = next((a for a in ended.answers if a.get("status", "ok") != "ok"), None)
    status = told["status"] if told else "timeout" if len(ended.hung) == question.size else "crash"
    return {"status": status, "reason": ended.reason[:300]}


def _told(ended: GroupEnd) -> GroupRaw:
    """Settings, and the slowest peer's seconds."""
    starts: dict[str, float] = {}
    for answer in ended.answers:
        for name, seconds in answer.get("seconds", {}).items():
            starts[name] = max(starts.get(name, 0.0), seconds)
    return {"settings": ended.answers[0].get("settings", {}), "starts": starts}


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as found:
        return dict(found)
