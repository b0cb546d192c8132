"""Two revisions, or two versions of a framework, measured in the same sittings on one machine.

Each side is a run directory of its own, with its own code and environments; the contenders of
both take turns in one sitting, so both meet the same machine and `bench compare` pairs them turn
by turn.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.discover import implementations
from bench.plan.jobs import pending
from bench.records.record import Job
from bench.records.schema import Launch
from bench.run import environments
from bench.run.environments import PROJECT, Source
from bench.run.launches import Events, clean, keep, run_jobs, same_sitting
from bench.run.session import Session
from bench.run.sitting import Seat, sit
from tasks.data import cache
from tasks.errors import UserError

WORKING_TREE = "."


def source_of(spec: str) -> Source:
    """What `--base` or `--new` names: "." (this checkout), a git revision, or pins such as
    "torch==2.12.0" (commas between several). `UserError` when it is none of them."""
    if spec == WORKING_TREE:
        return environments.HERE
    if "==" in spec:
        return Source(PROJECT, tuple(part.strip() for part in spec.split(",") if part.strip()))
    return Source(_checkout(spec))


def _checkout(revision: str) -> Path:
    """The files of a revision, unpacked in the cache; the repository itself is not touched."""
    commit = _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    place = cache.root() / "revisions" / commit
    if not (place / "pyproject.toml").exists():
        with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", commit))) as files:
            files.extractall(place, filter="data")
    if not (place / "bench" / "worker" / "turns.py").exists():
        raise UserError(f"{revision} has a worker of an older kind, which takes no job of today's")
    return place


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(PROJECT), *arguments], capture_output=True, check=False)
    if done.returncode:
        raise UserError(
            f"git {arguments[0]} failed for {arguments[-1]!r}: name a revision of this "
            "repository, a pin like torch==2.12.0, or . for this checkout"
        )
    return done.stdout


def affected(sources: Mapping[str, Source], device: str) -> list[str]:
    """The implementations whose environment holds a pinned package; all when none is pinned.

    `UserError` when a pinned package is in no framework's group.
    """
    pinned = {environments.package(pin) for source in sources.values() for pin in source.pins}
    found: dict[str, set[str]] = {}
    for i in implementations():
        mine = {environments.package(r) for r in environments.requirements(i.environment, device)}
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
        waiting = {
            name: [job for job in pending(session.jobs, clean(session.run, session.jobs))]
            for name, session in sides.items()
        }
        while any(waiting.values()):
            first = next(jobs[0] for jobs in waiting.values() if jobs)
            _sitting_of_both(sides, waiting, first, on_done)
        for session in sides.values():
            shutil.rmtree(session.run.path / "tmp", ignore_errors=True)


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
