"""Two speeds are said with both and their share; what is one speed is not taken for two."""

from __future__ import annotations

import numpy as np
import pytest

from bench.judge import speeds
from tests.support.records import record, results


def test_two_speeds_are_told_with_their_share() -> None:
    found = speeds.split([35.1, 45.2, 34.9, 35.0, 45.0])
    assert found is not None
    assert (found.count, found.launches) == (3, 5)
    assert (found.low, found.high) == pytest.approx((35.0, 45.1), abs=0.1)


@pytest.mark.parametrize(
    "values", [[1.0], [1.0, 2.0, 2.0], [1.0, 1.0, 1.0, 2.0], [1.0, 1.02, 1.04, 1.05], [1.0] * 6]
)
def test_one_launch_or_a_small_step_is_no_second_speed(values: list[float]) -> None:
    assert speeds.split(values) is None


@pytest.mark.parametrize("n", [4, 6, 12])
def test_plain_noise_is_rarely_two_speeds(n: int) -> None:
    rng = np.random.default_rng(n)
    runs = 1000
    said = sum(
        speeds.split(np.exp(rng.normal(0, 0.1, n)).tolist()) is not None for _ in range(runs)
    )
    assert said / runs <= 0.08


def test_turns_of_two_levels_are_seen_and_plain_ones_are_not() -> None:
    rng = np.random.default_rng(1)
    plain = rng.normal(0, 0.03, (500, 20))
    assert sum(map(speeds.restless, plain)) <= 5
    levels = rng.normal(0, 0.01, 20) + 1.0 * (np.arange(20) % 10 >= 6)
    assert speeds.restless(levels)
    assert not speeds.restless([0.1])


def test_a_report_says_it_in_one_sentence() -> None:
    made = [record("a:x", block, 0.1 if block % 2 else 0.2) for block in range(6)]
    note = speeds.note(results(made))
    assert note.startswith("Two speeds: train_throughput of a:x: ")
    assert "in 3 of 6 launches" in note
    assert speeds.note(results(record("a:x", block) for block in range(6))) == ""
