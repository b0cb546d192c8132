"""A sitting: all contenders of a task alive at once, measured in turns.

They start one after the other, each alone: cold start and learning are timed with everybody else
stopped. Then, phase by phase, whoever is not on turn is stopped as a group of processes (thread
pools spin after their work and would take the next one's cores). On a device that is not the CPU
nobody is stopped: a kernel in flight cannot be. bench/plan/turns.py says who is next and which
turns count; what the worker does is bench/worker/turns.py.
"""

from __future__ import annotations

import select
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from time import perf_counter, sleep
from typing import get_args

from bench.machine import cores
from bench.machine.meter import Meter
from bench.plan.turns import Turn, enough, settled, williams
from bench.records.parts import Phase
from bench.records.record import Job, Outcome, Record, failure_record
from bench.records.store import Run
from bench.run.environments import Environment
from bench.run.process import Worker

PHASES = tuple(phase for phase in get_args(Phase) if phase != "learn")
OnTurn = Callable[[str, int, int], None]
PAUSE_SECONDS = 0.1  # after a disturbed turn, before it is taken again


class Member:
    """One contender of a sitting: works when it is asked to, and is stopped else."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.stops = worker.job.cell.device == "cpu"
        self.heard = b""
        self.alive = True

    def work(self, word: str = "") -> bool:
        """Say a word (none: it has just been started) and let it work until it answers. False
        when it has ended instead."""
        assert self.worker.channel is not None
        self.heard = b""
        if word:
            self._signal(signal.SIGCONT)
            with suppress(OSError):  # it has ended: that is heard below
                self.worker.channel.sendall(f"{word}\n".encode())
        self.worker.work_until(lambda: self.heard.endswith(b"\n") or not self.alive, self._listen)
        if self.worker.stopped is not None:
            self.alive = False
        if self.alive:
            self._signal(signal.SIGSTOP)
        return self.alive

    def end(self) -> Record:
        """Let it finish, and read what it answers."""
        if self.worker.stopped is None:
            self._signal(signal.SIGCONT)
            self.worker.wait()
        return self.worker.record()

    def _signal(self, number: signal.Signals) -> None:
        if self.stops:
            self.worker.signal(number)

    def _listen(self, seconds: float) -> None:
        channel = self.worker.channel
        assert channel is not None
        if select.select([channel], [], [], seconds)[0]:
            try:
                said = channel.recv(64)
            except OSError:
                said = b""
            self.heard += said
            self.alive = bool(said)
        elif self.worker.process.poll() is not None:  # a child of it may hold the channel open
            self.alive = False


@dataclass(frozen=True)
class Seat:
    """A contender's place in a sitting: its job, the run that keeps its record, its interpreter."""

    run: Run
    job: Job
    environment: Environment


def sit(
    seats: Sequence[Seat],
    memory_limit_bytes: int | None = None,
    on_turn: OnTurn = lambda phase, done, wanted: None,
) -> list[Record]:
    """A record for each seat, in order. on_turn: phase, turns that count, wanted."""
    ours: set[int] = set()
    with ExitStack() as stack:
        members: dict[int, Member] = {}
        for place, seat in enumerate(seats):
            if seat.environment.status != "ready":
                continue
            on_turn(f"start of {seat.job.cell.contender}", 0, 0)
            worker = Worker(
                seat.run, seat.job, seat.environment, memory_limit_bytes, channel=True, ours=ours
            )
            stack.enter_context(worker)
            ours.add(worker.process.pid)
            members[place] = Member(worker)
            members[place].work()
        turns = _phases(list(members.values()), on_turn)
        return [
            _with_turns(members[place].end(), turns) if place in members else _no_place(seat)
            for place, seat in enumerate(seats)
        ]


def _no_place(seat: Seat) -> Record:
    return failure_record(seat.job, Outcome("uninstallable", seat.environment.reason))


def _with_turns(record: Record, turns: list[dict[str, object]]) -> Record:
    record["launch"]["turns"] = turns
    return record


def _phases(members: Sequence[Member], on_turn: OnTurn) -> list[dict[str, object]]:
    """All phases; the turns as records hold them. Who has ended is left out from then on."""
    if not members:
        return []
    job = members[0].worker.job
    meter = Meter(cores.chosen(job.cell.threads))
    written: list[dict[str, object]] = []
    number = 0
    for phase in PHASES:
        if number:
            for member in members:
                if member.alive:
                    member.work("over")
        turns: list[Turn] = []
        while any(m.alive for m in members) and not enough(
            turns, job.budget.turns, len(meter.cores)
        ):
            turns.append(_turn(members, meter, phase, number))
            number += 1
            if turns[-1].cause(len(meter.cores)):
                sleep(PAUSE_SECONDS)
            counting = sum(turn.counts(len(meter.cores)) for turn in turns)
            on_turn(phase, counting, job.budget.turns)
        over = settled(turns, job.budget.turns, len(meter.cores))
        written += [_written(turn, len(meter.cores)) for turn in over]
    for member in members:
        if member.alive:
            member.work("over")
    return written


def _turn(members: Sequence[Member], meter: Meter, phase: str, number: int) -> Turn:
    """A slice of each contender that is alive, and what others did meanwhile."""
    alive = [member for member in members if member.alive]
    sessions = [member.worker.process.pid for member in alive]
    seconds = members[0].worker.job.budget.slice_seconds
    before, started = meter.read(sessions), perf_counter()
    for member in williams(alive, number):
        member.work(f"turn {number} {seconds}")
    lasted, seen = perf_counter() - started, meter.read(sessions).since(before)
    broken = not all(member.alive for member in alive)
    return Turn(number, phase, lasted, seen.others / 1e9, max(0, seen.steal) / 1e9, broken)


def _written(turn: Turn, count: int) -> dict[str, object]:
    return {
        "number": turn.number,
        "phase": turn.phase,
        "seconds": turn.seconds,
        "others_seconds": turn.others,
        "steal_seconds": turn.steal,
        "counts": turn.counts(count),
        "cause": turn.cause(count),
    }
