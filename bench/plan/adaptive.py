"""Runs that go on until they know enough: more counterbalanced blocks where intervals are wide.

`next_jobs` is pure and looks at the records alone, block by block, so a killed and resumed run
plans the same blocks as one that was never stopped. A task is done when the 95 % interval of
each contender's training speed against the fastest has at most the asked half-width. Stopping
on the *width*, never on significance, leaves the verdicts' error rates as they are
(tests/bench/test_coverage.py): looking again and again until something is significant would not.
The request's own launches are the pilot that says how long an added one trains
(bench/plan/pilot.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan, nan

from adapters.base import Implementation
from bench import stats
from bench.judge import questions
from bench.judge.questions import SPEED, Groups, Side
from bench.plan import pilot
from bench.plan.jobs import block_jobs, pending
from bench.plan.request import DataSet, Request
from bench.records import tidy
from bench.records.metrics import metric
from bench.records.record import Budget, Job, Record, job_of

FEWEST_BLOCKS = 5  # a width from fewer launches is itself too uncertain to stop on
MOST_BLOCKS = 200


def widest(groups: Groups, task: str) -> float:
    """The largest half-width of a task: each contender's speed against the fastest.

    A fraction of the ratio (0.02: ±2 %). NaN where a pair shares only one block; 0 where there
    are not two contenders to compare.
    """
    order = questions.best_first(groups, task)
    speeds = [Side(cell.contender, groups[cell]).values(metric(SPEED)) for cell in order]
    pairs = [s for s in speeds[1:] if s.keys() & speeds[0].keys()]
    widths = [questions.width(stats.paired_effect(s, speeds[0], logs=True)) for s in pairs]
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
        groups = tidy.by_cell(earlier)
        tasks = [
            t
            for t in request.tasks
            if questions.best_first(groups, t)
            and (block < FEWEST_BLOCKS or not widest(groups, t) <= request.until)
        ]
        first = tidy.by_cell([r for r in earlier if job_of(r).block < request.launches])
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
