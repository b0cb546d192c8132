"""Losses of launches with one seed, compared bit by bit. Without a framework."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf, nextafter
from pathlib import Path
from typing import Any

import pytest

from bench.audit import repeatable
from bench.audit.repeatable_summary import Repeats, page, said
from bench.discover import frameworks, implementations
from bench.plan.request import DataSet, Plan
from bench.records.record import Job, Outcome, Request, failure_record
from bench.run.environments import Environment
from tasks.catalogue.every import TASKS

FIRST = (2.25, 1.5, 0.75)
LAST_BIT = (2.25, 1.5, nextafter(0.75, 1))
ROW = Repeats("keras:fit", "fnn-mnist", "documented", "3", (FIRST, FIRST))


@pytest.mark.parametrize(
    ("losses", "identical", "spread", "parts_at", "cell"),
    [
        ((FIRST, FIRST, FIRST), True, 0.0, "", "identical"),
        ((FIRST, FIRST, LAST_BIT), False, 1.48e-16, "epoch 2", "1.5e-16, from epoch 2 on"),
        (((2.0, 1.0), (1.0, 1.0)), False, 0.5, "the first step", "5.0e-01, from the first step on"),
        (((-1.0, 0.0), (-1.0, -0.0)), False, 0.0, "epoch 1", "0.0e+00, from epoch 1 on"),
        ((FIRST, FIRST[:2]), False, inf, "their number", "inf, from their number on"),
        ((FIRST,), False, 0.0, "their number", "not compared"),
        ((), False, 0.0, "their number", "not compared"),
    ],
)
def test_every_bit_counts(
    losses: Any, identical: bool, spread: float, parts_at: str, cell: str
) -> None:
    row = replace(ROW, losses=losses)
    assert (row.identical, row.parts_at, said(row)) == (identical, parts_at, cell)
    assert row.spread == pytest.approx(spread, rel=0.01)


def test_only_a_promise_can_be_broken() -> None:
    apart = (FIRST, LAST_BIT)
    assert replace(ROW, losses=apart).breaks_its_word
    assert not ROW.breaks_its_word and not replace(ROW, losses=(FIRST,)).breaks_its_word
    for name in ("pytorch:eager", "jax:jit", "elsewhere:default"):
        assert not replace(ROW, implementation=name, losses=apart).breaks_its_word


def test_every_framework_has_its_statement_with_a_source() -> None:
    for framework in frameworks():
        assert framework.repeating is not None, framework.name
        assert framework.repeating.source.startswith("https://") and framework.repeating.words


def test_the_page_names_what_differs_and_what_was_left_out() -> None:
    rows = [
        ROW,
        replace(ROW, implementation="pytorch:eager", losses=(FIRST, LAST_BIT)),
        replace(ROW, task="rnn-sequence", losses=(), reason="crash: signal 11"),
    ]
    text = page(rows, ["on this machine"], "nox -s repeatable")
    assert "1 of 2 pairs of implementation and task are identical." in text
    assert "| `pytorch:eager` | 3 | a switch | 1.5e-16, from epoch 2 on |  |" in text
    assert "- `keras:fit` on rnn-sequence: crash: signal 11" in text
    assert "although its documents" not in text
    broken = page([replace(ROW, losses=(FIRST, LAST_BIT))], [], "c")
    assert "keras:fit on fnn-mnist is not, although its documents ask for seeds alone" in broken


def plan(launches: int = 3) -> Plan:
    names = ("fnn-binary-8", "rnn-sequence")
    works = {task.name: task for task in TASKS if task.name in names}
    rows = {i.name: i for i in implementations() if i.name in ("pytorch:eager", "keras:fit")}
    request = Request("smoke", names, tuple(rows), launches=launches, seed=7)
    return Plan(request, repeatable.BUDGET, {n: DataSet("f") for n in names}, rows, works)


def test_all_launches_share_the_seed_and_none_is_a_copy_for_the_judge() -> None:
    cells = repeatable.jobs_of(plan())
    assert len(cells) == 4 and all(len(jobs) == 3 for jobs in cells)
    jobs = [job for of_cell in cells for job in of_cell]
    assert {job.seed for job in jobs} == {7} and not any(job.cell.label for job in jobs)
    assert len({job.id for job in jobs}) == len(jobs)
    assert {job.cell.threads for job in jobs} == {1}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Implementation → losses of its launches, one after the other, in place of processes."""
    given: dict[str, Any] = {}

    def launch(run: object, job: Job, environment: Environment) -> Any:
        first, *epochs = given[job.cell.implementation][job.block]
        if first is None:
            return failure_record(job, Outcome("crash", "signal 11"))
        answer: Any = failure_record(job, Outcome("ok"))
        answer["launch"]["readings"] = {"first_loss": first, "epoch_losses": epochs}
        return answer

    monkeypatch.setattr(repeatable, "launch", launch)
    monkeypatch.setattr(
        "bench.run.environments.describe",
        lambda name, *_: Environment(name, "ready", "python", version="1"),
    )
    return given


ASKED = ["--tasks", "fnn-binary-8", "--implementations", "keras:fit,pytorch:eager"]


@pytest.mark.parametrize(
    ("keras", "pytorch", "status"),
    [
        ([FIRST, FIRST], [FIRST, FIRST], 0),
        ([FIRST, FIRST], [FIRST, LAST_BIT], 0),
        ([FIRST, LAST_BIT], [FIRST, FIRST], 1),
        ([FIRST, (None,)], [FIRST, FIRST], 0),
        ([FIRST, (None,)], [(None,), FIRST], 2),
    ],
)
def test_exit_status(
    answers: dict[str, Any], tmp_path: Path, keras: Any, pytorch: Any, status: int
) -> None:
    answers |= {"keras:fit": keras, "pytorch:eager": pytorch}
    assert repeatable.main([*ASKED, "--out", str(tmp_path / "out")]) == status
    if status < 2:
        record = json.loads((tmp_path / "out" / "record.json").read_text())
        assert [row["losses"][0] for row in record["rows"]] == [list(FIRST)] * 2
        assert (tmp_path / "out" / "report.md").read_text().startswith("# The same seed")


def test_a_mistake_is_one_line(
    tmp_path: Path, answers: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said_first in (
        (["--tasks", "none-such"], "no task matches 'none-such'"),
        (["--implementations", "none-such"], "no implementation matches"),
        (["--launches", "1"], "--launches 1: two at least are compared"),
        (["--budget", "soon"], "--budget 'soon' is no duration"),
        (["--seed", "-1"], "--seed must be"),
    ):
        assert repeatable.main([*words, "--out", str(tmp_path / "out")]) == 2
        assert capsys.readouterr().err.startswith(said_first)
    assert not (tmp_path / "out").exists()


def test_what_the_time_did_not_reach_is_named(
    answers: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers |= {"keras:fit": [FIRST, FIRST], "pytorch:eager": [FIRST, FIRST]}
    moments = iter([0.0, 1.0, 99.0])
    monkeypatch.setattr(repeatable, "monotonic", lambda: next(moments))
    assert repeatable.main([*ASKED, "--budget", "10s", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "report.md").read_text()
    assert text.count("no time was left for it (--budget)") == 1
