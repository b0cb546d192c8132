"""Going on with a run where doubt is left, until all is decided or its time is spent."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from bench.judge import looks
from bench.plan.more import next_sitting, sitting_seconds
from bench.records.record import Job
from bench.records.results import Results
from bench.records.schema import Launch
from bench.run.launches import run_jobs
from bench.run.session import Session
from bench.run.sitting import OnTurn


def go_on(
    session: Session,
    started: float,
    on_done: Callable[[Job, Launch], None],
    on_turn: OnTurn = lambda phase, done, wanted: None,
) -> None:
    """Add sittings until every question is answered or the request's seconds, counted from
    `started` (`time.monotonic`), would be exceeded by the next."""
    limit = session.request.budget_seconds
    while limit is not None:
        results = Results.read(session.run)
        jobs = next_sitting(session.plan, results, looks.open_questions(results))
        if not jobs:
            return
        if monotonic() - started + sitting_seconds(results, jobs[0].cell.task) > limit:
            return
        run_jobs(session.run, jobs, session.frameworks, on_done, on_turn=on_turn)
