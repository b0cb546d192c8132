"""What the commands share: prepare the data, start or resume a run, list what is ready."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.base import Device, Implementation, Precision
from bench.discover import implementations, tuners
from bench.machine import readings
from bench.machine.devices.kinds import KINDS
from bench.plan.jobs import make_jobs
from bench.plan.request import PROFILES, DataSet, Request
from bench.records.record import Budget, Job
from bench.records.store import Run
from bench.run import environments
from bench.run.environments import HERE, Environment, Source
from tasks.catalogue.every import CATALOGUE
from tasks.data import cache, prepare
from tasks.errors import UserError
from tasks.spec.search import Search

RUNS = Path("runs")


@dataclass(frozen=True)
class Session:
    """An open run with everything needed to go on with it."""

    run: Run
    request: Request
    jobs: list[Job]
    frameworks: Mapping[str, Environment]
    budget: Budget
    data: Mapping[str, DataSet]
    implementations: Mapping[str, Implementation]


def default_threads() -> int:
    """As many as this process may use cores."""
    return len(os.sched_getaffinity(0))


def check_device(device: Device, precision: Precision = "fp32") -> None:
    """`UserError` when the device is not here, or has no such precision."""
    kind = KINDS[device]
    if reason := kind.why_not():
        raise UserError(f"--device {device}: {reason}")
    if precision not in kind.PRECISIONS:
        able = ", ".join(kind.PRECISIONS)
        raise UserError(f"--precision {precision}: a {device} device has {able}")


def machine(device: Device) -> dict[str, Any]:
    """The fingerprint that runs must share to be compared: the machine's, and its device's."""
    facts = KINDS[device].facts()
    return readings.machine() | {f"{device}_{key}": value for key, value in facts.items()}


def start(
    request: Request,
    out: Path | None,
    data_dir: Path | None,
    source: Source = HERE,
    pairing: str = "",
) -> Session:
    """Begin a new run in `out` (default: runs/<time>) with the code and pins of `source`.

    pairing: the same text in runs that are measured interleaved, else empty.
    """
    check_device(request.device, request.precision)
    by_name = {work.name: work.base if isinstance(work, Search) else work for work in CATALOGUE}
    prepared = {name: prepare.prepare(by_name[name].data, data_dir) for name in request.tasks}
    now = datetime.now(UTC)
    path = out or RUNS / now.strftime("%Y%m%dT%H%M%SZ")
    about: dict[str, Any] = {
        "created": now.isoformat(timespec="seconds"),
        "command": " ".join(["bench", *sys.argv[1:]]),
        "request": asdict(request),
        "budget": asdict(PROFILES[request.profile].budget),
        "machine": machine(request.device),
        "datasets": {
            # Relative to the cache: a published run names no place on its machine.
            name: asdict(p)
            | {"folder": str(p.folder.relative_to(cache.root()))}
            | {"metric": by_name[name].metric, "target": prepare.target(by_name[name], p)}
            for name, p in prepared.items()
        },
    }
    if pairing:
        about["pairing"] = pairing
    return _session(Run.create(path, about), about, source)


def resume(out: Path | None) -> Session:
    """Open a run to finish it; without `out`, the newest under runs/."""
    if out is None:
        known = sorted(p.parent for p in RUNS.glob("*/run.json"))
        if not known:
            raise UserError("nothing to resume under runs/; name the run with --out")
        out = known[-1]
    run = Run.open(out)
    about = run.about()
    folders = {name: facts["folder"] for name, facts in about["datasets"].items()}
    for name, folder in folders.items():
        if not (cache.root() / folder).exists():
            raise UserError(f"the data of {name} is gone from the cache; start a new run")
    if about["machine"] != machine(about["request"]["device"]):
        raise UserError(
            f"{out} was begun on another machine or system; its launches cannot be mixed"
        )
    return _session(run, about)


def _session(run: Run, about: dict[str, Any], source: Source = HERE) -> Session:
    request = Request.from_dict(about["request"])
    sets = {name: DataSet(f["folder"], f["target"]) for name, f in about["datasets"].items()}
    contenders = {i.name: i for i in implementations() + tuners()}
    budget = Budget(**about["budget"])
    jobs = make_jobs(request, budget, sets, contenders)
    used = {job.framework for job in jobs}
    frameworks = {f: environments.describe(f, request.device, source) for f in used}
    return Session(run, request, jobs, frameworks, budget, sets, contenders)


def ready(implementation: Implementation, device: str) -> Environment:
    """The environment an implementation would run in."""
    return environments.describe(implementation.environment, device)
