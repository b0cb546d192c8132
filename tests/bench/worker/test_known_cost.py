"""The clock is true: contenders of known cost are read within 2 % or 50 µs of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.plan.request import PROFILES
from bench.records.metrics import metric
from bench.records.record import Request
from bench.records.schema import Launch
from bench.run.launches import run_jobs
from tests.support.fakes import known
from tests.support.plans import READY, begin, plan_of

STEPS = 25


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory, data: Path) -> dict[str, Launch]:
    """Mode → its measuring launch."""
    names = tuple(f"fake:{mode}" for mode in known.MODES)
    request = Request("smoke", ("fnn-mnist",), names)
    budget = replace(PROFILES["smoke"].budget, round_steps=STEPS, turns=5)
    plan = plan_of(request, map(known.implementation, known.MODES), data, budget)
    run, jobs = begin(tmp_path_factory.mktemp("known") / "run", plan)
    run_jobs(run, [job for job in jobs if job.kind == "measure"], READY)
    found = {}
    for launch in run.records().values():
        assert launch.status == "ok", launch.reason
        if not launch.cell.label:
            found[launch.cell.mode] = launch
    return found


def near(seen: float, truth: float) -> bool:
    return abs(seen - truth) <= max(0.02 * truth, 50e-6)


def middle(launch: Launch, phase: str) -> float:
    return float(np.median(launch.rounds(phase)))


@pytest.mark.parametrize("mode", ["sleep", "async"])
def test_training_takes_what_it_takes_also_when_it_returns_early(
    records: dict[str, Launch], mode: str
) -> None:
    assert near(middle(records[mode], "train"), STEPS * known.STEP_SECONDS)
    assert near(middle(records[mode], "step"), known.STEP_SECONDS)
    speed = metric("train_throughput").read(records[mode])
    assert speed == pytest.approx(32 / known.STEP_SECONDS, rel=0.02)


def test_inference_takes_what_it_takes(records: dict[str, Launch]) -> None:
    samples = records["sleep"].samples("infer")
    assert near(middle(records["sleep"], "infer"), -(-samples // 256) * known.BATCH_SECONDS)
    assert near(middle(records["sleep"], "latency"), known.BATCH_SECONDS)


def test_nothing_takes_nothing(records: dict[str, Launch]) -> None:
    for phase in ("train", "step", "infer", "latency"):
        assert near(middle(records["null"], phase), 0.0), phase


def test_building_is_read_apart(records: dict[str, Launch]) -> None:
    seconds = records["sleep"].launch.seconds
    assert seconds.build is not None and seconds.first_step is not None
    assert near(seconds.build, known.BUILD_SECONDS)
    assert near(seconds.first_step, known.STEP_SECONDS)


def test_garbage_left_behind_is_no_late_work(records: dict[str, Launch]) -> None:
    """Its launch ended as ok, as `records` asserts, though a collection takes long."""
    late = records["litter"].launch.readings.work_after_wait_seconds
    assert isinstance(late, dict)
    assert late["train"] < max(0.1 * middle(records["litter"], "train"), 2e-3)


def test_memory_that_is_held_is_seen(records: dict[str, Launch]) -> None:
    seen = metric("peak_rss").read(records["alloc"])
    base = metric("peak_rss").read(records["null"])
    assert seen is not None and base is not None
    assert seen - base == pytest.approx(known.HELD_BYTES, rel=0.02)
