"""Starts workers, one at a time, and turns every way they can end into a record."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import monotonic
from typing import IO

from bench.machine import cores
from bench.machine.cores import pinned
from bench.machine.devices.kinds import KINDS, Watch
from bench.plan.jobs import pending
from bench.proof.plausible import implausible
from bench.records.beside import CeilingFile
from bench.records.metrics import WORK_METRICS
from bench.records.record import DIED, Job, Outcome, Record, failure_record
from bench.records.schema import Launch
from bench.records.store import Run, write_atomically
from bench.run import environments
from bench.run.ceiling import best
from bench.run.environments import Environment
from bench.run.variables import fresh_caches, worker_variables
from tasks.data import cache
from tasks.errors import UserError

POLL_SECONDS = 0.2
_GRACE_FRACTION = 0.9  # of the machine's free memory: above it a worker is stopped


def run_jobs(
    run: Run,
    jobs: Sequence[Job],
    frameworks: Mapping[str, Environment],
    on_done: Callable[[Job, Launch], None] = lambda job, launch: None,
    memory_limit_bytes: int | None = None,
    on_poll: Callable[[Job], None] = lambda job: None,
) -> None:
    """Do every job that has no record yet. `frameworks`: environment by framework.

    on_poll is called several times a second while a job runs. Jobs behind a certificate that did
    not pass are not run: the certificate's record says why.
    """
    launches = run.records()
    shutil.rmtree(run.path / "tmp", ignore_errors=True)  # what a killed run left half done
    (run.path / "tmp").mkdir()
    while waiting := pending(jobs, launches):
        job = waiting[0]
        environment = frameworks[job.framework]
        if environment.status == "ready":
            start = launch_search if job.kind == "search" else launch
            record = start(run, job, environment, memory_limit_bytes, partial(on_poll, job))
        else:
            record = failure_record(job, Outcome("uninstallable", environment.reason))
        launches[job.id] = _kept(run, job, record)
        on_done(job, launches[job.id])
    shutil.rmtree(run.path / "tmp", ignore_errors=True)


def _kept(run: Run, job: Job, record: Record) -> Launch:
    """The record as written. What a worker answered that fits no record is one with a reason, and
    so is a speed that this machine cannot reach, which is then no result."""
    try:
        launch = run.add(job.id, record)
    except UserError as error:
        return run.add(job.id, failure_record(job, Outcome("error", str(error))))
    most = best(run.beside("ceiling.json", CeilingFile), job.cell.precision)
    rates = [rate for m in WORK_METRICS if (rate := m.read(launch)) is not None]
    reason = implausible(max(rates, default=0.0), most.flops if most else None)
    return run.add(job.id, failure_record(job, Outcome("unverified", reason))) if reason else launch


def launch(
    run: Run,
    job: Job,
    environment: Environment,
    memory_limit_bytes: int | None = None,
    poll: Callable[[], None] = lambda: None,
) -> Record:
    """One worker process from start to record; never raises for what the worker does."""
    answer = run.answer_path(job.id).absolute()  # the worker stands in another folder
    question = answer.with_suffix(".job")
    question.write_text(json.dumps(job.as_dict()))
    limit = memory_limit_bytes or int(_GRACE_FRACTION * _available_bytes())
    with open(run.logs / f"{job.id}.log", "w") as log:
        process = _start(run, job, environment, question, answer, log)
        device = Watch(KINDS[job.cell.device], process.pid)
        try:
            stopped = _watch(process, job.budget.timeout_seconds, limit, poll, device)
            used = device.found()
        finally:
            _kill(process)
    record = _read(job, answer, process.returncode, stopped, run.logs / f"{job.id}.log")
    for path in (question, answer, answer.with_suffix(".rounds")):
        path.unlink(missing_ok=True)
    shutil.rmtree(answer.with_suffix(".caches"), ignore_errors=True)
    if used:
        record["launch"]["device_use"] = used
    return record


def _start(
    run: Run, job: Job, environment: Environment, question: Path, answer: Path, log: IO[str]
) -> subprocess.Popen[bytes]:
    """The worker, pinned to the cores that every contender gets, with nothing compiled before."""
    keeps = environments.keeps(job.framework)
    variables = worker_variables(job.cell.threads, environment.project, job.division, keeps)
    variables |= fresh_caches(answer.with_suffix(".caches"))
    variables |= {"BENCH_CACHE": str(cache.root()), "BENCH_SEARCHES": str(run.searches.absolute())}
    with pinned(cores.chosen(job.cell.threads)):
        return subprocess.Popen(
            [environment.python, "-m", "bench.worker.launch", str(question), str(answer)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=run.path / "tmp",
            env=variables,
            start_new_session=True,
        )


def launch_search(
    run: Run,
    job: Job,
    environment: Environment,
    memory_limit_bytes: int | None = None,
    poll: Callable[[], None] = lambda: None,
) -> Record:
    """`launch`, again after each trial that took its process with it: that trial is noted as
    failed and the search goes on. Ends, because every new start is paid for by one trial."""
    while True:
        record = launch(run, job, environment, memory_limit_bytes, poll)
        outcome = Outcome(record["launch"]["status"], record["launch"]["reason"])
        if outcome.status not in ("crash", "out-of-memory"):
            return record
        noted = run.searches / job.id / DIED
        if not noted.parent.exists():  # it did not come as far as the search
            return record
        if noted.exists():  # nor to a trial that it could be: it would die so for ever
            noted.unlink()
            return record
        write_atomically(noted, json.dumps(asdict(outcome)))


def _watch(
    process: subprocess.Popen[bytes],
    seconds: float,
    memory: int,
    poll: Callable[[], None],
    device: Watch,
) -> Outcome | None:
    """Wait for the worker; the outcome when it had to be stopped, else None."""
    deadline = monotonic() + seconds
    while True:
        try:
            process.wait(POLL_SECONDS)
            return None
        except subprocess.TimeoutExpired:
            poll()
        device.look()
        if monotonic() > deadline:
            return Outcome("timeout", f"stopped after {seconds:.0f} s")
        if (used := _resident_bytes(process.pid)) > memory:
            return Outcome(
                "out-of-memory", f"stopped at {used / 2**30:.1f} GiB (limit {memory / 2**30:.1f})"
            )


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(job: Job, answer: Path, code: int, stopped: Outcome | None, log: Path) -> Record:
    if stopped is not None:
        return failure_record(job, stopped)
    try:
        record: Record = json.loads(answer.read_text())
        if record["launch"]["job"]["id"] == job.id:
            return record
    except (OSError, ValueError, KeyError, TypeError):
        pass
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    lines = [x.strip() for x in log.read_text(errors="replace").splitlines() if x.strip()]
    last = f": {lines[-1][:200]}" if lines else ""
    return failure_record(job, Outcome("crash", f"the worker died with {how}{last}"))


def _resident_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _available_bytes() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
