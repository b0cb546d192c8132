"""When a mode has paid for its compilation: by hand-made launches with known answers."""

from __future__ import annotations

import pytest

from bench.judge import breakeven
from bench.records.record import Record
from tests.support.records import record, results

USUAL, MODE = "tensorflow:graph", "tensorflow:xla"


def launches(name: str, round_seconds: float, first_step: float) -> list[Record]:
    made = []
    for block in range(5):
        one = record(name, block, round_seconds)
        one["launch"]["seconds"]["first_step"] = first_step
        made.append(one)
    return made


def payback(mode: float, usual: float, first: float) -> breakeven.Payback:
    records = launches(MODE, mode, first) + launches(USUAL, usual, 0.2)
    (found,) = breakeven.paybacks(results(records), "fnn-mnist")
    return found


def test_a_slow_start_is_paid_by_faster_steps() -> None:
    """20,000 samples a round are 625 steps: 0.32 ms a step against 0.16 ms, 1.6 s later."""
    one = payback(0.1, 0.2, 1.8)
    assert one.steps == pytest.approx(1.6 / 0.00016, rel=0.02)
    # import 1.0 s, build 0.1 s, first step 1.8 s, then steps of 0.16 ms
    assert one.seconds == pytest.approx(2.9 + 10_000 * 0.00016, rel=0.02)
    assert breakeven.row(one)[-1] == f"{one.steps:,.0f} steps ({one.seconds:,.1f} s)"


def test_a_slower_mode_never_pays() -> None:
    one = payback(0.3, 0.2, 1.8)
    assert one.steps is None
    assert breakeven.row(one)[-1] == "never"


def test_equal_speeds_have_no_answer() -> None:
    one = payback(0.2, 0.2, 1.8)
    assert one.steps is None
    assert breakeven.row(one)[-1] == "undecided"


def test_a_mode_that_starts_sooner_and_runs_faster_is_ahead_at_once() -> None:
    one = payback(0.1, 0.2, 0.1)
    assert one.steps == 0
    assert breakeven.row(one)[-1] == "at once"


def test_without_the_usual_mode_nothing_is_said() -> None:
    assert breakeven.paybacks(results(launches(MODE, 0.1, 1.0)), "fnn-mnist") == []
    assert breakeven.paybacks(results(launches(USUAL, 0.1, 1.0)), "fnn-mnist") == []
