"""The worker's side of a sitting: slices, and a channel without a runner."""

from __future__ import annotations

from time import sleep

import pytest

from bench.plan.request import PROFILES
from bench.records.record import CHANNEL
from bench.worker.turns import MOST_ROUNDS, Alone, Over, Slices, channel


def rounds_of(slices: Slices, seconds: float) -> list[int]:
    """Rounds of so many seconds until the phase is over; the turn of each."""
    with pytest.raises(Over):
        while True:
            slices.next_round()
            sleep(seconds)
    return slices.of_rounds


def test_a_slice_has_a_round_however_long_it_is_and_wakes_first() -> None:
    woken: list[int] = []
    slices = Slices(Alone(3, 0.01), lambda: woken.append(1))
    assert rounds_of(slices, 0.03) == [0, 1, 2]
    assert len(woken) == 3


def test_as_many_rounds_as_fit_but_not_thousands() -> None:
    found = rounds_of(Slices(Alone(2, 10.0), lambda: None), 0.0)
    assert found == [0] * MOST_ROUNDS + [1] * MOST_ROUNDS
    short = rounds_of(Slices(Alone(1, 0.05), lambda: None), 0.01)
    assert 2 <= len(short) <= 6


def test_turns_are_numbered_through_all_phases() -> None:
    alone = Alone(2, 1e-9)
    first, second = (rounds_of(Slices(alone, lambda: None), 0.0) for _ in range(2))
    assert not set(first) & set(second)


def test_the_end_of_every_slice_is_seen() -> None:
    ended: list[int] = []
    rounds_of(Slices(Alone(3, 1e-9), lambda: None, ended.append), 0.0)
    assert ended == [0, 1, 2]


def test_without_a_runner_a_worker_sits_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHANNEL, raising=False)
    assert isinstance(channel(PROFILES["smoke"].budget), Alone)
