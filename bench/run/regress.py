"""Two revisions, or two versions of a framework, measured interleaved on one machine.

Each side is a run directory of its own, with its own code and environments; every launch of one
side stands beside the same launch of the other, first and second by turns, so both meet the same
machine and `bench compare` pairs them by block.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from bench.discover import implementations
from bench.records.record import Job
from bench.records.schema import Launch
from bench.run import environments
from bench.run.environments import PROJECT, Source
from bench.run.launches import run_jobs
from bench.run.session import Session
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
    if not (place / "bench" / "worker" / "launch.py").exists():
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
    """Run both sides' jobs pair by pair; who goes first alternates. `on_done` gets the side."""
    names = list(sides)
    with ExitStack() as locks:
        for session in sides.values():
            locks.enter_context(session.run.locked())
        pairs = zip(*(session.jobs for session in sides.values()), strict=True)
        for number, pair in enumerate(pairs):
            order = list(zip(names, pair, strict=True))
            for name, job in order[::-1] if number % 2 else order:
                session = sides[name]
                run_jobs(
                    session.run,
                    [job],
                    session.frameworks,
                    lambda job, launch, name=name: on_done(name, job, launch),  # type: ignore[misc]
                )
