"""When this process may work: the runner says, over a socket that the process was given.

In a sitting all contenders of a task are alive; one works, the others are stopped. A phase begins
when its worker says "ready". Then the runner asks for slices, "turn NUMBER SECONDS", each answered
by "done", until it says "over". Between the two the worker owns the cores.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from time import perf_counter
from typing import Protocol

from bench.records.record import CHANNEL, Budget

MOST_ROUNDS = 100  # of a slice: more of one row each say nothing new and fill the record
EVERY_ROUND = 10**9  # as many rounds as pedantic may want; `Over` ends them


class Over(BaseException):
    """Ends a phase. Not an Exception: pytest-benchmark marks those as failed rounds."""


class Channel(Protocol):
    """Where a worker says how far it is, and hears what it may do."""

    def say(self, word: str) -> None:
        """One line to whoever leads the sitting."""

    def hear(self) -> list[str]:
        """The words of the next line; waits for it."""


class Socket:
    """The worker's end of the runner's socket."""

    def __init__(self, descriptor: int) -> None:
        self.socket = socket.socket(fileno=descriptor)
        self.lines = self.socket.makefile("r")

    def say(self, word: str) -> None:
        """To the runner."""
        self.socket.sendall(f"{word}\n".encode())

    def hear(self) -> list[str]:
        """From the runner; a runner that has gone says that the phase is over."""
        return self.lines.readline().split() or ["over"]


class Alone:
    """A sitting of one, for a worker that was started by hand: so many turns of each phase."""

    def __init__(self, turns: int, slice_seconds: float) -> None:
        self.turns, self.slice_seconds = turns, slice_seconds
        self.number, self.left = -1, 0

    def say(self, word: str) -> None:
        """A phase begins, or one of its slices is done."""
        self.left = self.turns if word == "ready" else self.left - 1

    def hear(self) -> list[str]:
        """The next turn, at once."""
        self.number += 1
        return ["turn", str(self.number), str(self.slice_seconds)] if self.left else ["over"]


def channel(budget: Budget) -> Channel:
    """The runner's, where it gave one."""
    given = os.environ.get(CHANNEL)
    return Socket(int(given)) if given else Alone(budget.turns, budget.slice_seconds)


class Slices:
    """The turns of one phase. `next_round` belongs into pedantic's setup, outside its clock.

    wake: a call that is not timed, at the start of every slice, so that caches and clocks are what
    they are in a long run. at_end: what is done at the end of a slice, not timed either.
    """

    def __init__(
        self,
        channel: Channel,
        wake: Callable[[], object],
        at_end: Callable[[int], object] = lambda number: None,
    ) -> None:
        self.channel = channel
        self.wake, self.at_end = wake, at_end
        self.of_rounds: list[int] = []
        self.number = -1  # of the turn under way
        self.left, self.ends = 0, 0.0

    def next_round(self) -> None:
        """Returns when a round may be timed. `Over` when the phase has ended."""
        if not self.left or perf_counter() >= self.ends:
            self._next_turn()
        self.left -= 1
        self.of_rounds.append(self.number)

    def _next_turn(self) -> None:
        if self.number >= 0:
            self.at_end(self.number)
        self.channel.say("ready" if self.number < 0 else "done")
        word, *rest = self.channel.hear()
        if word == "over":
            raise Over
        self.number = int(rest[0])
        self.wake()
        self.left, self.ends = MOST_ROUNDS, perf_counter() + float(rest[1])
