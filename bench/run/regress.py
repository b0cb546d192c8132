"""Two revisions, or two versions of a framework, measured in the same sittings on one machine.

Each side is a run directory of its own, with its own code and environments; the contenders of
both take turns in one sitting, so both meet the same machine and `bench compare` pairs them turn
by turn.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial

from bench.discover import implementations
from bench.plan.jobs import pending
from bench.records.record import Job
from bench.records.schema import Launch
from bench.run import environments
from bench.run.environments import Source
from bench.run.launches import Events, clean, keep, run_jobs, same_sitting
from bench.run.pins import package
from bench.run.session import Session
from bench.run.sitting import Seat, sit
from tasks.errors import UserError


def affected(sources: Mapping[str, Source], device: str) -> list[str]:
    """The implementations whose environment holds a pinned package; all when none is pinned.

    `UserError` when a pinned package is in no framework's group.
    """
    pinned = {package(pin) for source in sources.values() for pin in source.pins}
    found: dict[str, set[str]] = {}
    for i in implementations():
        mine = {package(r) for r in environments.requirements(i.environment, device)}
        if not pinned or pinned & mine:
            found[i.name] = pinned & mine
    if unknown := pinned - set().union(*found.values()):
        raise UserError(f"no framework's pins name {', '.join(sorted(unknown))}")
    return list(found)


def interleave(sides: Mapping[str, Session], on_done: Callable[[str, Job, Launch], None]) -> None:
    """Certificates side by side, then sittings that hold both sides; who starts first alternates.
    `on_done` gets the side."""
    with ExitStack() as locks:
        for name, session in sides.items():
            locks.enter_context(session.run.locked())
            certificates = [job for job in session.jobs if job.kind != "measure"]
            run_jobs(
                session.run, certificates, session.frameworks, Events(partial(on_done, name)),
            )  # fmt: skip
        waiting = _waiting(sides)
        while any(waiting.values()):
            first = next(jobs[0] for jobs in waiting.values() if jobs)
            _sitting_of_both(sides, waiting, first, on_done)
        for session in sides.values():
            shutil.rmtree(session.run.path / "tmp", ignore_errors=True)


def _waiting(sides: Mapping[str, Session]) -> dict[str, list[Job]]:
    """Side → jobs to do. Of a sitting that one side has and the other has not, both are done anew:
    they are compared turn by turn."""
    waiting = {name: pending(session.jobs, clean(session.run)) for name, session in sides.items()}
    open_ = [job for jobs in waiting.values() for job in jobs]
    for name, session in sides.items():
        known = session.run.records()
        for job in session.jobs:
            if job.id in known and any(same_sitting(job, other) for other in open_):
                session.run.remove(job.id)
        waiting[name] = pending(session.jobs, session.run.records())
    return waiting


def _sitting_of_both(
    sides: Mapping[str, Session],
    waiting: dict[str, list[Job]],
    first: Job,
    on_done: Callable[[str, Job, Launch], None],
) -> None:
    """One sitting: the jobs of every side that belong to it, taken from `waiting`."""
    names: list[str] = []
    seats: list[Seat] = []
    for name in [*sides][:: -1 if first.block % 2 else 1]:
        session = sides[name]
        together = [job for job in waiting[name] if same_sitting(first, job)]
        waiting[name] = [job for job in waiting[name] if not same_sitting(first, job)]
        seats += [Seat(session.run, job, session.frameworks[job.framework]) for job in together]
        names += [name] * len(together)
    for name, seat, record in zip(names, seats, sit(seats), strict=True):
        on_done(name, seat.job, keep(seat.run, seat.job, record))
