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


def test_noise_floor_is_the_far_end_of_the_interval() -> None:
    assert stats.noise_floor(stats.Estimate(1.0, 0.9, 1.05, 5)) == pytest.approx(1 / 0.9 - 1)
    assert np.isnan(stats.noise_floor(stats.positive_mean([1.0])))


def test_launches_needed_are_the_fewest_that_are_enough() -> None:
    """Few noisy launches: the answer must not run away with the t quantile of tiny samples."""
    effect = stats.Effect(mean=0.338, error=0.0675, df=4.0, n=5)
    needed = effect.launches_for(0.338, 0.01)
    assert needed == 5
    spread = 0.0675 * np.sqrt(5)
    for n, holds in ((4, False), (5, True), (50, True)):
        quantile = scipy_stats.t.ppf(1 - 0.005, n - 1)
        assert (quantile * spread / np.sqrt(n) <= 0.338) == holds
    assert effect.launches_for(0.0, 0.01) == float("inf")
    assert effect.launches_for(1e-9, 0.01) == float("inf")
