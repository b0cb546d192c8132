"""The command that repeats a cell leads to the same cell."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench.cli import run as run_command
from bench.cli import verify as verify_command
from bench.cli.main import app
from bench.records.record import Cell, Outcome, Request, failure_record
from bench.records.results import Results
from bench.report import publish, repeat
from bench.run import session
from tests.support.records import about, job, record, results, run_file

CELL = Cell("fnn-mnist", "pytorch:eager", "cpu", "bf16", 3)
ASKED: dict[str, Any] = {
    "profile": "full", "precision": "bf16", "threads": 3, "launches": 7, "seed": 11, "margin": 0.03,
    "budget_seconds": 90.0, "prune": True,
}  # fmt: skip


class Started(Exception):
    """A session was asked for."""


@pytest.mark.parametrize(
    ("changes", "module"), [(ASKED, run_command), ({**ASKED, "measure": False}, verify_command)]
)
def test_the_command_asks_for_what_was_asked(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], module: Any
) -> None:
    """Through the command line itself: the request that comes out is the run's, of one cell."""
    asked: list[tuple[Request, Path | None]] = []

    def start(
        request: Request, out: Path | None, data_dir: Path | None, *_: Any, **__: Any
    ) -> None:
        asked.append((request, data_dir))
        raise Started

    monkeypatch.setattr(session, "start", start)
    raw = about(**changes)
    raw["datasets"]["fnn-mnist"]["embedded"] = False
    file = run_file(raw)
    words = shlex.split(repeat.command(CELL, file))
    assert words[0] == "bench"
    CliRunner().invoke(app, words[1:])
    ((request, data_dir),) = asked
    kept = ("device", "precision", "threads", "seed", "measure")
    if file.request.measure:
        kept += ("profile", "launches", "margin", "budget_seconds", "prune")
    assert {name: getattr(request, name) for name in kept} == {
        name: getattr(file.request, name) for name in kept
    }
    assert (request.tasks, request.implementations) == (("fnn-mnist",), ("pytorch:eager",))
    assert data_dir == Path(repeat.DATA)
    assert module.__name__.endswith(words[1])


def test_the_suites_own_data_need_no_folder() -> None:
    assert "--data-dir" not in repeat.command(CELL, run_file())


def test_a_task_of_ones_own_is_asked_for_by_its_file() -> None:
    command = repeat.command(Cell("wine", "keras:fit", "cpu", "fp32", 1), run_file())
    assert f"--task {repeat.TASK} " in command
    assert "--tasks" not in command


def test_an_adapter_of_ones_own_is_asked_for_by_its_file() -> None:
    file = run_file(about(adapters=["adapter_paddle_0123456789abcdef"]))
    own = repeat.command(Cell("fnn-mnist", "paddle:dynamic", "cpu", "fp32", 1), file)
    assert f"--adapter {repeat.ADAPTER}" in own
    assert "--adapter" not in repeat.command(CELL, file)


def failed(embedded: bool) -> Results:
    bad = failure_record(job("keras:tensorflow", 0), Outcome("timeout", "stopped"))
    raw = about(implementations=("pytorch:eager", "keras:tensorflow"), precision="fp32", seed=5)
    raw["datasets"]["fnn-mnist"]["embedded"] = embedded
    return results([record(), bad], raw)


def test_every_text_holds_the_whole_command(tmp_path: Path) -> None:
    run = failed(embedded=False)
    publish.write(run, tmp_path)
    (bad,) = [result for result in run.cells if result.failed]
    command = repeat.command(bad.cell, run.about)
    assert "--seed 5" in command and command.endswith("--data-dir DIR")
    for name in ("index.html", "report.md", "report.tex"):
        assert command in (tmp_path / name).read_text(), name
