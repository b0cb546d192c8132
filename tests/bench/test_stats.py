"""The statistics, against simulation and known answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench import stats


def test_positive_mean_of_equal_values_has_no_width() -> None:
    e = stats.positive_mean([2.0, 2.0, 2.0])
    assert (e.value, e.low, e.high, e.n) == pytest.approx((2, 2, 2, 3))


def test_one_launch_gives_no_interval() -> None:
    e = stats.positive_mean([3.0])
    assert e.value == pytest.approx(3)
    assert np.isnan(e.low)
    assert np.isnan(e.high)


@pytest.mark.parametrize("n", [5, 10])
def test_interval_covers_what_it_says(n: int) -> None:
    """Launch effects with heavy tails (Student, 5 degrees), 4,000 runs: 93 to 97 % coverage."""
    rng = np.random.default_rng(1)
    runs = 4000
    hits = 0
    for _ in range(runs):
        e = stats.positive_mean(np.exp(0.03 * rng.standard_t(5, n)).tolist())
        hits += e.low <= 1.0 <= e.high
    assert 0.93 <= hits / runs <= 0.97


def test_paired_ratio_cancels_what_a_block_shares() -> None:
    rng = np.random.default_rng(2)
    drift = np.exp(rng.normal(0, 0.5, 8))
    a = {i: 2 * d for i, d in enumerate(drift)}
    b = dict(enumerate(drift))
    e = stats.paired_ratio(a, b)
    assert (e.value, e.low, e.high) == pytest.approx((2, 2, 2))


def test_paired_ratio_needs_a_common_block() -> None:
    with pytest.raises(ValueError, match="no block"):
        stats.paired_ratio({0: 1.0}, {1: 1.0})


def test_a_sittings_centre_is_the_median_of_the_walsh_averages() -> None:
    """Known answer: of 1, 2, 9 the averages are 1, 1.5, 2, 5, 5.5, 9."""
    assert stats.hodges_lehmann([9.0, 1.0, 2.0]) == pytest.approx((2 + 5) / 2)
    assert stats.hodges_lehmann([4.0]) == 4.0
    with pytest.raises(ValueError, match="no value"):
        stats.hodges_lehmann([])


def test_one_burst_among_turns_moves_a_sittings_centre_little() -> None:
    turns = np.random.default_rng(3).normal(0, 0.03, 20)
    struck = turns.copy()
    struck[7] += 1.0
    moved = stats.hodges_lehmann(struck) - stats.hodges_lehmann(turns)
    assert struck.mean() - turns.mean() > 0.045
    assert 0 <= moved < 0.01
    assert abs(stats.hodges_lehmann(turns) - turns.mean()) < 0.005


def test_ties_leave_the_error_that_their_resolution_hides() -> None:
    """Scores of 1,000 rows come in steps of 0.001: eight that agree are known to 0.00014."""
    same = stats.paired_effect(dict.fromkeys(range(8), 0.9), dict.fromkeys(range(8), 0.9), False)
    assert (same.p_different(), same.p_equivalent(0.005)) == (1.0, 1.0)
    fine = stats.sittings_effect(same.sittings, resolution=0.001)
    assert fine.error == pytest.approx(0.001 / np.sqrt(12) * np.sqrt(2 / 8))
    assert 0 < fine.p_equivalent(0.005) < 0.001
    tied = [(block, 0.05 if block < 8 else -0.45) for block in range(10)]
    effect = stats.sittings_effect(tied, resolution=0.001)
    assert effect.mean == pytest.approx(-0.05)
    assert effect.p_different() > 0.1


def test_the_first_sittings_are_those_of_the_first_blocks() -> None:
    effect = stats.sittings_effect([(0, 1.0), (2, 3.0), (5, 8.0)])
    first = effect.first(3)
    assert first is not None
    assert (first.mean, first.n, first.sittings) == (2.0, 2, ((0, 1.0), (2, 3.0)))
    assert effect.first(0) is None
    apart = stats.unpaired_effect([1.0, 2.0], [1.0, 4.0], logs=False)
    assert apart.first(0) == apart


@pytest.mark.parametrize("power", [0.5, 0.8])
def test_launches_needed_find_the_difference_with_the_power_meant(power: float) -> None:
    """A pilot's noise is right on average; as many sittings as it asks for find the difference."""
    pilot = stats.Effect(mean=0.0, error=0.04 / np.sqrt(5), df=4.0, n=5)
    needed = int(pilot.launches_for(0.05, 0.01, power=power))
    rng = np.random.default_rng(5)
    x = rng.normal(0.05, 0.04, (4000, needed))
    t = x.mean(1) / x.std(1, ddof=1) * np.sqrt(needed)
    hits = (2 * scipy_stats.t.sf(np.abs(t), needed - 1) <= 0.01).mean()
    assert power - 0.02 <= hits <= power + 0.08
    assert pilot.launches_for(0.0, 0.01) == float("inf")
    assert pilot.launches_for(1e-9, 0.01) == float("inf")
    alone = stats.sittings_effect([(0, 1.0)])
    assert alone.launches_for(1.0, 0.01) == float("inf")
