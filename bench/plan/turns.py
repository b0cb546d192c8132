"""Who is next in a sitting, and whether a turn counts. Pure.

The order of a turn is a row of a Williams square (Williams 1949, Australian Journal of Scientific
Research A 2: 149): over its rows every contender stands in every place equally often, and comes
equally often right after every other, so that neither a drift nor what one leaves in the caches for
the next can favour anybody.

A turn counts by what *others* did while it lasted, never by its own times, and for all contenders
alike: a filter that looked at one slice would drop the slow slices of those that have many threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

T = TypeVar("T")
OTHERS_SHARE = 0.03  # of the time of the sitting's cores; a quiet machine here reads under 0.01
STEAL_SHARE = 0.01
MOST_TIMES = 3  # so many times the turns wanted are taken at the most
FEWEST, LONG_SECONDS = 5, 10.0  # turns that are enough for a phase that lasts so long


@dataclass(frozen=True)
class Turn:
    """One turn: each contender had its slice. seconds: how long it lasted. others, steal: CPU
    seconds on the sitting's cores. broken: a contender ended in it."""

    number: int
    phase: str
    seconds: float
    others: float
    steal: float
    broken: bool = False
    kept: bool = False  # counts in spite of what disturbed it

    def cause(self, cores: int) -> str:
        """What disturbed it; empty when nothing did."""
        if self.broken:
            return "a contender ended in it"
        room = self.seconds * cores
        if self.steal > STEAL_SHARE * room:
            return f"the hypervisor gave {self.steal / room:.0%} of our cores to others"
        if self.others > OTHERS_SHARE * room:
            return f"others took {self.others / room:.0%} of our cores"
        return ""

    def counts(self, cores: int) -> bool:
        """Whether its times are used."""
        return not self.broken and (self.kept or not self.cause(cores))


def williams(contenders: Sequence[T], turn: int) -> list[T]:
    """The order of one turn. For an odd number of contenders the square has twice as many rows: the
    second half are the first's reversed."""
    count = len(contenders)
    if not count:
        return []
    zigzag = [(i + 1) // 2 if i % 2 else -(i // 2) for i in range(count)]
    rows = count if count % 2 == 0 else 2 * count
    row = turn % rows
    order = [contenders[(place + row) % count] for place in zigzag]
    return order[::-1] if row >= count else order


def enough(turns: Sequence[Turn], wanted: int, cores: int) -> bool:
    """Whether a phase has the turns it wants, or will not get them in `MOST_TIMES` as many. Where
    rounds are long, `FEWEST` will do: a long round is itself a mean over much time."""
    if sum(turn.seconds for turn in turns) >= LONG_SECONDS:
        wanted = min(wanted, FEWEST)
    counting = sum(turn.counts(cores) for turn in turns)
    if counting >= wanted or len(turns) >= MOST_TIMES * wanted:
        return True
    return len(turns) >= wanted and counting * MOST_TIMES < len(turns)


def settled(turns: Sequence[Turn], wanted: int, cores: int) -> list[Turn]:
    """The turns of a phase once it is over. Where fewer counted than were wanted, the least
    disturbed of the others are kept too, with their cause written beside them."""
    if sum(turn.seconds for turn in turns) >= LONG_SECONDS:
        wanted = min(wanted, FEWEST)
    missing = wanted - sum(turn.counts(cores) for turn in turns)
    disturbed = [t for t in turns if not t.broken and not t.counts(cores)]
    least = sorted(disturbed, key=lambda t: (t.others + t.steal) / t.seconds)[: max(0, missing)]
    numbers = {turn.number for turn in least}
    return [replace(t, kept=True) if t.number in numbers else t for t in turns]
