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

from dataclasses import replace
from math import isnan, nan

from bench import stats
from bench.judge import questions
from bench.judge.divisions import contests
from bench.plan import pilot
from bench.plan.jobs import block_jobs, pending
from bench.plan.request import Plan
from bench.records.metrics import SPEED
from bench.records.record import Job
from bench.records.results import Results

FEWEST_BLOCKS = 5  # a width from fewer launches is itself too uncertain to stop on
MOST_BLOCKS = 200


def widest(results: Results, task: str) -> float:
    """The largest half-width of a task: each contender's speed against its division's fastest.

    A fraction of the ratio (0.02: ±2 %). NaN where a pair shares only one block; 0 where there
    are not two contenders to compare.
    """
    widths: list[float] = []
    for contest in contests(results, task):
        speeds = [result.values(SPEED) for result in questions.best_first(results, contest)]
        pairs = [s for s in speeds[1:] if s.keys() & speeds[0].keys()]
        widths += [questions.width(stats.paired_effect(s, speeds[0], logs=True)) for s in pairs]
    return nan if any(map(isnan, widths)) else max(widths, default=0.0)


def next_jobs(plan: Plan, results: Results) -> list[Job]:
    """The jobs of the next block that is not yet whole; empty when every task is done."""
    request = plan.request
    if request.until is None:
        return []
    for block in range(request.launches, MOST_BLOCKS):
        earlier = _before(results, block)
        tasks = [t for t in request.tasks if _open(earlier, t, block, request.until)]
        first = _before(results, request.launches)
        jobs = [
            job
            for t in tasks
            for job in block_jobs(
                replace(plan, budget=pilot.longer(plan.budget, pilot.of_task(first, t))), t, block
            )
        ]
        if not jobs or pending(jobs, results.by_id):
            return jobs
    return []


def _before(results: Results, block: int) -> Results:
    return results.with_launches(x for x in results.launches if x.job.block < block)


def _open(results: Results, task: str, block: int, until: float) -> bool:
    if not any(questions.best_first(results, contest) for contest in contests(results, task)):
        return False
    return block < FEWEST_BLOCKS or not widest(results, task) <= until
