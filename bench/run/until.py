"""Going on with an adaptive run: blocks are added until every task is done or time is spent."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from time import monotonic

from bench.plan import pilot
from bench.plan.adaptive import next_jobs, widest
from bench.records.record import Job
from bench.records.results import Results
from bench.records.schema import Launch
from bench.run.launches import run_jobs
from bench.run.session import Session


def go_on(session: Session, started: float, on_done: Callable[[Job, Launch], None]) -> None:
    """Add blocks until every task is done or the request's seconds, counted from `started`
    (`time.monotonic`), are spent; the block under way then is finished."""
    seconds = session.request.budget_seconds
    while seconds is None or monotonic() - started < seconds:
        jobs = next_jobs(session.plan, Results.read(session.run))
        if not jobs:
            return
        run_jobs(session.run, jobs, session.frameworks, on_done)


def open_tasks(session: Session) -> list[str]:
    """Of each task: where its noise lives, and whether its interval is still too wide."""
    until, launches = session.request.until, session.request.launches
    if until is None:
        return []
    results = Results.read(session.run)
    first = results.with_launches(x for x in results.launches if x.job.block < launches)
    lines = []
    for task in session.request.tasks:
        noise, half_width = pilot.of_task(first, task), widest(results, task)
        if noise is not None:
            lines.append(pilot.sentence(task, noise))
        if not half_width <= until:
            now = "one launch" if isnan(half_width) else f"±{half_width:.1%}"
            lines.append(f"{task}: {now} is wider than the ±{until:.1%} asked for")
    return lines
