"""Certificates, several at once: nothing in them is timed, so one may work beside another.

Each waits in a thread of its own for its worker; whoever asks gets the records in his own thread,
one after the other, as they are ready.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Event

from bench.machine import cores
from bench.records.record import Job, Record
from bench.run.process import GRACE_FRACTION, POLL_SECONDS, available_bytes

AT_ONCE_ON_A_DEVICE = 8  # not the CPU: what does not fit its memory is made again alone
ROOM_BYTES = 3 * 2**30  # of memory for each; of the catalogue's certificates few need 2 GiB
# What another process can be the cause of: made again alone.
MAYBE_THE_OTHERS = ("out-of-memory", "crash", "timeout")

Poll = Callable[[], None]
Start = Callable[[Job, int | None, Poll], Record]
"""(job, most bytes of memory or None for what there is, called several times a second) → record."""


class Abandoned(Exception):
    """Raised in a thread that waits for its worker, to end both."""


def at_once(job: Job) -> int:
    """How many such certificates: as many as cores that they run on and as memory has room for."""
    most = len(cores.chosen(job.cell.threads))
    if job.cell.device != "cpu":
        most = min(most, AT_ONCE_ON_A_DEVICE)
    return max(1, min(most, available_bytes() // ROOM_BYTES))


def together(
    jobs: Sequence[Job],
    start: Start,
    done: Callable[[Job, Record], None],
    polled: Callable[[Job], None],
    memory_limit_bytes: int | None = None,
) -> None:
    """Start every job and tell of its record. An error, Ctrl-C too, ends all workers first.

    start is called in other threads, done and polled in this one. Memory is shared out, and what
    failed as it may have by another's doing is made once more with nobody beside it.
    """
    most = min(at_once(jobs[0]), len(jobs)) if jobs else 1
    share = int(GRACE_FRACTION * available_bytes()) // most
    limit = memory_limit_bytes if memory_limit_bytes or most == 1 else share
    alone: list[Job] = []

    def first_try(job: Job, record: Record, crowded: bool) -> None:
        if crowded and record["launch"]["status"] in MAYBE_THE_OTHERS:
            alone.append(job)
        else:
            done(job, record)

    def second_try(job: Job, record: Record, crowded: bool) -> None:
        done(job, record)

    _some_at_once(jobs, most, partial(_with, start, limit), first_try, polled)
    _some_at_once(alone, 1, partial(_with, start, memory_limit_bytes), second_try, polled)


def _with(start: Start, limit: int | None, job: Job, poll: Poll) -> Record:
    return start(job, limit, poll)


def _some_at_once(
    jobs: Sequence[Job],
    most: int,
    start: Callable[[Job, Poll], Record],
    done: Callable[[Job, Record, bool], None],
    polled: Callable[[Job], None],
) -> None:
    """done: also told whether another worked at the same time."""
    stop = Event()

    def poll() -> None:
        if stop.is_set():
            raise Abandoned

    waiting = list(jobs)
    running: dict[Future[Record], Job] = {}
    crowded: set[str] = set()
    with ThreadPoolExecutor(most) as pool:
        try:
            while waiting or running:
                while waiting and len(running) < most:
                    job = _next(waiting, running.values())
                    waiting.remove(job)
                    running[pool.submit(start, job, poll)] = job
                if len(running) > 1:
                    crowded |= {job.id for job in running.values()}
                for future in wait(running, POLL_SECONDS, FIRST_COMPLETED).done:
                    job = running.pop(future)
                    done(job, future.result(), job.id in crowded)
                for job in running.values():
                    polled(job)
        finally:
            stop.set()  # those still at work end at their next poll; the pool waits for them


def _next(waiting: Sequence[Job], running: Collection[Job]) -> Job:
    """The first of a task that nobody is at: of the same task one finds the oracle's answers that
    another has computed, where both begin at once each computes them."""
    busy = {job.cell.task for job in running}
    return next((job for job in waiting if job.cell.task not in busy), waiting[0])
