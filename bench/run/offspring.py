"""Processes of a worker that left its group: found by a variable that only they inherit.

A worker is a session of its own, and its end is that of its group. A process that it has started in
another session would outlive it, and a killed runner leaves it behind.
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

NAME = "BENCH_WORKER"
PROC = Path("/proc")


def of_run(run: Path) -> str:
    """The beginning of the mark of all workers of a run."""
    return hashlib.sha256(os.fsencode(run.resolve())).hexdigest()[:16]


def mark(run: Path, job: str) -> str:
    """The value of `NAME` of one worker."""
    return f"{of_run(run)}-{hashlib.sha256(job.encode()).hexdigest()[:16]}"


def marked(beginning: str) -> Iterator[int]:
    """Processes with such a mark that this user may look at."""
    wanted = f"{NAME}={beginning}".encode()
    for folder in PROC.glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes()
        except OSError:
            continue  # it has ended, or is another user's
        if any(one.startswith(wanted) for one in variables.split(b"\0")):
            yield int(folder.name)


def end(beginning: str) -> list[int]:
    """Kill them, until there is none: one may have started another meanwhile."""
    ended: list[int] = []
    for _ in range(5):
        found = [pid for pid in marked(beginning) if pid != os.getpid()]
        if not found:
            break
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        ended += found
    return ended
