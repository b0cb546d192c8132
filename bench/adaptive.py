"""Runs that go on until they know enough: more counterbalanced blocks where intervals are wide.

`next_jobs` is pure and looks at the records alone, block by block, so a killed and resumed run
plans the same blocks as one that was never stopped. A task is done when the 95 % interval of
each contender's training speed against the fastest has at most the asked half-width. Stopping
on the *width*, never on significance, leaves the verdicts' error rates as they are
(tests/test_coverage.py): looking again and again until something is significant would not.
The request's own launches are the pilot that says how long an added one trains (bench/pilot.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isnan, nan
from time import monotonic

from adapters import Implementation
from bench import pilot, stats, table, verdicts
from bench.metrics import metric
from bench.plan import DataSet, Request, block_jobs, pending
from bench.record import Budget, Job, Record, job_of
from bench.runner import run_jobs
from bench.session import Session
from bench.verdicts import SPEED, Groups, Side

FEWEST_BLOCKS = 5  # a width from fewer launches is itself too uncertain to stop on
MOST_BLOCKS = 200


def widest(groups: Groups, task: str) -> float:
    """The largest half-width of a task: each contender's speed against the fastest.

    A fraction of the ratio (0.02: ±2 %). NaN where a pair shares only one block; 0 where there
    are not two contenders to compare.
    """
    order = verdicts.best_first(groups, task)
    speeds = [Side(cell.contender, groups[cell]).values(metric(SPEED)) for cell in order]
    pairs = [s for s in speeds[1:] if s.keys() & speeds[0].keys()]
    widths = [verdicts.width(stats.paired_effect(s, speeds[0], logs=True)) for s in pairs]
    return nan if any(map(isnan, widths)) else max(widths, default=0.0)


def next_jobs(
    request: Request,
    budget: Budget,
    data: Mapping[str, DataSet],
    implementations: Mapping[str, Implementation],
    records: Mapping[str, Record],
) -> list[Job]:
    """The jobs of the next block that is not yet whole; empty when every task is done."""
    if request.until is None:
        return []
    for block in range(request.launches, MOST_BLOCKS):
        earlier = [r for r in records.values() if job_of(r).block < block]
        groups = table.by_cell(earlier)
        tasks = [
            t
            for t in request.tasks
            if verdicts.best_first(groups, t)
            and (block < FEWEST_BLOCKS or not widest(groups, t) <= request.until)
        ]
        first = table.by_cell([r for r in earlier if job_of(r).block < request.launches])
        jobs = [
            job
            for t in tasks
            for job in block_jobs(
                request, t, block, pilot.longer(budget, pilot.of_task(first, t)), data,
                implementations,
            )
        ]  # fmt: skip
        if not jobs or pending(jobs, records):
            return jobs
    return []


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
    groups = table.by_cell(list(session.run.records().values()))
    first = [r for g in groups.values() for r in g if job_of(r).block < session.request.launches]
    lines = []
    for task in session.request.tasks if until is not None else ():
        if found_pilot := pilot.of_task(table.by_cell(first), task):
            lines.append(pilot.sentence(task, found_pilot))
        if not (found := widest(groups, task)) <= (until or 0.0):
            now = "one launch" if isnan(found) else f"±{found:.1%}"
            lines.append(f"{task}: {now} is wider than the ±{until:.1%} asked for")
    return lines
