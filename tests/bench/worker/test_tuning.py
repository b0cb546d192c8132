"""Searches through the real worker process: the same trials, the whole time, kills, failures."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.trial import TrialState

from bench.plan.request import PROFILES
from bench.records import searches
from bench.records.parts import SearchRecord
from bench.records.record import Job, Request
from bench.records.schema import Launch
from bench.records.store import Run
from bench.run.launches import run_jobs
from bench.worker import search as tuning
from bench.worker.journal import SPACE, open_study
from bench.worker.trial import Clock
from tasks.catalogue.searches import SEARCHES
from tasks.spec.search import CERTIFIED, GRID, RATES, UNITS, Point
from tests.support.fakes.searching import implementation
from tests.support.plans import READY, begin, plan_of, start_script


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 + 64 learnable images of digits' shape."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for part, rows in (("train", 400), ("test", 64)):
        y = rng.integers(0, 10, rows).astype(np.int32)
        x = rng.integers(0, 100, (rows, 28, 28)).astype(np.uint8)
        for label in range(10):  # a class is a bright bar at its own height
            x[y == label, 2 * label + 2 : 2 * label + 4] += 150
        np.save(folder / f"x_{part}.npy", x)
        np.save(folder / f"y_{part}.npy", y)
    (folder / "manifest.json").write_text(json.dumps({"scale": 1 / 255}))
    return folder


def make(
    path: Path, data: Path, modes: list[str], tasks: tuple[str, ...], prune: bool = False
) -> tuple[Run, list[Job]]:
    """A run and its search jobs, without their certificates."""
    request = Request("quick", tasks, tuple(f"fake:{mode}" for mode in modes), prune=prune)
    budget = replace(PROFILES["quick"].budget, timeout_seconds=120.0)
    run, jobs = begin(path, plan_of(request, map(implementation, modes), data, budget))
    return run, [job for job in jobs if job.kind == "search"]


def found(run: Run, mode: str, task: str) -> Launch:
    """The one launch of a fake in a search."""
    return run.records()[f"b000~{task}~fake-{mode}~cpu~fp32"]


def search_of(launch: Launch) -> SearchRecord:
    """The search of a launch that did one."""
    assert launch.launch.search is not None
    return launch.launch.search


def outcome(launch: Launch) -> Any:
    """What a search found, without anything that a clock or the memory says."""
    search = search_of(launch)
    clockless = [
        (searches.identity(t), t.status, t.epoch_losses, t.epoch_accuracies) for t in search.trials
    ]
    assert search.retrained is not None
    return clockless, search.best, search.retrained.model_dump(exclude={"seconds"})


def test_random_and_grid_give_the_same_trials_and_time_is_accounted_for(
    tmp_path: Path, data: Path
) -> None:
    run, jobs = make(tmp_path / "run", data, ["honest", "slow"], ("tune-random", "tune-grid"))
    run_jobs(run, jobs, READY)
    for task in ("tune-random", "tune-grid"):
        a, b = (found(run, mode, task) for mode in ("honest", "slow"))
        assert (a.status, a.reason) == ("ok", "")
        trials = search_of(a).trials
        count = len(trials)
        assert searches.coinciding(search_of(a), search_of(b)) == (count, count)
        assert outcome(a) == outcome(b)
        assert searches.accounted(search_of(b)) >= 0.95
        trained = sum(t.phases.train for t in search_of(b).trials)
        assert trained > count * 4 * 0.04  # what the slow one sleeps, less the first epoch
    grid = [Point(t.units, t.learning_rate) for t in trials]
    assert grid == list(GRID[:6])


def test_the_random_list_is_the_same_in_every_environment_and_in_the_space() -> None:
    """Literal, so that an environment with another NumPy or Optuna that draws others is seen."""
    search = SEARCHES[0]
    first = [(p.units, p.learning_rate) for p in tuning.listed_points(search, 0, 5)]
    assert first == [(288, 0.01), (512, 0.001), (320, 0.001), (256, 0.01), (256, 0.0001)]
    points = tuning.listed_points(search, 7, 20)
    assert points[:5] == tuning.listed_points(search, 7, 5)
    assert all(p.units in UNITS and p.learning_rate in RATES for p in points)


def test_killed_in_mid_search_and_resumed_the_result_is_the_same(
    tmp_path: Path, data: Path
) -> None:
    whole, jobs = make(tmp_path / "whole", data, ["slow"], ("tune-bayes",))
    run_jobs(whole, jobs, READY)
    expected = outcome(found(whole, "slow", "tune-bayes"))
    run, jobs = make(tmp_path / "killed", data, ["slow"], ("tune-bayes",))
    journal = run.searches / jobs[0].id / "journal.log"
    rng = random.Random(3)
    for kill in range(3):
        process = start_script(run, jobs)
        wanted = f'"trial {kill + 1}"'
        while not (journal.exists() and wanted in journal.read_text()):
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(0.3 * rng.random())
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(0.3)
    assert run.records() == {}
    run_jobs(run, jobs, READY)
    resumed = found(run, "slow", "tune-bayes")
    assert outcome(resumed) == expected
    assert search_of(resumed).starts == 4
    assert search_of(resumed).resumed_trials >= 3


@pytest.mark.parametrize(
    ("mode", "status", "reason"),
    [
        ("raise-1e-2", "error", "RuntimeError: the fake raised"),
        ("memory-1e-2", "out-of-memory", "MemoryError: Unable to allocate 9 TiB"),
        ("diverge-1e-2", "diverged", "the training loss is not finite"),
        ("dies", "crash", "the worker died with signal SIGSEGV"),
    ],
)
def test_a_failing_trial_has_a_reason_and_the_search_goes_on(
    tmp_path: Path, data: Path, mode: str, status: str, reason: str
) -> None:
    run, jobs = make(tmp_path / "run", data, [mode], ("tune-grid",))
    run_jobs(run, jobs, READY)
    launch = found(run, mode, "tune-grid")
    assert launch.status == "ok"
    search = search_of(launch)
    assert [Point(t.units, t.learning_rate) for t in search.trials] == list(GRID[:6])
    bad = [t for t in search.trials if t.status != "ok"]
    assert {t.status for t in bad} == {status}
    assert all(t.reason.startswith(reason) for t in bad)
    assert len(bad) == (1 if mode == "dies" else 2)
    assert [t.seconds > 0 for t in bad] == [mode != "dies"] * len(bad)
    assert searches.accounted(search) > 0
    assert all(t.learning_rate == 1e-2 and t.validation_accuracy is None for t in bad)
    assert search.best is not None
    assert search.best.learning_rate != 1e-2 or mode == "dies"


def test_a_search_without_one_good_trial_is_an_error(tmp_path: Path, data: Path) -> None:
    run, jobs = make(tmp_path / "run", data, ["raise"], ("tune-random",))
    run_jobs(run, jobs, READY)
    launch = found(run, "raise", "tune-random")
    assert launch.status == "error"
    assert launch.reason.startswith("every trial failed; the first: error: RuntimeError")


def test_the_pruner_ends_trials_below_the_median(tmp_path: Path, data: Path) -> None:
    run, jobs = make(tmp_path / "run", data, ["poor-1e-4"], ("tune-grid",), prune=True)
    run_jobs(run, jobs, READY)
    trials = search_of(found(run, "poor-1e-4", "tune-grid")).trials
    assert (trials[-1].status, trials[-1].learning_rate) == ("pruned", 1e-4)
    assert len(trials[-1].epoch_accuracies) == 2  # one epoch is always left to it
    assert trials[-1].reason == "3 epochs not run"
    assert all(len(t.epoch_accuracies) == 5 for t in trials[: tuning.STARTUP_TRIALS])


def test_a_half_written_journal_and_a_dead_lock_are_no_obstacle(tmp_path: Path) -> None:
    study = open_study(tmp_path)
    study.tell(study.ask(SPACE), state=TrialState.FAIL)
    journal = tmp_path / "journal.log"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code": 4, "wor')
    (tmp_path / "journal.log.lock").symlink_to(journal)
    again = open_study(tmp_path)
    assert journal.read_bytes().startswith(whole + b'{"op_code"')
    assert b'"wor{' not in journal.read_bytes()
    again.tell(again.ask(SPACE), state=TrialState.FAIL)
    assert [t.state for t in again.trials] == [TrialState.FAIL] * 2


def test_a_clock_gives_every_instant_to_one_phase() -> None:
    clock = Clock("other")
    for pause in (0.06, 0.02, 0.02):
        with clock.lap("train"):
            time.sleep(pause)
        with clock.lap("tuner"):
            time.sleep(0.005)
    time.sleep(0.03)
    clock.split("other")
    phases = clock.phases()
    assert sum(map(sum, clock.laps.values())) == pytest.approx(clock.seconds)
    assert phases["compile"] == pytest.approx(0.04, abs=0.015)
    assert phases["train"] + phases["compile"] == pytest.approx(sum(clock.laps["train"]))
    assert sum(phases.values()) < 0.9 * clock.seconds  # the pause that nothing names


def test_certificates_cover_both_ends_and_the_middle() -> None:
    assert [p.units for p in CERTIFIED] == [32, 128, 512]
    assert {p.learning_rate for p in CERTIFIED} == set(RATES)
