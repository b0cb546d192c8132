"""The curves of a sweep: a table each task and axis, with knee and efficiency."""

from __future__ import annotations

from itertools import groupby
from math import isfinite

from bench.judge.curves import KNEE_SHARE, CurvePoint, Knee, SweptCurve, curves
from bench.records.points import Axis
from bench.records.results import Results
from bench.report.blocks import Block, Column, Note, Section, Table, label
from bench.report.context import Context
from bench.stats import Estimate

ORDER = 35
WORDS: dict[Axis, str] = {
    "batch": "batch size",
    "threads": "threads",
    "width": "width of the first hidden layer",
    "length": "length of a sequence",
}
READING = (
    "Training speed in steady state at each point, with its 95 % interval over sittings. "
    "Efficiency: over threads, the gain over the fewest divided by how many times as many they "
    "are (100 %: all of them work); else useful operations a second over those of the curve's "
    f"best point. Knee: from where on a curve is within {1 - KNEE_SHARE:.0%} of its best; two "
    "values where the intervals leave it open between them. Each curve varies one thing and "
    "leaves the rest as the task has it; out of memory ends it."
)


def sections(results: Results, context: Context) -> list[Section]:
    """None of a run that was no sweep."""
    found = curves(results)
    if not found:
        return []
    blocks: list[Block] = []
    for (task, axis), group in groupby(found, key=lambda curve: (curve.task, curve.axis)):
        own = list(group)
        tables = (_points(task, axis, own), _knees(task, axis, own))
        blocks.append(Section(f"sweep-{task}-{axis}", f"{task} by {WORDS[axis]}", tables))
    blocks.append(Note(READING, small=True))
    return [Section("sweeps", "Curves", tuple(blocks))]


def _points(task: str, axis: Axis, own: list[SweptCurve]) -> Table:
    """A row each implementation and point."""
    columns = (
        label("implementation"), Column(axis), Column("samples/s"), Column("95 % interval"),
        Column("efficiency"), Column("95 % interval"),
    )  # fmt: skip
    made = [(curve, point) for curve in own for point in curve.points]
    rows = tuple(
        (curve.implementation, f"{point.point.value:,}", *_speed(point),
         *_percent(curve.efficiency(point)))
        for curve, point in made
    )  # fmt: skip
    bad = frozenset(number for number, (_, point) in enumerate(made) if point.missing)
    return Table(f"{task}: training speed by {WORDS[axis]}", columns, rows, bad=bad)


def _speed(point: CurvePoint) -> tuple[str, str]:
    if point.speed is None:
        return point.missing or "–", ""
    return f"{point.speed.value:,.0f}", _interval(point.speed, ",.0f")


def _percent(efficiency: Estimate | None) -> tuple[str, str]:
    if efficiency is None:
        return "–", ""
    value, low, high = (100 * x for x in (efficiency.value, efficiency.low, efficiency.high))
    return f"{value:.0f} %", _interval(Estimate(value, low, high, efficiency.n), ".0f")


def _interval(estimate: Estimate, form: str) -> str:
    if not isfinite(estimate.low):
        return "1 sitting" if estimate.n == 1 else "–"
    return f"{estimate.low:{form}} to {estimate.high:{form}}"


def _knees(task: str, axis: Axis, own: list[SweptCurve]) -> Table:
    """A row each implementation: its best point, its knee, where it ended."""
    columns = (label("implementation"), Column("fastest at"), Column("knee"), label("ended by"))
    rows = []
    for curve in own:
        best = f"{curve.best.point.value:,}" if curve.best else "–"
        end = curve.ended
        ended = f"out of memory at {end.point.value:,}" if end else ""
        rows.append((curve.implementation, best, _knee(curve.knee), ended))
    return Table(f"{task}: knees by {WORDS[axis]}", columns, tuple(rows))


def _knee(knee: Knee | None) -> str:
    if knee is None:
        return "–"
    if knee.last is None:
        return f"{knee.first:,} or more"
    return f"{knee.first:,}" if knee.first == knee.last else f"{knee.first:,} to {knee.last:,}"
