"""Certificates at once: as many as there is room for, told of in one thread, ended together."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.machine import cores
from bench.records.record import Cell, Job, Outcome, Record, Request, failure_record
from bench.records.store import Run
from bench.run import together as module
from bench.run.launches import run_jobs
from bench.run.together import Abandoned, at_once, together
from tests.support.fakes.misbehaving import implementation
from tests.support.plans import READY, SMALL, begin, plan_of, start_script


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "chosen", lambda threads: tuple(range(threads)))
    monkeypatch.setattr(module, "available_bytes", lambda: 20 * 2**30)


def certificates(*cells: tuple[str, str], threads: int = 2) -> list[Job]:
    budget = SMALL
    return [
        Job(
            f"certify~{task}~{name}", "certify", Cell(task, name, "cpu", "fp32", threads), 0, 0, 0,
            "fake", "nowhere", "numpy", "data", budget,
        )
        for task, name in cells
    ]  # fmt: skip


def ended(job: Job, status: str = "ok") -> Record:
    return failure_record(job, Outcome(status))  # type: ignore[arg-type]


class Working:
    """Counts who is at work; each ends when as many as are wanted have met, or after a while."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.now: list[str] = []
        self.most = 0
        self.pairs: list[set[str]] = []
        self.lock = threading.Lock()

    def start(self, job: Job, limit: int | None, poll: Callable[[], None]) -> Record:
        with self.lock:
            self.now.append(job.cell.task)
            self.most = max(self.most, len(self.now))
            if len(self.now) > 1:
                self.pairs.append(set(self.now))
        end = time.monotonic() + 0.5
        while self.most < self.wanted and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.05)
        with self.lock:
            self.now.remove(job.cell.task)
        return ended(job)


@pytest.mark.usefixtures("two_cores")
def test_two_work_at_once_and_their_records_come_one_by_one_in_one_thread() -> None:
    jobs = certificates(("a", "f:1"), ("a", "f:2"), ("b", "f:1"), ("b", "f:2"))
    working, told = Working(2), []

    def done(job: Job, record: Record) -> None:
        assert threading.current_thread() is threading.main_thread()
        told.append(job.id)

    together(jobs, working.start, done, lambda job: None)
    assert sorted(told) == sorted(job.id for job in jobs)
    assert working.most == 2


@pytest.mark.usefixtures("two_cores")
def test_neighbours_are_of_different_tasks_as_long_as_there_are_any() -> None:
    working = Working(2)
    jobs = certificates(("a", "f:1"), ("a", "f:2"), ("b", "f:1"), ("b", "f:2"))
    together(jobs, working.start, lambda job, record: None, lambda job: None)
    assert working.pairs[0] == {"a", "b"}


def test_how_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "chosen", lambda threads: tuple(range(min(threads, 16))))
    monkeypatch.setattr(module, "available_bytes", lambda: 100 * 2**30)
    job, wide = certificates(("a", "f:1"))[0], certificates(("a", "f:1"), threads=99)[0]
    assert at_once(job) == 2
    assert at_once(wide) == 16
    assert at_once(replace(wide, cell=replace(wide.cell, device="cuda"))) == 8
    monkeypatch.setattr(module, "available_bytes", lambda: 7 * 2**30)
    assert at_once(wide) == 2
    monkeypatch.setattr(module, "available_bytes", lambda: 2**30)
    assert at_once(wide) == 1


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize("status", ["out-of-memory", "crash", "timeout"])
def test_what_another_may_have_caused_is_made_again_alone(status: str) -> None:
    jobs = certificates(("a", "f:1"), ("b", "f:1"), ("c", "f:1"))
    working, limits = Working(2), []

    def start(job: Job, limit: int | None, poll: Callable[[], None]) -> Record:
        working.start(job, limit, poll)
        if job.cell.task == "b":
            limits.append(limit)
        return ended(job, status if job.cell.task == "b" else "ok")

    told: list[tuple[str, str]] = []
    together(
        jobs, start, lambda job, r: told.append((job.cell.task, r["launch"]["status"])),
        lambda job: None,
    )  # fmt: skip
    assert sorted(told) == [("a", "ok"), ("b", status), ("c", "ok")]
    assert limits == [int(0.9 * 20 * 2**30) // 2, None]  # alone it may have all there is


@pytest.mark.usefixtures("two_cores")
def test_one_that_was_never_beside_another_is_not_made_twice() -> None:
    starts: list[str] = []

    def start(job: Job, limit: int | None, poll: Callable[[], None]) -> Record:
        starts.append(job.id)
        return ended(job, "crash")

    told: list[str] = []
    together(certificates(("a", "f:1")), start, lambda job, r: told.append(job.id), lambda j: None)
    assert len(starts) == len(told) == 1


@pytest.mark.usefixtures("two_cores")
def test_an_interrupt_ends_all_that_work() -> None:
    ends: list[str] = []

    def start(job: Job, limit: int | None, poll: Callable[[], None]) -> Record:
        try:
            while True:
                time.sleep(0.01)
                poll()
        except Abandoned:
            ends.append(job.id)
            raise

    def interrupted(job: Job) -> None:
        raise KeyboardInterrupt

    jobs = certificates(("a", "f:1"), ("b", "f:1"), ("c", "f:1"))
    with pytest.raises(KeyboardInterrupt):
        together(jobs, start, lambda job, record: None, interrupted)
    assert sorted(ends) == [job.id for job in jobs[:2]]


def workers_of(run: Run) -> list[str]:
    found = subprocess.run(
        ["pgrep", "-f", f"bench.worker.launch {run.path}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return found.stdout.split()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_runner_that_is_stopped_leaves_none_of_its_workers(
    tmp_path: Path, data: Path, number: signal.Signals
) -> None:
    modes = ["hang", "slow"]
    names = tuple(f"fake:{mode}" for mode in modes)
    plan = plan_of(Request("smoke", ("fnn-mnist",), names), map(implementation, modes), data, SMALL)
    run, jobs = begin(tmp_path / "run", plan)
    jobs = [replace(job, cell=replace(job.cell, threads=2)) for job in jobs]
    runner = start_script(run, jobs)
    wanted = at_once(jobs[0])
    end = time.monotonic() + 60
    while len(workers_of(run)) < wanted and time.monotonic() < end:
        time.sleep(0.1)
    assert len(workers_of(run)) == wanted
    runner.send_signal(number)
    runner.wait(30)
    end = time.monotonic() + 10  # one that was still importing says so once it can
    while workers_of(run) and time.monotonic() < end:
        time.sleep(0.1)
    assert workers_of(run) == []
    assert run.records() == {}


def test_certificates_of_a_run_are_all_there(tmp_path: Path, data: Path) -> None:
    modes = ["honest", "raise", "unsupported"]
    names = tuple(f"fake:{mode}" for mode in modes)
    plan = plan_of(Request("smoke", ("fnn-mnist",), names), map(implementation, modes), data, SMALL)
    run, jobs = begin(tmp_path / "run", plan)
    proofs = [
        replace(job, cell=replace(job.cell, threads=2)) for job in jobs if job.kind == "certify"
    ]
    run_jobs(run, proofs, READY)
    assert {launch.status for launch in run.records().values()} == {"ok", "error", "unsupported"}
    assert len(run.records()) == 3
