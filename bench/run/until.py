"""Going on with an adaptive run: blocks are added until every task is done or time is spent."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from time import monotonic

from bench.plan import pilot
from bench.plan.adaptive import next_jobs, widest
from bench.records import tidy
from bench.records.record import Job, Record, job_of
from bench.run.launches import run_jobs
from bench.run.session import Session


def go_on(session: Session, started: float, on_done: Callable[[Job, Record], None]) -> None:
    """Add blocks until every task is done or the request's seconds, counted from `started`
    (`time.monotonic`), are spent; the block under way then is finished."""
    seconds = session.request.budget_seconds
    while seconds is None or monotonic() - started < seconds:
        jobs = _next(session)
        if not jobs:
            return
        run_jobs(session.run, jobs, session.frameworks, on_done)


def _next(session: Session) -> list[Job]:
    return next_jobs(
        session.request, session.budget, session.data, session.implementations,
        session.run.records(),
    )  # fmt: skip


def open_tasks(session: Session) -> list[str]:
    """Of each task: where its noise lives, and whether its interval is still too wide."""
    until = session.request.until
    groups = tidy.by_cell(list(session.run.records().values()))
    first = [r for g in groups.values() for r in g if job_of(r).block < session.request.launches]
    lines = []
    for task in session.request.tasks if until is not None else ():
        if found_pilot := pilot.of_task(tidy.by_cell(first), task):
            lines.append(pilot.sentence(task, found_pilot))
        if not (found := widest(groups, task)) <= (until or 0.0):
            now = "one launch" if isnan(found) else f"±{found:.1%}"
            lines.append(f"{task}: {now} is wider than the ±{until:.1%} asked for")
    return lines
