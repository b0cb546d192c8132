"""The clock is true: contenders of known cost are read within 2 % or 50 µs of it."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from bench.plan.jobs import make_jobs
from bench.plan.request import PROFILES, DataSet, Request
from bench.records.metrics import metric, rounds
from bench.records.record import Record
from bench.records.store import Run
from bench.run.environments import Environment
from bench.run.launches import run_jobs
from tests.bench.run.test_runner import data  # noqa: F401 - a fixture
from tests.support.fakes import known

READY = {"fake": Environment("fake", "ready", sys.executable)}
STEPS = 25


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory, data: Path) -> dict[str, Record]:  # noqa: F811
    """Mode → the record of its measuring launch."""
    rows = {f"fake:{mode}": known.implementation(mode) for mode in known.MODES}
    request = Request("smoke", ("fnn-mnist",), tuple(rows))
    budget = replace(PROFILES["smoke"].budget, round_steps=STEPS, train_rounds=9, step_rounds=15)
    jobs = make_jobs(request, budget, {"fnn-mnist": DataSet(str(data))}, rows)
    run = Run.create(tmp_path_factory.mktemp("known") / "run", {"request": asdict(request)})
    run_jobs(run, [job for job in jobs if job.kind == "measure"], READY)
    found = {}
    for record in run.records().values():
        cell = record["launch"]["job"]["cell"]
        assert record["launch"]["status"] == "ok", record["launch"]["reason"]
        if not cell["label"]:
            found[cell["implementation"].split(":")[1]] = record
    return found


def near(seen: float, truth: float) -> bool:
    return abs(seen - truth) <= max(0.02 * truth, 50e-6)


def middle(record: Record, phase: str) -> float:
    return float(np.median(rounds(record, phase)))


@pytest.mark.parametrize("mode", ["sleep", "async"])
def test_training_takes_what_it_takes_also_when_it_returns_early(
    records: dict[str, Record], mode: str
) -> None:
    assert near(middle(records[mode], "train"), STEPS * known.STEP_SECONDS)
    assert near(middle(records[mode], "step"), known.STEP_SECONDS)
    speed = metric("train_throughput").read(records[mode])
    assert speed == pytest.approx(32 / known.STEP_SECONDS, rel=0.02)


def test_inference_takes_what_it_takes(records: dict[str, Record]) -> None:
    samples = next(
        b["extra_info"]["samples_per_round"]
        for b in records["sleep"]["benchmarks"]
        if b["extra_info"]["phase"] == "infer"
    )
    assert near(middle(records["sleep"], "infer"), -(-samples // 256) * known.BATCH_SECONDS)
    assert near(middle(records["sleep"], "latency"), known.BATCH_SECONDS)


def test_nothing_takes_nothing(records: dict[str, Record]) -> None:
    for phase in ("train", "step", "infer", "latency"):
        assert near(middle(records["null"], phase), 0.0), phase


def test_building_is_read_apart(records: dict[str, Record]) -> None:
    assert near(records["sleep"]["launch"]["seconds"]["build"], known.BUILD_SECONDS)
    assert near(records["sleep"]["launch"]["seconds"]["first_step"], known.STEP_SECONDS)


def test_garbage_left_behind_is_no_late_work(records: dict[str, Record]) -> None:
    """Its launch ended as ok, as `records` asserts, though a collection takes long."""
    late = records["litter"]["launch"]["readings"]["work_after_wait_seconds"]
    assert late < max(0.1 * middle(records["litter"], "train"), 2e-3)


def test_memory_that_is_held_is_seen(records: dict[str, Record]) -> None:
    seen = metric("peak_rss").read(records["alloc"])
    base = metric("peak_rss").read(records["null"])
    assert seen is not None and base is not None
    assert seen - base == pytest.approx(known.HELD_BYTES, rel=0.02)
