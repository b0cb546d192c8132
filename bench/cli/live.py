"""The verdicts on training speed so far, as small as a terminal: filled while a run goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan

from rich.table import Table

from bench.judge import questions
from bench.judge.divisions import contests
from bench.judge.verdict import Verdict
from bench.plan.more import sittings
from bench.records.results import Results

MOST_TASKS = 4  # columns, the tasks that sat last
TITLE = "Training speed so far, share of the best of its division"
MARKS = "? undecided   = as fast"
Shown = Mapping[str, Mapping[str, str]]
"""Task → contender → what is said of it."""


def so_far(results: Results) -> Shown:
    """Of every task that has sat: "best", or the share of the best with its 95 % half-width."""
    against = questions.against_best(results)
    shown: dict[str, dict[str, str]] = {}
    for contest in contests(results):
        cells = shown.setdefault(contest.task, {})
        verdicts = {v.question.new: v for v in against.get(contest, ())}
        for result in contest.cells(results):
            name = result.cell.contender
            if not result.good:
                cells[name] = "" if result.status == "ok" else result.status
            elif name in verdicts:
                cells[name] = _share(verdicts[name])
            else:
                cells[name] = "best" if verdicts else "alone"
    return {task: cells for task, cells in shown.items() if sittings(results, task)}


def _share(v: Verdict) -> str:
    value, low, high = v.change
    number = f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
    if isnan(low):
        return f"{number} ?"
    mark = {"undecided": " ?", "equivalent": " ="}.get(v.outcome, "")
    return f"{number} ±{(high - low) / 2 / value:.0%}{mark}"


def table(results: Results) -> Table | None:
    """One row a contender, one column a task; None before any has sat."""
    shown = so_far(results)
    if not shown:
        return None
    tasks = list(shown)[-MOST_TASKS:]
    made = Table(title=TITLE, caption=MARKS, box=None, pad_edge=False, min_width=len(TITLE))
    made.title_justify = made.caption_justify = "left"
    made.add_column("", no_wrap=True)
    for task in tasks:
        held = sittings(results, task)
        made.add_column(f"{task}\n{held} sitting{'s' if held > 1 else ''}", justify="right")
    for name in _names(shown, tasks):
        made.add_row(name, *(shown[task].get(name, "") for task in tasks))
    return made


def line(results: Results, task: str) -> str:
    """The same of one task, where there is no terminal."""
    held = sittings(results, task)
    cells = so_far(results).get(task, {})
    said = "; ".join(f"{name} {text}" for name, text in cells.items())
    return f"{task}, {held} sitting{'s' if held > 1 else ''}: {said}"


def _names(shown: Shown, tasks: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name for task in tasks for name in shown[task]))
