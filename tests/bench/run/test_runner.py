"""Real worker processes with contenders that misbehave: each way to end is a typed record."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.plan.jobs import pending
from bench.records.record import Job, Request
from bench.records.schema import Launch
from bench.records.store import Run
from bench.run.environments import Environment
from bench.run.launches import run_jobs
from tests.support.fakes.misbehaving import implementation
from tests.support.plans import READY, SMALL, begin, plan_of, start_script


def make(tmp_path: Path, data: Path, modes: list[str], launches: int = 1) -> tuple[Run, list[Job]]:
    names = tuple(f"fake:{mode}" for mode in modes)
    request = Request("smoke", ("fnn-mnist",), names, launches=launches)
    return begin(tmp_path / "run", plan_of(request, map(implementation, modes), data, SMALL))


def status(run: Run, mode: str) -> tuple[str, str]:
    """The worst status of a fake's launches, and its reason."""
    mine = [launch for name, launch in run.records().items() if f"fake-{mode}~" in name]
    bad = [launch for launch in mine if launch.status != "ok"]
    return (bad[0].status, bad[0].reason) if bad else ("ok", "")


EXPECTED = {
    "crash": ("crash", "SIGSEGV"),
    "exit": ("crash", "exit status 3"),
    "memory": ("out-of-memory", "limit 1.0 GiB by --memory-limit"),
    "rubbish": ("ok", ""),
    "early": ("unverified", "error"),
    "lazy-wait": ("unverified", "after wait"),
    "diverge": ("diverged", "not finite"),
    "unsupported": ("unsupported", "supports nothing"),
    "raise": ("error", "RuntimeError: the fake raised"),
}


def test_every_misbehaviour_is_a_typed_record_and_the_others_stand(
    tmp_path: Path, data: Path
) -> None:
    run, jobs = make(tmp_path, data, ["honest", *EXPECTED])
    run_jobs(run, jobs, READY, memory_limit_bytes=2**30)
    assert status(run, "honest") == ("ok", "")
    for mode, (word, reason) in EXPECTED.items():
        found = status(run, mode)
        assert found[0] == word, (mode, found)
        assert reason in found[1], (mode, found)
        assert "\n" not in found[1]


def test_a_hanging_worker_is_stopped_at_its_limit(tmp_path: Path, data: Path) -> None:
    run, jobs = make(tmp_path, data, ["hang"])
    short = [replace(job, budget=replace(job.budget, timeout_seconds=4.0)) for job in jobs]
    run_jobs(run, short, READY)
    assert status(run, "hang") == ("timeout", "stopped after 4 s")


def test_a_framework_that_is_not_there_is_a_row(tmp_path: Path, data: Path) -> None:
    run, jobs = make(tmp_path, data, ["honest"])
    gone = {"fake": Environment("fake", "uninstallable", "", "pip could not install it: no wheel")}
    run_jobs(run, jobs, gone)
    assert status(run, "honest") == ("uninstallable", "pip could not install it: no wheel")


def test_records_hold_all_raw_rounds_and_pytest_benchmark_reads_them(
    tmp_path: Path, data: Path
) -> None:
    run, jobs = make(tmp_path, data, ["honest"])
    run_jobs(run, jobs, READY)
    name, launch = next((i, x) for i, x in run.records().items() if x.kind == "measure")
    record = json.loads((run.launches / f"{name}.json").read_text())
    phases = {b["extra_info"]["phase"]: b["stats"] for b in record["benchmarks"]}
    assert list(phases) == ["learn", "train", "step", "infer", "latency"]
    assert all(len(s["data"]) == s["rounds"] > 0 for s in phases.values())
    counting = {turn.number for turn in launch.launch.turns if turn.counts}
    for benchmark in record["benchmarks"]:
        phase, data = benchmark["extra_info"]["phase"], benchmark["stats"]["data"]
        turns = benchmark["extra_info"].get("turns") or [None] * len(data)
        counted = [s for s, t in zip(data, turns, strict=True) if t is None or t in counting]
        assert launch.rounds(phase).tolist() == counted
    assert set(record["launch"]["seconds"]) == {
        "import",
        "build",
        "stage",
        "first_step",
        "first_round",
    }
    assert launch.launch.peak_rss_bytes is not None
    assert launch.launch.peak_rss_bytes > 2**24
    assert launch.launch.packages["numpy"] == np.__version__
    files = sorted(str(p) for p in run.launches.glob("*.json"))
    done = subprocess.run(
        ["pytest-benchmark", "compare", *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "fnn-mnist train" in done.stdout


def test_a_run_in_a_relative_folder(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run, jobs = make(Path("."), data, ["honest"])
    run_jobs(run, jobs[:1], READY)
    assert status(run, "honest") == ("ok", "")


def wait_at_most(process: subprocess.Popen[bytes], seconds: float, run: Run, records: int) -> None:
    """Until the process ends, the time is over, or so many records exist.

    The last keeps a fast machine from finishing the run before it was killed ten times.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if len(Run.open(run.path).records()) >= records:
            return
        time.sleep(0.02)


def _of_whole_sittings(records: dict[str, Launch], jobs: list[Job]) -> dict[str, Launch]:
    """Killed between two records of a sitting, the runner measures all of it anew."""
    half = {job.block for job in pending(jobs, records) if job.kind == "measure"}
    return {
        name: launch
        for name, launch in records.items()
        if launch.kind != "measure" or launch.job.block not in half
    }


def test_killed_at_ten_random_instants_nothing_is_lost_or_doubled(
    tmp_path: Path, data: Path
) -> None:
    run, jobs = make(tmp_path, data, ["honest", "raise"], launches=12)
    rng = random.Random(4)
    seen: dict[str, Launch] = {}
    kills = 0
    for _ in range(200):
        process = start_script(run, jobs)
        if kills < 10:
            wait_at_most(process, 0.7 + 1.5 * rng.random(), run, len(seen) + 2)
        else:
            process.wait(300)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        records = _of_whole_sittings(Run.open(run.path).records(), jobs)
        assert all(records[key] == value for key, value in seen.items()), "a record changed"
        seen = records
        if not pending(jobs, records):
            break
    assert kills >= 10
    assert pending(jobs, seen) == []
    wanted = {j.id for j in jobs if j.kind == "certify" or "raise" not in j.id}
    assert set(seen) == wanted
    time.sleep(0.5)
    mine = subprocess.run(
        ["pgrep", "-f", str(run.path)], capture_output=True, text=True, check=False
    )
    assert mine.stdout == "", "a worker outlived its runner"
