"""Sittings with real processes: turns, who ends in one, and that nobody is left behind stopped."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import psutil
import pytest

from bench.records.record import Job, Request
from bench.records.store import Run
from bench.run.environments import Environment
from bench.run.launches import clean, run_jobs
from bench.run.sitting import PHASES, Seat, sit
from tests.support.fakes import misbehaving
from tests.support.plans import READY, SMALL, begin, plan_of, start_script


def made(path: Path, data: Path, modes: list[str], launches: int = 1) -> tuple[Run, list[Job]]:
    """A run of fakes, and its measuring jobs."""
    names = tuple(f"fake:{mode}" for mode in modes)
    request = Request("smoke", ("fnn-mnist",), names, launches=launches)
    plan = plan_of(request, map(misbehaving.implementation, modes), data, SMALL)
    run, jobs = begin(path / "run", plan)
    (run.path / "tmp").mkdir()
    return run, [job for job in jobs if job.kind == "measure"]


def seats(run: Run, jobs: list[Job]) -> list[Seat]:
    return [Seat(run, job, READY["fake"]) for job in jobs]


def workers() -> list[psutil.Process]:
    """Worker processes of this test's that are alive, stopped or not."""
    found = psutil.process_iter(["cmdline", "status"])
    return [
        p
        for p in found
        if "bench.worker.launch" in (p.info["cmdline"] or [])
        and any("fake" in word for word in p.info["cmdline"])
        and p.info["status"] != psutil.STATUS_ZOMBIE
    ]


def test_all_take_the_same_turns_in_every_phase(tmp_path: Path, data: Path) -> None:
    run, jobs = made(tmp_path, data, ["honest", "rubbish"])
    assert len(jobs) == 3  # one of them twice
    records = sit(seats(run, jobs))
    turns = records[0]["launch"]["turns"]
    assert [phase for phase, _ in groupby(t["phase"] for t in turns)] == list(PHASES)
    assert [t["number"] for t in turns] == list(range(len(turns)))
    for phase in PHASES:
        assert sum(t["counts"] for t in turns if t["phase"] == phase) >= SMALL.turns
    for job, record in zip(jobs, records, strict=True):
        launch = run.add(job.id, record)
        assert launch.status == "ok", launch.reason
        assert record["launch"]["turns"] == turns
        for phase in PHASES:
            counting = {t["number"] for t in turns if t["phase"] == phase and t["counts"]}
            assert set(launch.slices(phase)) == counting
            assert len(launch.rounds(phase)) >= len(counting)


def test_rounds_of_turns_that_do_not_count_are_kept_and_not_used(
    tmp_path: Path, data: Path
) -> None:
    run, jobs = made(tmp_path, data, ["honest"])
    record = sit(seats(run, jobs[:1]))[0]
    dropped = next(t for t in record["launch"]["turns"] if t["phase"] == "train" and t["counts"])
    whole = run.add("whole", record).rounds("train")
    dropped |= {"counts": False, "cause": "others took 50% of our cores"}
    launch = run.add("less", record)
    assert dropped["number"] not in launch.slices("train")
    raw = next(b for b in record["benchmarks"] if b["extra_info"]["phase"] == "train")
    assert len(launch.rounds("train")) < len(whole) <= len(raw["stats"]["data"])


@pytest.mark.parametrize(
    ("mode", "status"), [("crash", "crash"), ("exit", "crash"), ("raise", "error")]
)
def test_one_that_ends_leaves_the_others_their_turns(
    tmp_path: Path, data: Path, mode: str, status: str
) -> None:
    run, jobs = made(tmp_path, data, ["honest", mode])
    records = sit(seats(run, jobs))
    for job, record in zip(jobs, records, strict=True):
        wanted = "ok" if job.cell.mode == "honest" else status
        assert run.add(job.id, record).status == wanted


def test_who_has_no_environment_has_a_record_and_no_seat(tmp_path: Path, data: Path) -> None:
    run, jobs = made(tmp_path, data, ["honest", "rubbish"])
    gone = Environment("fake", "uninstallable", "", "no wheel")
    there = seats(run, jobs)
    records = sit([replace(there[0], environment=gone), *there[1:]])
    assert [r["launch"]["status"] for r in records] == ["uninstallable", "ok", "ok"]


def test_half_a_sitting_is_measured_anew(tmp_path: Path, data: Path) -> None:
    run, jobs = made(tmp_path, data, ["honest", "rubbish"], launches=2)
    run_jobs(run, jobs, READY)
    whole = run.records()
    run.remove(jobs[0].id)
    assert len(clean(run)) == len(jobs) - 1, "what is there stays until its sitting begins"
    run_jobs(run, jobs, READY)
    again = run.records()
    assert again.keys() == whole.keys()
    for job in jobs:
        same = again[job.id].launch.turns == whole[job.id].launch.turns
        assert same is (job.block == 1)


def test_a_killed_runner_leaves_no_process_behind(tmp_path: Path, data: Path) -> None:
    """At random instants of sittings: a stopped worker would be for ever there."""
    run, jobs = made(tmp_path, data, ["honest", "rubbish"], launches=8)
    rng = np.random.default_rng(5)
    for _ in range(8):
        runner = start_script(run, jobs)
        time.sleep(1.0 + 3.0 * rng.random())
        runner.send_signal(signal.SIGKILL)
        runner.wait()
        ends = time.monotonic() + 5
        while workers() and time.monotonic() < ends:
            time.sleep(0.05)
        assert not workers()
