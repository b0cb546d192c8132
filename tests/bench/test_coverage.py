"""What the statistics promise, held to it by seeded simulation with recorded noise."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from bench import stats
from bench.judge import verdict
from bench.judge.verdict import Question
from bench.stats import Effect
from tests.support import noise

RUNS = 3000
Launches = Callable[..., dict[int, float]]


def effect(rng: np.random.Generator, launches: Launches, n: int, slower: float = 0.0) -> Effect:
    shared = noise.drift(rng, n)
    return stats.paired_effect(launches(rng, shared, slower), launches(rng, shared), logs=True)


def covers(e: Effect, true: float = 0.0) -> bool:
    low, high = e.interval()
    return low <= true <= high


@pytest.mark.parametrize("n", [3, 5, 8, 10, 20, 40, 59])
def test_paired_intervals_cover_93_to_97_per_cent_under_recorded_noise(n: int) -> None:
    rng = np.random.default_rng(n)
    hits = sum(covers(effect(rng, noise.launches, n)) for _ in range(RUNS))
    assert 0.93 <= hits / RUNS <= 0.97


@pytest.mark.parametrize("n", [8, 12, 20])
def test_paired_intervals_cover_under_bursts(n: int) -> None:
    rng = np.random.default_rng(n)
    hits = sum(covers(effect(rng, noise.bursts, n)) for _ in range(RUNS))
    assert 0.93 <= hits / RUNS <= 0.97


@pytest.mark.parametrize(("n", "m"), [(5, 5), (10, 10), (5, 15)])
def test_unpaired_intervals_cover_under_recorded_noise(n: int, m: int) -> None:
    """Runs measured apart, on a machine that did not change between them."""
    rng = np.random.default_rng(n + 100 * m)
    hits = 0
    for _ in range(RUNS):
        a, b = (noise.launches(rng, np.zeros(k)) for k in (n, m))
        hits += covers(stats.unpaired_effect(list(a.values()), list(b.values()), logs=True))
    assert 0.93 <= hits / RUNS <= 0.97


def test_intervals_of_adaptive_runs_cover() -> None:
    """Blocks are added until the interval is ± 2 %, as `bench run --until 2%` does."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(RUNS // 3):
        shared = noise.drift(rng, 60)
        a, b = noise.bursts(rng, shared), noise.bursts(rng, shared)
        for n in range(5, 60):
            first = range(n)
            e = stats.paired_effect({k: a[k] for k in first}, {k: b[k] for k in first}, logs=True)
            low, high = e.interval()
            if (high - low) / 2 <= 0.02:
                break
        hits += covers(e)
    assert 0.93 <= hits / (RUNS // 3) <= 0.97


def test_trimming_sees_five_per_cent_through_bursts() -> None:
    rng = np.random.default_rng(3)
    seen = sum(effect(rng, noise.bursts, 12, 0.05).p_different() <= 0.01 for _ in range(1000))
    assert seen / 1000 >= 0.93


def question(effect: Effect, floor: float, number: int = 0) -> Question:
    return Question(
        f"task{number}", "train_throughput", "throughput", "a", "b", effect, True, True, floor
    )


@pytest.mark.parametrize("launches", [noise.launches, noise.bursts])
@pytest.mark.parametrize("n", [5, 10])
def test_any_false_verdict_among_50_equal_cells_is_rare(launches: Launches, n: int) -> None:
    """10 tasks of 5 equal contenders, every pair judged, as a report does; 300 tables. The floor
    is left out: what it would still catch must not be needed."""
    rng = np.random.default_rng(n)
    tables, wrong = 300, 0
    for _ in range(tables):
        asked = []
        for task in range(10):
            shared = noise.drift(rng, n)
            cells = [launches(rng, shared) for _ in range(5)]
            asked += [
                question(stats.paired_effect(b, a, logs=True), float("nan"), task)
                for a, b in combinations(cells, 2)
            ]
        wrong += any(v.outcome in ("better", "worse") for v in verdict.judge(asked))
    assert wrong / tables <= 0.05


def test_equivalence_is_rarely_claimed_for_what_differs_by_the_margin() -> None:
    """2 % slower on a quiet machine: at most the 5 % that two one-sided tests allow."""
    rng = np.random.default_rng(9)
    said = sum(
        verdict.judge([question(effect(rng, noise.bursts, 20, 0.0202), 0.0)])[0].outcome
        == "equivalent"
        for _ in range(2000)
    )
    assert 0 < said / 2000 <= 0.06


def test_restricted_mean_times_cover_under_censoring() -> None:
    """Exponential times to the target, watched for a fixed time that a third does not reach."""
    rng = np.random.default_rng(11)
    end, hits, runs = 1.1, 0, 1500
    for _ in range(runs):
        sides = []
        for _side in range(2):
            t = rng.exponential(1.0, 20)
            sides.append((np.minimum(t, end).tolist(), (t <= end).tolist()))
        hits += covers(verdict.restricted_time_effect(*sides))
    assert 0.93 <= hits / runs <= 0.97
