"""The command line as a user meets it: a mistake is one line and exit status 2."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import cast

import pytest

from bench.discover import Divisions, implementations, tuners, usual
from bench.records.record import SCHEMA
from bench.run.environments import PROJECT
from tests.support import task_files
from tests.support.command import bench
from tests.support.task_files import write_data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corrupt").mkdir()
    (tmp_path / "corrupt" / "mnist.npz").write_bytes(b"PK\x03\x04 not a zip")
    (tmp_path / "future").mkdir()
    (tmp_path / "future" / "run.json").write_text(json.dumps({"schema": SCHEMA + 1}))
    (tmp_path / "garbage").mkdir()
    (tmp_path / "garbage" / "run.json").write_text("\x00\xff")
    write_data(tmp_path)
    (tmp_path / "exits.py").write_text(task_files.MISTAKES["ends its process"][0])
    (tmp_path / "text.py").write_text(task_files.MISTAKES["text in a line"][0])
    (tmp_path / "mine.py").write_text(task_files.GOOD)
    return tmp_path


COMMANDS = (
    "compare", "regress",
    "run", "verify", "report", "list", "data", "doctor", "export", "history", "history add",
    "history show", "history check",
)  # fmt: skip
MISTAKES = [
    (["run", "--tasks", "no-such-task"], "no task matches"),
    (["run", "--tasks", ""], "empty pattern"),
    (["run", "--implementations", "theano"], "no implementation matches"),
    (["verify", "--implementations", ","], "empty pattern"),
    (["run", "--division", "documented", "--implementations", "sklearn"], "no implementation"),
    (["run", "--data-dir", "nowhere"], "is no folder"),
    (["run", "--data-dir", "corrupt"], "is damaged"),
    (["run", "--resume"], "nothing to resume"),
    (["run", "--resume", "--out", "future"], "newer version"),
    (["run", "--budget", "soon"], "no duration"),
    (["run", "--margin", "lots"], "no fraction"),
    (["run", "--device", "cuda"], "no NVIDIA driver"),
    (["run", "--device", "tpu"], "--device tpu: no such device; choose from: cpu, cuda"),
    (["list", "--device", "tpu"], "--device tpu: no such device"),
    (["run", "--seed", "-1"], "--seed must be at least 0"),
    (["run", "--seed", "4294967296"], "--seed must be under"),
    (["verify", "--seed", "-1"], "--seed must be at least 0"),
    (["run", "--task", "nowhere.py"], "--task nowhere.py: there is no such file"),
    (["run", "--task", "exits.py"], "--task exits.py: its process ended with exit status 0"),
    (["verify", "--task", "text.py"], "text.csv line 3, column b: 'old' is no number"),
    (["verify", "--task", "text.py", "--tasks", "none"], "--task text.py"),
    (["report", "nowhere"], "does not exist"),
    (["report", "garbage"], "cannot be read"),
    (["report", "future"], "newer version"),
    (["data", "path", "no-such-set"], "no data set"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=lambda x: " ".join(x)[:40])
def test_a_mistake_is_one_line_and_exit_2(folder: Path, arguments: list[str], words: str) -> None:
    done = bench(*arguments, cwd=folder, PATH="/nonexistent")
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("arguments", [["run", "--profile", "huge"], ["frobnicate"], ["report"]])
def test_a_usage_error_is_exit_2_without_a_traceback(folder: Path, arguments: list[str]) -> None:
    done = bench(*arguments, cwd=folder)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [[], *(c.split() for c in COMMANDS)])
def test_help_reads_well(folder: Path, command: list[str]) -> None:
    done = bench(*command, "--help", cwd=folder)
    assert done.returncode == 0
    assert "Usage: bench" in done.stdout


def test_list_says_what_is_not_ready_and_why(folder: Path) -> None:
    done = bench("list", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert {row["status"] for row in listed["implementations"]} == {"missing"}
    assert all("bench setup" in row["reason"] for row in listed["implementations"])
    assert any(row["task"] == "fnn-mnist" for row in listed["tasks"])


def test_list_shows_the_division_of_each_row(folder: Path) -> None:
    listed = json.loads(bench("list", "--json", cwd=folder).stdout)["implementations"]
    rows = {row["implementation"]: row for row in listed}
    assert rows["pytorch:loop"]["division"] == "documented"
    assert rows["pytorch:loop"]["departures"] == []
    assert rows["pytorch:eager"]["division"] == "tuned"
    assert "losses are read once a call, not once a step" in rows["pytorch:eager"]["departures"]
    text = bench("list", cwd=folder, COLUMNS="80").stdout
    documented, tuned = text.split("Documented implementations")[1].split("Tuned implementations")
    for name, row in rows.items():
        part = documented if row["division"] == "documented" else tuned
        mark = " *" if row["taken"] else "  "
        assert f"\n{name}{mark}" in part, name


@pytest.mark.parametrize("division", ["documented", "tuned", "both"])
def test_verify_takes_the_rows_of_the_division(folder: Path, division: str) -> None:
    words = ["--division", division, "--tasks", "fnn-mnist", "--json"]
    rows = json.loads(bench("verify", *words, cwd=folder).stdout)["certificates"]
    wanted = usual([*implementations(), *tuners()], cast(Divisions, division))
    names = {row.name for row in wanted if row.does("fnn-mnist")}
    assert {row["implementation"] for row in rows} == names
    assert len(rows) == len(names)


def test_a_run_keeps_what_its_division_was_resolved_to(folder: Path) -> None:
    words = ["--division", "documented", "--implementations", "pytorch,keras", "--out", "r"]
    done = bench("run", "--profile", "smoke", *words, cwd=folder)
    assert done.returncode == 2, done.stderr  # nothing is installed there
    request = json.loads((folder / "r" / "run.json").read_text())["request"]
    assert request["implementations"] == [
        row.name
        for row in implementations()
        if row.framework in ("pytorch", "keras") and row.division == "documented"
    ]


def test_list_fits_80_columns_and_breaks_no_name(folder: Path) -> None:
    done = bench("list", cwd=folder, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    words = [line.split()[0] for line in lines if line and not line.startswith(" ")]
    listed = json.loads(bench("list", "--json", cwd=folder).stdout)
    named = {"tasks": "task", "implementations": "implementation", "tuners": "implementation",
             "devices": "device"}  # fmt: skip
    for kind, key in named.items():
        for row in listed[kind]:
            assert words.count(row[key]) == 1, row[key]


def test_version(folder: Path) -> None:
    done = bench("--version", cwd=folder)
    assert done.returncode == 0
    assert done.stdout == f"framework-bench {metadata.version('framework-bench')}\n"


def test_verify_without_any_framework_fails_and_says_why(folder: Path) -> None:
    """Nothing measured is never green."""
    done = bench("verify", "--tasks", "fnn-mnist", "--json", cwd=folder)
    assert done.returncode == 2, done.stderr
    rows = json.loads(done.stdout)["certificates"]
    assert {row["status"] for row in rows} == {"uninstallable"}


def test_a_run_that_measured_nothing_is_not_green(folder: Path) -> None:
    done = bench("run", "--tasks", "fnn-mnist", "--profile", "smoke", "--out", "r", cwd=folder)
    assert done.returncode == 2
    assert "nothing was measured" in done.stderr
    assert "uninstallable" in done.stdout
    assert (folder / "r" / "report.md").exists()


@pytest.mark.parametrize("arguments", [["--help"], ["data", "path", "no-such-set"], ["report"]])
def test_a_process_of_its_own_says_the_same(folder: Path, arguments: list[str]) -> None:
    """As a module; the other tests fork one that is warm."""
    search = {"PYTHONPATH": str(PROJECT)}
    alone = bench(*arguments, cwd=folder, **search)
    warm = bench(*arguments, cwd=folder)
    assert (alone.returncode, alone.stdout) == (warm.returncode, warm.stdout)
    assert alone.stderr == warm.stderr


def test_a_task_of_ones_own_stands_in_the_run_and_is_resumed_without_its_file(folder: Path) -> None:
    words = ["--task", "mine.py", "--implementations", "pytorch:loop", "--out", "r"]
    done = bench("run", "--profile", "smoke", *words, cwd=folder)
    assert done.returncode == 2, done.stderr  # nothing is installed there
    about = json.loads((folder / "r" / "run.json").read_text())
    assert about["request"]["tasks"] == ["wine"]
    assert about["tasks"]["wine"]["definition"]["layers"][0]["units"] == 16
    assert about["datasets"]["wine"]["rows"] == [320, 80]
    assert about["datasets"]["wine"]["folder"].startswith("own/wine-")
    assert "4 features, Dense 16 relu" in (folder / "r" / "report.md").read_text()
    (folder / "mine.py").unlink()
    again = bench("run", "--resume", "--out", "r", cwd=folder)
    assert again.returncode == 2, again.stderr
    assert "Traceback" not in again.stderr


def test_tasks_of_the_suite_can_stand_beside_ones_own(folder: Path) -> None:
    words = ["--task", "mine.py", "--tasks", "fnn-mnist", "--implementations", "pytorch:loop"]
    done = bench("verify", *words, "--json", cwd=folder)
    rows = json.loads(done.stdout)["certificates"]
    assert {row["task"] for row in rows} == {"fnn-mnist", "wine"}
