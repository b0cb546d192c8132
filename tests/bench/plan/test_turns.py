"""The order of turns, and which of them count."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from bench.plan.turns import FEWEST, MOST_TIMES, Turn, enough, settled, williams

CORES = 2
QUIET = Turn(0, "train", 1.0, 0.01, 0.0)


def turn(number: int, others: float = 0.0, steal: float = 0.0, broken: bool = False) -> Turn:
    return Turn(number, "train", 1.0, others, steal, broken)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 8])
def test_everybody_stands_everywhere_and_follows_everybody_equally_often(count: int) -> None:
    names = "abcdefgh"[:count]
    rows = count if count % 2 == 0 else 2 * count
    orders = [williams(names, number) for number in range(rows)]
    assert all(sorted(order) == sorted(names) for order in orders)
    for place in range(count):
        assert set(Counter(order[place] for order in orders).values()) == {rows // count}
    follows = Counter(pair for order in orders for pair in pairwise(order))
    assert len(follows) == count * (count - 1)
    assert len(set(follows.values())) <= 1


def test_nobody_has_no_order() -> None:
    assert williams([], 3) == []


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (QUIET, ""),
        (turn(0, others=0.5), "others took 25% of our cores"),
        (turn(0, steal=0.2), "the hypervisor gave 10% of our cores to others"),
        (turn(0, broken=True), "a contender ended in it"),
    ],
)
def test_a_turn_is_judged_by_what_others_did(made: Turn, word: str) -> None:
    assert made.cause(CORES) == word
    assert made.counts(CORES) is (word == "")


def test_turns_are_taken_until_enough_count() -> None:
    quiet, loud = [turn(i) for i in range(4)], [turn(i, others=1.0) for i in range(4, 8)]
    assert not enough(quiet, 5, CORES)
    assert enough(quiet, 4, CORES)
    assert not enough([*loud[:3], *quiet[:3]], 4, CORES)
    assert enough([turn(i, others=1.0) for i in range(MOST_TIMES * 4)], 4, CORES)


def test_a_phase_of_long_rounds_needs_fewer_turns() -> None:
    long = [Turn(i, "train", 4.0, 0.0, 0.0) for i in range(FEWEST)]
    assert not enough(long[:-1], 20, CORES)
    assert enough(long, 20, CORES)
    assert settled(long, 20, CORES) == long
    loud = [*long[:-1], Turn(9, "train", 4.0, 1.0, 0.0), Turn(10, "train", 4.0, 2.0, 0.0)]
    assert [t.counts(CORES) for t in settled(loud, 20, CORES)] == [True] * 5 + [False]


def test_where_it_is_never_quiet_it_is_not_waited_for() -> None:
    loud = [turn(i, others=1.0) for i in range(5)]
    assert not enough(loud[:4], 5, CORES)
    assert enough(loud, 5, CORES)


def test_the_least_disturbed_turns_stand_in_with_their_cause() -> None:
    turns = [turn(0), turn(1, others=1.5), turn(2, others=0.2), turn(3, broken=True), turn(4, 0.9)]
    over = settled(turns, 3, CORES)
    assert [t.number for t in over if t.counts(CORES)] == [0, 2, 4]
    assert over[2].cause(CORES).startswith("others took 10%")
    assert settled(turns, 1, CORES) == turns
    assert not any(t.counts(CORES) for t in settled([turn(0, broken=True)], 1, CORES))
