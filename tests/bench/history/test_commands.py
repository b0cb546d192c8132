"""`bench history` with real exit codes."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.history import store
from bench.history.order import late
from bench.records.store import Run
from tests.bench.history.made import about, entry, kept, launches
from tests.support.command import bench
from tests.support.records import run_file


def test_commands_end_to_end(installed: Path, tmp_path: Path) -> None:
    """add, show and check with real exit codes: first too few runs, then even, then slower."""
    envs = str(installed.parents[2])

    def add(days: range, seconds: float) -> None:
        rng = np.random.default_rng(1)
        for day in days:
            run = Run.create(tmp_path / f"run{day}", run_file(about(day)))
            for each in launches(seconds * math.exp(rng.normal(0, 0.01))):
                run.add(each["launch"]["job"]["id"], each)
        folders = [f"run{day}" for day in days]
        assert bench("history", "add", *folders, "--history", "h", cwd=tmp_path).returncode == 0

    def check(*options: str) -> Any:
        command = ["history", "check", "--history", "h", *options]
        return bench(*command, cwd=tmp_path, BENCH_ENVS=envs)

    add(range(2), 0.1)
    assert check().returncode == 2
    add(range(2, 10), 0.1)
    even = check()
    assert even.returncode == 0, even.stdout
    add(range(10, 16), 0.13)
    assert "16" in bench("history", "show", "--history", "h", cwd=tmp_path).stdout
    done = check()
    assert done.returncode == 1
    assert "WORSE: fnn-mnist pytorch:eager cpu 2t train_throughput -2" in done.stdout
    assert "20260111T030000-" in done.stdout
    assert check("--since", "2026-02-01").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "nowhere"], "does not exist"),
        (["show", "--history", "nowhere"], "no history"),
        (["check", "--history", "empty"], "holds no run"),
        (["check", "--history", "empty", "--since", "yesterday"], "not a date"),
        (["check", "--history", "empty", "--since", "25-11-2026"], "not a date"),
        (["check", "--history", "empty", "--since", "2026-02-31"], "not a date"),
        (["check", "--history", "empty", "--since", "2026-2-3"], "not a date"),
        (["check", "--history", "empty", "--since", "20260203"], "not a date"),
        (["check", "--history", "empty", "--since", "2999-01-01"], "yet to come"),
        (["check", "--history", "short"], "could not be judged"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "empty").mkdir()
    store.append(tmp_path / "short", entry(0))
    done = bench("history", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_run_from_the_future_is_said(tmp_path: Path) -> None:
    """A clock that said 2099: it would be the newest for ever."""
    run = Run.create(tmp_path / "late", run_file(about(0) | {"created": "2099-01-01T00:00:00"}))
    for each in launches():
        run.add(each["launch"]["job"]["id"], each)
    done = bench("history", "add", "late", "--history", "h", cwd=tmp_path)
    assert done.returncode == 2
    assert "the clock was wrong" in done.stderr
    future = kept(about(0) | {"created": "2099-01-01T00:00:00"}, launches())
    for one in (entry(0), future):
        store.append(tmp_path / "kept", one)
    done = bench("history", "check", "--history", "kept", cwd=tmp_path)
    assert done.returncode == 2
    assert "begun on 2099-01-01, which is not yet" in done.stderr


def test_an_old_revision_that_was_measured_late_is_said(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run([*git, "init", "-q"], check=True)
    for name in ("one", "two"):
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", name], check=True)
        subprocess.run([*git, "tag", name], check=True)
    runs = [kept(about(day), launches(), name) for day, name in enumerate(("two", "one"))]
    (said,) = late(runs, tmp_path)
    assert "is of revision one, which is older than that of the run before it (two)" in said
    assert late(runs[::-1], tmp_path) == []
    assert late(runs, tmp_path / "nowhere") == []


def test_an_unfinished_run_is_not_kept(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "half", run_file(about(0)))
    for each in launches()[:2]:
        run.add(each["launch"]["job"]["id"], each)
    done = bench("history", "add", "half", "--history", "h", cwd=tmp_path)
    assert done.returncode == 2
    assert "is not finished" in done.stderr
