"""Installed packages add tasks, figures and formats; a broken one is a warning with its name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bench.records.store import Run
from bench.run.environments import PROJECT
from tests.support.command import bench
from tests.support.plugins import BROKEN, install
from tests.support.records import record, run_file, stored


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    install(folder / "site")
    run = Run.create(folder / "run", run_file())
    stored(run, [record(block=block) for block in range(3)])
    return folder


def command(home: Path, *words: str) -> tuple[int, str, str]:
    search = os.pathsep.join([str(PROJECT), str(home / "site")])
    done = bench(*words, cwd=home, PYTHONPATH=search)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def warned(text: str, kind: str) -> set[str]:
    """The names of the plug-ins of that kind that were left out."""
    lines = [line for line in text.splitlines() if f"(framework_bench.{kind})" in line]
    assert all(line.startswith("bench: warning: plug-in ") for line in lines)
    return {line.split()[3] for line in lines}


def test_a_task_is_listed_and_certified(home: Path) -> None:
    status, said, errors = command(home, "list", "--json")
    assert status == 0
    assert "plugged" in {row["task"] for row in json.loads(said)["tasks"]}
    assert warned(errors, "tasks") == {*BROKEN, "nowhere"}
    words = ["--tasks", "plug*", "--implementations", "pytorch:loop", "--out", "verified"]
    assert command(home, "verify", *words)[0] == 2  # nothing is installed there
    run = json.loads((home / "verified" / "run.json").read_text())
    assert run["request"]["tasks"] == ["plugged"]
    assert run["datasets"]["plugged"]["folder"].startswith("own/plugged-")


def test_a_framework_is_listed_without_being_imported(home: Path) -> None:
    status, said, errors = command(home, "list", "--json")
    assert status == 0
    rows = {row["implementation"]: row for row in json.loads(said)["implementations"]}
    assert rows["mynet:plain"]["status"] == "missing"
    assert rows["mynet:plain"]["summary"] == "the oracle itself"
    assert warned(errors, "adapters") == {*BROKEN, "nowhere"}


def test_a_format_is_offered_and_written(home: Path) -> None:
    status, said, errors = command(home, "export", "run", "--format", "words")
    assert (status, said) == (0, "fnn-mnist\n")
    assert warned(errors, "exports") == {*BROKEN, "nowhere"}


def test_a_figure_stands_in_the_report(home: Path) -> None:
    status, _, errors = command(home, "report", "run")
    assert status == 0, errors
    assert (home / "run" / "extra.svg").exists()
    assert (home / "run" / "speed.svg").exists()
    assert warned(errors, "figures") == {*BROKEN, "nowhere"}


def test_what_fails_at_its_work_is_left_out_too(home: Path) -> None:
    package = home / "site" / "extra_for_bench"
    for name in ("figures", "exports"):
        text = (package / f"{name}.py").read_text()
        (package / f"{name}.py").write_text(text.replace("    return", "    1 / 0\n    return"))
    status, _, errors = command(home, "report", "run", "--out", "again")
    assert (status, "plug-in good (framework_bench.figures)" in errors) == (0, True)
    assert (home / "again" / "speed.svg").exists()
    status, _, errors = command(home, "export", "run", "--format", "words")
    assert status == 2
    assert "plug-in good (framework_bench.exports) is left out: ZeroDivisionError" in errors
