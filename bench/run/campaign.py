"""A campaign: all precisions of a device, certificates first, as far as the time that there is.

For a machine that is lent for minutes. Each precision is a run of its own in a folder of the
campaign, so a stopped campaign goes on where it was, and reports are made elsewhere. Sittings come
in the order of their worth: every task once before any task twice, the first precision before the
next. A sitting that would end too late is not begun; what could not be done is said.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from time import monotonic

from bench.records.record import Job
from bench.records.store import Run
from bench.run import ceiling
from bench.run.launches import Events, run_jobs
from bench.run.session import Session


@dataclass(frozen=True)
class Step:
    """Jobs that are done together: the certificates of a task, or a sitting."""

    session: Session
    jobs: tuple[Job, ...]

    @property
    def name(self) -> str:
        """What is said of it."""
        job = self.jobs[0]
        what = "certificates" if job.kind == "certify" else f"sitting {job.block + 1}"
        return f"{job.cell.precision} {job.cell.task} {what}"

    @property
    def like(self) -> tuple[str, str]:
        """Steps with the same take about as long."""
        return self.jobs[0].kind, self.jobs[0].cell.task


def steps(sessions: Sequence[Session]) -> list[Step]:
    """All of a campaign in the order of its worth. Pure."""
    certificates = [s for one in sessions for s in _grouped(one, "certify")]
    sittings = [s for one in sessions for s in _grouped(one, "measure")]
    return certificates + sittings


def _grouped(session: Session, kind: str) -> Iterator[Step]:
    jobs = [job for job in session.jobs if job.kind == kind]
    for _, together in groupby(jobs, key=lambda job: (job.block, job.cell.task)):
        yield Step(session, tuple(together))


@dataclass
class Deadline:
    """The seconds that are left, and what steps have taken so far."""

    ends: float
    longest: dict[tuple[str, str], float] = field(default_factory=dict)
    now: Callable[[], float] = monotonic

    def allows(self, step: Step) -> bool:
        """Whether a step would end in time, as far as those before it tell."""
        kind = step.like[0]
        alike = [seconds for like, seconds in self.longest.items() if like[0] == kind]
        expected = self.longest.get(step.like, max(alike, default=0.0))
        return self.now() + expected <= self.ends

    def took(self, step: Step, seconds: float) -> None:
        """Remember how long a step took."""
        self.longest[step.like] = max(seconds, self.longest.get(step.like, 0.0))


Watching = Callable[[Session], Events]


def run(
    sessions: Sequence[Session], budget_seconds: float, say: Callable[[str], None], watch: Watching
) -> list[str]:
    """Do as much as fits; the names of the steps that were left out. Steps that an earlier call
    has done take no time and are not said."""
    deadline = Deadline(monotonic() + budget_seconds)
    left: list[str] = []
    for step in steps(sessions):
        known = step.session.run.records()
        if all(job.id in known for job in step.jobs):
            continue
        if not deadline.allows(step):
            left.append(step.name)
            continue
        started = monotonic()
        say(step.name)
        run_jobs(
            step.session.run, step.jobs, step.session.frameworks, watch(step.session),
            certify_anew=False,
        )  # fmt: skip
        deadline.took(step, monotonic() - started)
        if step.jobs[0].kind == "certify":
            continue
        _ceiling(sessions, step.session, say)
    return left


def _ceiling(sessions: Sequence[Session], session: Session, say: Callable[[str], None]) -> None:
    """Of the first precision that sat; it has the rates of all, so the other runs get a copy."""
    known = [one.run for one in sessions if (one.run.path / ceiling.FILE).exists()]
    if not known:
        ceiling.measure(session.run, session.request, session.frameworks, say)
    elif session.run not in known:
        _copy(known[0], session.run)


def _copy(source: Run, to: Run) -> None:
    shutil.copyfile(source.path / ceiling.FILE, to.path / ceiling.FILE)
