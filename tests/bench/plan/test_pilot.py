"""The pilot: where variance lives, and the rounds that follow from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.plan import pilot
from bench.plan.pilot import MOST_TIMES, Pilot
from bench.plan.request import PROFILES
from bench.records.record import Record
from tests.support.records import record, results

TASK = "fnn-mnist"


def launches(between: float, single: float, rounds: int, blocks: int) -> list[Record]:
    """Two contenders whose launches and rounds vary by these standard deviations."""
    rng = np.random.default_rng(3)
    made = []
    for block in range(blocks):
        for name, seconds in (("pytorch:eager", 0.1), ("mxnet:hybrid", 0.2)):
            launch = seconds * np.exp(rng.normal(0, between))
            one = record(name, block, launch, "", TASK)
            for entry in one["benchmarks"]:
                if entry["extra_info"]["phase"] == "train":
                    noise = np.exp(rng.normal(0, single, rounds)) if single else np.ones(rounds)
                    entry["stats"]["data"] = (launch * noise).tolist()
            made.append(one)
    return made


def found(between: float, single: float, rounds: int = 20, blocks: int = 60) -> Pilot:
    one = pilot.of_task(results(launches(between, single, rounds, blocks)), TASK)
    assert one is not None
    return one


def test_noise_between_launches_is_seen_there() -> None:
    one = found(0.05, 0.01)
    assert one.launch_share > 0.95
    assert one.between == pytest.approx(0.05**2, rel=0.4)


def test_noise_between_rounds_is_seen_there() -> None:
    one = found(0.001, 0.05)
    assert one.launch_share < 0.4
    # The median's variance is pi / 2 times the mean's.
    assert one.within == pytest.approx(np.pi / 2 * 0.05**2 / 20, rel=0.4)


def test_noisy_rounds_of_dear_launches_make_added_launches_longer() -> None:
    noisy = Pilot(between=1e-6, within=1e-4, rounds=10, launch_seconds=5, round_seconds=0.1)
    assert noisy.times == MOST_TIMES
    steady = replace(noisy, between=1e-3)
    assert steady.times == 1.0
    # n = sqrt(R / L * C / c) = sqrt(1e-3 / 1e-4 * 50) = 22 rounds, of 10.
    between = replace(noisy, between=1e-4)
    assert between.times == pytest.approx(np.sqrt(10 * 50) / 10)


def test_the_budget_is_stretched_and_nothing_else() -> None:
    budget = PROFILES["quick"].budget
    one = Pilot(between=0.0, within=1e-4, rounds=10, launch_seconds=5, round_seconds=0.1)
    longer = pilot.longer(budget, one)
    assert longer.train_rounds == budget.train_rounds * MOST_TIMES
    assert longer.phase_seconds == budget.phase_seconds * MOST_TIMES
    fields = {"train_rounds", "phase_seconds"}
    kept = {k: v for k, v in vars(longer).items() if k not in fields}
    assert kept == {k: v for k, v in vars(budget).items() if k not in fields}
    assert pilot.longer(budget, None) == budget


def test_too_few_launches_say_nothing() -> None:
    assert pilot.of_task(results(launches(0.05, 0.01, 20, 2)), TASK) is None
    assert pilot.of_task(results([]), TASK) is None


def test_a_launch_that_never_varies_asks_for_nothing() -> None:
    one = found(0.0, 0.0)
    assert (one.times, one.launch_share) == (1.0, 1.0)
