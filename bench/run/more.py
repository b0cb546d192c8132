"""Going on with a run where doubt is left, until all is decided or its time is spent."""

from __future__ import annotations

from time import monotonic

from bench.judge import looks
from bench.plan.more import next_sitting, sitting_seconds
from bench.records.results import Results
from bench.run.launches import NOBODY, Events, run_jobs
from bench.run.session import Session


def go_on(session: Session, started: float, events: Events = NOBODY) -> None:
    """Add sittings until every question is answered or the request's seconds, counted from
    `started` (`time.monotonic`), would be exceeded by the next."""
    budget = session.request.budget_seconds
    while budget is not None:
        results = Results.read(session.run)
        jobs = next_sitting(session.plan, results, looks.open_questions(results))
        if not jobs:
            return
        if monotonic() - started + sitting_seconds(results, jobs[0].cell.task) > budget:
            return
        limit = session.request.memory_limit_bytes
        run_jobs(session.run, jobs, session.frameworks, events, limit)
