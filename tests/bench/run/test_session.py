"""A run is only gone on with where it was begun: same machine, tasks, data and way of measuring."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.plan.request import matching_tasks
from bench.records.record import Request
from bench.records.schema import RunFile
from bench.records.store import Run
from bench.run import session
from tasks.errors import UserError
from tasks.spec.form import digest, restored

PAGE = os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that was begun and has no record yet, of a task with data made on the spot."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_ENVS", str(tmp_path / "envs"))
    monkeypatch.setattr(platform, "release", lambda: "6.18.44-fc-v595")
    request = Request("smoke", ("rnn-sequence",), ("pytorch:eager",))
    session.start(request, tmp_path / "run", None)
    return tmp_path / "run"


def memory_more_by(monkeypatch: pytest.MonkeyPatch, size_bytes: int) -> None:
    """The machine has so many bytes more than it had."""
    known = os.sysconf
    more = {"SC_PHYS_PAGES": size_bytes // PAGE}
    monkeypatch.setattr(os, "sysconf", lambda name: known(name) + more.get(name, 0))


def test_a_run_keeps_its_tasks_and_its_jobs_carry_them(begun: Path) -> None:
    about = Run.open(begun).about()
    (task,) = matching_tasks(["rnn-sequence"])
    assert about.digest("rnn-sequence") == digest(task)
    assert restored(about.tasks["rnn-sequence"].definition) == task
    assert [restored(job.work) for job in session.resume(begun).jobs] == [task] * 3


def test_a_reboot_is_not_another_machine(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory_more_by(monkeypatch, 64 * 1024)
    monkeypatch.setattr(platform, "release", lambda: "6.18.45-fc-v700")
    assert session.resume(begun).request.tasks == ("rnn-sequence",)


@pytest.mark.parametrize("what", ["memory", "kernel"])
def test_another_machine_is_refused(
    begun: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    if what == "memory":
        memory_more_by(monkeypatch, 2**32)
    else:
        monkeypatch.setattr(platform, "release", lambda: "6.19.1")
    with pytest.raises(UserError, match="on another machine"):
        session.resume(begun)


def _older(raw: dict[str, Any]) -> None:
    raw["tasks"] = {}


def _timed_otherwise(raw: dict[str, Any]) -> None:
    raw["suite"]["measurement"] = 0


def _data_gone(raw: dict[str, Any]) -> None:
    raw["datasets"]["rnn-sequence"]["folder"] = "gone"


def _data_nowhere(raw: dict[str, Any]) -> None:
    raw["datasets"]["rnn-sequence"]["folder"] = "é" * 300


def _data_elsewhere(raw: dict[str, Any]) -> None:
    raw["datasets"]["rnn-sequence"]["folder"] = "../run"


def _contender_gone(raw: dict[str, Any]) -> None:
    raw["request"]["implementations"] = ["pytorch:gone"]


def _device_gone(raw: dict[str, Any]) -> None:
    raw["request"]["device"] = "abacus"


def _task_gone(raw: dict[str, Any]) -> None:
    raw["datasets"]["other"] = raw["datasets"]["rnn-sequence"]
    raw["request"]["tasks"] = ["rnn-sequence", "other"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_older, "kept no tasks"),
        (_timed_otherwise, "another way"),
        (_data_gone, "is gone from the cache"),
        (_contender_gone, "asks for pytorch:gone, which this suite does not have"),
        (_device_gone, "abacus"),
        (_task_gone, "asks for other and does not keep it"),
        (_data_nowhere, "is gone from the cache"),
        (_data_elsewhere, "is gone from the cache"),
    ],
)
def test_what_was_begun_otherwise_is_refused(
    begun: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    path = begun / "run.json"
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))
    RunFile.model_validate_json(path.read_text())  # the file itself is whole
    with pytest.raises(UserError, match=words):
        session.resume(begun)


def test_the_command_names_no_place_on_this_machine() -> None:
    words = ["run", "--env", "jax=/opt/site/bin/python3", "--out", "/home/me/runs/gpu"]
    assert session.command(words) == "bench run --env jax=…/python3 --out …/gpu"
    assert session.command(["run", "--out", "results/mine"]) == "bench run --out results/mine"
