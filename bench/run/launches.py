"""Does a plan's jobs: certificates several at once, searches one at a time, measurements a sitting
at a time. Every way a worker can end is a record."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from bench.plan.again import again
from bench.plan.jobs import Done, pending
from bench.proof.plausible import implausible
from bench.records.beside import CeilingFile
from bench.records.metrics import WORK_METRICS
from bench.records.record import DIED, Job, Outcome, Record, failure_record
from bench.records.schema import Launch
from bench.records.store import Run, write_atomically
from bench.run import kept, offspring
from bench.run.ceiling import best
from bench.run.environments import Environment
from bench.run.process import Worker
from bench.run.sitting import OnTurn, Seat, sit
from bench.run.together import together
from tasks.errors import UserError


@dataclass(frozen=True)
class Events:
    """Whom the runner tells what it does, from one thread. done: a job is, with its record. polled:
    several times a second for each job that runs outside a sitting. turned: phase, turns that
    count, wanted; after each turn of a sitting. sat: a sitting of this task is over."""

    done: Callable[[Job, Launch], None] = lambda job, launch: None
    polled: Callable[[Job], None] = lambda job: None
    turned: OnTurn = lambda phase, done, wanted: None
    sat: Callable[[str], None] = lambda task: None


NOBODY = Events()


def run_jobs(
    run: Run,
    jobs: Sequence[Job],
    frameworks: Mapping[str, Environment],
    events: Events = NOBODY,
    memory_limit_bytes: int | None = None,
    certify_anew: bool = True,
) -> None:
    """Do every job that has no record yet. `frameworks`: environment by framework.

    certify_anew: False takes certificates that were made before of the same code, work and
    packages (`bench.run.kept`). Jobs behind a certificate that did not pass are not run: the
    certificate's record says why.
    """
    launches = clean(run)

    def done(job: Job, record: Record) -> None:
        launch = keep(run, job, record)
        launches[job.id] = Done.of(launch)
        events.done(job, launch)

    def start(job: Job, limit: int | None, poll: Callable[[], None]) -> Record:
        shared = memory_limit_bytes is None
        return _alone(run, job, frameworks[job.framework], limit, poll, shared)

    while waiting := pending(jobs, launches):
        first = waiting[0]
        if first.kind == "certify":
            certificates = [job for job in waiting if job.kind == "certify"]
            for job in [] if certify_anew else certificates:
                if (record := _kept(job, frameworks[job.framework])) is not None:
                    done(job, record)
            anew = [job for job in certificates if job.id not in launches]
            together(anew, start, done, events.polled, memory_limit_bytes)
        elif first.kind == "search":
            done(first, start(first, memory_limit_bytes, partial(events.polled, first)))
        else:
            sitting = whole_sitting(run, jobs, first, launches)
            seats = [Seat(run, job, frameworks[job.framework]) for job in sitting]
            for job, record in zip(
                sitting, sit(seats, memory_limit_bytes, events.turned), strict=True
            ):
                done(job, record)
            events.sat(first.cell.task)
    shutil.rmtree(run.path / "tmp", ignore_errors=True)


def clean(run: Run) -> dict[str, Done]:
    """Job id → what was done, of a run that may have been killed. What was half written is thrown
    away."""
    shutil.rmtree(run.path / "tmp", ignore_errors=True)
    (run.path / "tmp").mkdir()
    run.sweep()
    offspring.end(offspring.of_run(run.path))  # of a runner that was killed
    return {name: Done.of(launch) for name, launch in run.each()}


def forget_outer(run: Run, jobs: Sequence[Job], frameworks: Mapping[str, Environment]) -> list[Job]:
    """Throw away the records of what failed for an outer reason, so that it is tried again."""
    ready = {name for name, environment in frameworks.items() if environment.status == "ready"}
    found = again(jobs, run.records(), ready)
    for job in found:
        run.remove(job.id)
    return found


def whole_sitting(
    run: Run, jobs: Sequence[Job], first: Job, launches: dict[str, Done]
) -> list[Job]:
    """The jobs of a sitting of which `first` waits. Records of it that are there are of a sitting
    that was not finished, or of one where somebody failed: they are thrown away, because the
    contenders of a sitting are compared turn by turn."""
    others = {name: x for name, x in launches.items() if not same_sitting(first, x)}
    sitting = [job for job in pending(jobs, others) if same_sitting(first, job)]
    for job in sitting:
        if launches.pop(job.id, None) is not None:
            run.remove(job.id)
    return sitting


def same_sitting(first: Job | Done, job: Job | Done) -> bool:
    """Whether two jobs are measured together."""

    def sitting(one: Job | Done) -> tuple[object, ...]:
        cell = one.cell
        return one.kind, cell.task, one.block, one.repeat, cell.device, cell.precision, cell.threads

    return sitting(job) == sitting(first)


def _alone(
    run: Run,
    job: Job,
    environment: Environment,
    memory_limit_bytes: int | None,
    poll: Callable[[], None],
    shared: bool,
) -> Record:
    if environment.status != "ready":
        return failure_record(job, Outcome("uninstallable", environment.reason))
    start = launch_search if job.kind == "search" else launch
    record = start(run, job, environment, memory_limit_bytes, poll, shared)
    if job.kind == "certify":
        kept.keep(job, environment, record)
    return record


def _kept(job: Job, environment: Environment) -> Record | None:
    ready = job.kind == "certify" and environment.status == "ready"
    return kept.take(job, environment) if ready else None


def keep(run: Run, job: Job, record: Record) -> Launch:
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
    shared: bool = False,
) -> Record:
    """One worker process from start to record; never raises for what the worker does."""
    with Worker(run, job, environment, memory_limit_bytes, poll, shared=shared) as worker:
        worker.wait()
        return worker.record()


def launch_search(
    run: Run,
    job: Job,
    environment: Environment,
    memory_limit_bytes: int | None = None,
    poll: Callable[[], None] = lambda: None,
    shared: bool = False,
) -> Record:
    """`launch`, again after each trial that took its process with it: that trial is noted as
    failed and the search goes on. Ends, because every new start is paid for by one trial."""
    while True:
        record = launch(run, job, environment, memory_limit_bytes, poll, shared)
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
