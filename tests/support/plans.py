"""Plans and runs of contenders that are not in the catalogue, measured for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from adapters.base import Implementation
from bench.plan.jobs import make_jobs
from bench.plan.request import PROFILES, DataSet, Plan
from bench.records.record import Budget, Job, Request
from bench.records.store import Run
from bench.run.environments import PROJECT, Environment
from tasks.catalogue.every import CATALOGUE
from tasks.data.arrays import NAMES
from tests.support.records import about, run_file

READY = {"fake": Environment("fake", "ready", sys.executable)}
SMALL = replace(PROFILES["smoke"].budget, turns=3, slice_seconds=0.01, timeout_seconds=90.0)


def plan_of(
    request: Request,
    contenders: Iterable[Implementation],
    data: Path | str = "data",
    budget: Budget | None = None,
) -> Plan:
    """A plan with these contenders, all tasks on the same data."""
    return Plan(
        request,
        budget or PROFILES[request.profile].budget,
        dict.fromkeys(request.tasks, DataSet(str(data))),
        {one.name: one for one in contenders},
        {work.name: work for work in CATALOGUE if work.name in request.tasks},
    )


def begin(path: Path, plan: Plan, **changes: Any) -> tuple[Run, list[Job]]:
    """A new run directory of a plan, and its jobs; `changes` are of run.json."""
    raw = about(plan.request.tasks)
    raw |= {"request": asdict(plan.request), "budget": asdict(plan.budget), **changes}
    return Run.create(path, run_file(raw)), make_jobs(plan)


def write_images(folder: Path) -> Path:
    """640 + 64 learnable images of digits' shape, and 64 to test, as a runner prepares them."""
    rng = np.random.default_rng(0)
    for part, rows in (("train", 704), ("test", 64)):
        y = rng.integers(0, 10, rows).astype(np.int32)
        x = (rng.random((rows, 28, 28)) * 60 + 19 * y[:, None, None]).astype(np.uint8)
        np.save(folder / f"x_{part}.npy", x)
        np.save(folder / f"y_{part}.npy", y)
    (folder / "manifest.json").write_text(json.dumps({"scale": 1 / 255}))
    assert all((folder / f"{name}.npy").exists() for name in NAMES)
    return folder


def start_script(run: Run, jobs: list[Job]) -> subprocess.Popen[bytes]:
    """Run the jobs in a process of their own, as the command would, so that it can be killed."""
    code = f"""
import signal, sys
# Of a shell's background job it is ignored, which is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from bench.run.environments import Environment
from bench.records.record import Job
from bench.run.launches import run_jobs
from bench.records.store import Run
import json
jobs = [Job.from_dict(j) for j in json.loads(Path({str(run.path / "jobs.json")!r}).read_text())]
run = Run.open(Path({str(run.path)!r}))
with run.locked():
    run_jobs(run, jobs, {{"fake": Environment("fake", "ready", sys.executable)}})
"""
    (run.path / "jobs.json").write_text(json.dumps([job.as_dict() for job in jobs]))
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, start_new_session=True)
