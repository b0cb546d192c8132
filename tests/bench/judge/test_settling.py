"""Warm-up is found where it is, and not where there is none: simulated rounds."""

from __future__ import annotations

import numpy as np
import pytest

from bench.judge import settling
from bench.judge.settling import settle
from tests.support.records import record, results


def noisy(levels: list[tuple[float, int]], noise: float = 0.01, seed: int = 0) -> list[float]:
    """So many rounds at each level, with so much noise."""
    rng = np.random.default_rng(seed)
    flat = np.concatenate([[level] * count for level, count in levels])
    return list(flat * np.exp(rng.normal(0, noise, len(flat))))


def test_a_slow_start_is_left_behind_where_it_ends() -> None:
    found = settle(noisy([(2.0, 6), (1.0, 40)]))
    assert found.steady_from == 6
    assert found.levels == pytest.approx((2.0, 1.0), rel=0.02)


def test_two_stages_of_warming_up() -> None:
    assert settle(noisy([(3.0, 5), (1.5, 8), (1.0, 40)])).steady_from == 13


def test_a_change_near_the_end_is_no_steady_state() -> None:
    found = settle(noisy([(1.0, 40), (1.6, 8)]))
    assert found.steady_from is None


@pytest.mark.parametrize("noise", [0.002, 0.02, 0.1])
def test_steady_rounds_are_rarely_cut(noise: float) -> None:
    """Of 200 launches of white noise hardly any is said to have warmed up."""
    cut = sum(settle(noisy([(1.0, 60)], noise, seed)).steady_from != 0 for seed in range(200))
    assert cut <= 6


def test_one_burst_of_other_load_is_no_change_of_state() -> None:
    rounds = noisy([(1.0, 60)])
    rounds[30] *= 3
    assert settle(rounds).steady_from is not None


def test_levels_within_a_few_per_cent_are_one() -> None:
    assert settle(noisy([(1.03, 20), (1.0, 40)], 0.001)).steady_from == 0


def test_few_rounds_say_nothing() -> None:
    assert settle([1.0, 2.0]).steady_from == 0
    assert settle([]).levels == ()


def test_the_report_names_who_did_not_settle() -> None:
    steady, jumping = record("pytorch:eager"), record("mxnet:hybrid")
    for entry in jumping["benchmarks"]:
        if entry["extra_info"]["phase"] == "train":
            entry["stats"]["data"] = noisy([(1.0, 40), (1.6, 8)])
    said = settling.note(results([steady, jumping]))
    assert said == "No steady state of training in some of 2 launches: mxnet:hybrid in 1."
    assert settling.note(results([steady])) == ""
