"""What the commands share: prepare the data, start or resume a run, list what is ready."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from adapters.base import Device, Implementation, Precision
from bench.discover import implementations, tuners
from bench.machine import cores, readings
from bench.machine.devices.kinds import KINDS, kind_of
from bench.plan.jobs import make_jobs
from bench.plan.request import PROFILES, DataSet, Plan
from bench.proof import bounds
from bench.records.fingerprint import same_machine
from bench.records.record import MEASUREMENT, SCHEMA, Budget, Job, Request
from bench.records.schema import Machine, RunFile
from bench.records.store import Run
from bench.run import adapter_file, environments, revisions
from bench.run import source as sources
from bench.run.environments import HERE, Environment, Source
from bench.run.task_file import OwnTask, OwnTasks
from tasks.catalogue.every import CATALOGUE
from tasks.data import cache, prepare
from tasks.errors import UserError
from tasks.spec.form import definition, digest, restored
from tasks.spec.network import Task
from tasks.spec.search import Search

RUNS = Path("runs")
NO_TASKS: OwnTasks = {}


@dataclass(frozen=True)
class Session:
    """An open run with everything needed to go on with it. resumed: it was begun before."""

    run: Run
    plan: Plan
    jobs: list[Job]
    frameworks: Mapping[str, Environment]
    resumed: bool = False

    @property
    def request(self) -> Request:
        """What was asked for."""
        return self.plan.request


def default_threads() -> int:
    """As many as can run at once: cores, and the quotas of control groups."""
    return cores.usable()


def check_device(device: Device, precision: Precision = "fp32") -> None:
    """`UserError` when there is no such device, it is not here, or has no such precision."""
    kind = kind_of(device)
    if reason := kind.why_not():
        raise UserError(f"--device {device}: {reason}")
    if precision not in kind.PRECISIONS:
        able = ", ".join(kind.PRECISIONS)
        raise UserError(f"--precision {precision}: a {device} device has {able}")


def machine(device: Device) -> dict[str, Any]:
    """The fingerprint that runs must share to be compared: the machine's, and its device's."""
    facts = KINDS[device].facts()
    return readings.machine() | {f"{device}_{key}": value for key, value in facts.items()}


def suite(source: Source = HERE) -> dict[str, Any]:
    """Whose code measures: version, revision of the checkout ("" outside one), and the way."""
    return {
        "version": metadata.version("framework-bench"),
        "revision": source.commit[:12] or revisions.described(source.project),
        "measurement": MEASUREMENT,
    }


def start(
    request: Request,
    out: Path | None,
    data_dir: Path | None,
    source: Source = HERE,
    pairing: str = "",
    own: OwnTasks = NO_TASKS,
    elsewhere: Mapping[str, Any] | None = None,
    words: Sequence[str] | None = None,
) -> Session:
    """Begin a new run in `out` (default: runs/<time>) with the code and pins of `source`.

    pairing: the same text in runs that are measured interleaved, else empty. own: tasks that are
    the user's, which `request` may name. elsewhere: as in `about_of`. words: of the command, where
    it is not this process's.
    """
    budget = PROFILES[request.profile].budget
    about = about_of(request, budget, data_dir, source, pairing, own, elsewhere, words)
    return _session(Run.create(out or folder_of(about), about), about, source)


def folder_of(about: RunFile) -> Path:
    """Where a run lies that was given no place: runs/<time>."""
    return RUNS / datetime.fromisoformat(about.created).strftime("%Y%m%dT%H%M%SZ")


def about_of(
    request: Request,
    budget: Budget,
    data_dir: Path | None = None,
    source: Source = HERE,
    pairing: str = "",
    own: OwnTasks = NO_TASKS,
    elsewhere: Mapping[str, Any] | None = None,
    words: Sequence[str] | None = None,
) -> RunFile:
    """run.json of a run that begins now; its data are made ready in the cache. elsewhere: the
    machine that it will be measured on, where that is not this one."""
    if elsewhere is None:
        check_device(request.device, request.precision)
    outside = adapter_file.modules(request.implementations)
    request = replace(request, own=tuple(sorted(source.own)), adapters=outside)
    known: dict[str, Task | Search] = {work.name: work for work in CATALOGUE}
    known |= {name: one.task for name, one in own.items()}
    works = {name: known[name] for name in known if name in request.tasks}
    data = {n: _data(works[n], own.get(n), data_dir) for n in request.tasks}
    text = json.dumps(
        {
            "schema": SCHEMA,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": command(sys.argv[1:] if words is None else words),
            "suite": suite(source),
            "request": asdict(request),
            "budget": asdict(budget),
            "machine": machine(request.device) if elsewhere is None else dict(elsewhere),
            "datasets": data,
            "tasks": {
                n: {"digest": digest(w), "definition": definition(w)} for n, w in works.items()
            },
            "bounds": bounds.declared(),
            "pairing": pairing,
            "source": sources.facts(source, _environments(request), request.device),
        }
    )
    return RunFile.model_validate_json(text)


def _environments(request: Request) -> set[str]:
    """Those of the contenders."""
    return {i.environment for i in _known() if i.name in request.implementations}


def _known() -> list[Implementation]:
    return [*implementations(), *tuners()]


def command(words: Sequence[str]) -> str:
    """`bench` and its words, without places on this machine; a word of strange bytes with "?"."""
    text = " ".join(["bench", *map(readings.without_places, words)])
    return text.encode(errors="replace").decode()


def task_of(work: Task | Search) -> Task:
    """The task itself, or what a search varies."""
    return work.base if isinstance(work, Search) else work


def _data(work: Task | Search, own: OwnTask | None, data_dir: Path | None) -> dict[str, Any]:
    """Relative to the cache: a published run names no place on its machine."""
    task = task_of(work)
    prepared = own.prepared if own else prepare.prepare(task.data, data_dir)
    facts = asdict(prepared) | {"folder": str(prepared.folder.relative_to(cache.root()))}
    target = own.target if own else prepare.target(task, prepared)
    return facts | {"metric": task.metric, "target": target}


def resume(
    out: Path | None,
    source: Source = HERE,
    beside: bool = False,
    elsewhere: Mapping[str, Any] | None = None,
) -> Session:
    """Open a run to finish it; without `out`, the newest under runs/. Its code and pins are those
    that it was begun with. source: whose `own` environments are given again. beside: it is gone on
    with together with the run that it is measured beside. elsewhere: as in `start`.

    `UserError` where the run was begun with other tasks, data, code or on another machine: what
    is added to it must be what was begun.
    """
    if out is None:
        begun = sorted(p.parent for p in RUNS.glob("*/run.json"))
        if not begun:
            raise UserError("nothing to resume under runs/; name the run with --out")
        out = begun[-1]
    run = Run.open(out)
    about = run.about()
    adapter_file.take_again(about.request.adapters)
    check_begun(out, about, elsewhere)
    if about.pairing and not beside:
        raise UserError(
            f"{out} is one side of a comparison: `bench regress --resume --out {out.parent}`"
        )
    if lacking := sorted(set(about.request.own) ^ set(source.own)):
        word = "again" if lacking[0] in about.request.own else "no more: it was begun without"
        raise UserError(f"{out}: give --env {lacking[0]}=PYTHON {word}")
    try:
        begun_with = sources.restored(about, source.own)
    except UserError as error:
        raise UserError(f"{out}: {error}") from None
    return replace(_session(run, about, begun_with), resumed=True)


def check_begun(out: Path, about: RunFile, elsewhere: Mapping[str, Any] | None = None) -> None:
    """`UserError` where what would be added to a run is not what was begun."""
    if not about.tasks:
        raise UserError(f"{out} was begun by an older version, which kept no tasks; start anew")
    if about.suite.measurement != MEASUREMENT:
        raise UserError(f"{out} was begun when times were taken another way; start a new run")
    for name, facts in about.datasets.items():
        if not cache.holds(facts.folder, facts.sha256):
            raise UserError(
                f"the data of {name} is gone from the cache, or has changed; start a new run"
            )
    if lacking := [name for name in about.request.tasks if name not in about.tasks]:
        raise UserError(f"{out} asks for {lacking[0]} and does not keep it; start a new run")
    known = {i.name for i in _known()}
    if unknown := [name for name in about.request.implementations if name not in known]:
        raise UserError(f"{out} asks for {unknown[0]}, which this suite does not have")
    kind_of(about.request.device)  # UserError where this suite knows no such device
    now = machine(about.request.device) if elsewhere is None else dict(elsewhere)
    if not same_machine(about.machine, Machine.model_validate(now)):
        raise UserError(
            f"{out} was begun on another machine or system; its launches cannot be mixed"
        )


def plan_of(about: RunFile) -> Plan:
    """The plan of a run as it was begun."""
    request = about.request
    data = {name: DataSet(f.folder, f.target) for name, f in about.datasets.items()}
    contenders = {i.name: i for i in _known()}
    works = {name: restored(facts.definition) for name, facts in about.tasks.items()}
    return Plan(request, about.budget, data, contenders, works)


def _session(run: Run, about: RunFile, source: Source = HERE) -> Session:
    plan = plan_of(about)
    jobs = make_jobs(plan)
    used = {job.framework for job in jobs}
    frameworks = {f: environments.describe(f, about.request.device, source) for f in used}
    return Session(run, plan, jobs, frameworks)


def ready(implementation: Implementation, device: str) -> Environment:
    """The environment an implementation would run in."""
    return environments.describe(implementation.environment, device)
