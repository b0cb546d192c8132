"""The printed table of cells: its columns are those of the metrics, and two that are told apart.

A metric says its own heading, form, scale and place (bench.records.metrics). Behind the training
speed stands its interval; where the target was not reached in every launch, in how many it was.
"""

from __future__ import annotations

from collections.abc import Iterable

from bench.records.metrics import METRICS, SPEED, TARGET, Metric
from bench.records.results import CellResult
from bench.report.blocks import Column, Row, label

INTERVAL = "± 95 %"
SHOWN = tuple(
    sorted((m for m in METRICS if m.column), key=lambda m: m.column.place if m.column else 0)
)
COLUMNS: tuple[Column, ...] = (
    label("implementation"),
    label("certificate"),
    *(
        Column(heading)
        for m in SHOWN
        if m.column
        for heading in ((m.column.heading, INTERVAL) if m.name == SPEED else (m.column.heading,))
    ),
)
READING = (
    f"{INTERVAL} is the half width of the interval of the training speed over launches. A step is "
    "one batch of 32; infer is batch 256 for samples/s and one row for µs. Cold start is import, "
    "build and first step. Memory is the peak of the whole process. To target is the training "
    "time until the task's target score was seen."
)


def ordered(results: Iterable[CellResult]) -> list[CellResult]:
    """Fastest in training first; what has no speed last."""

    def speed(result: CellResult) -> float:
        estimate = result.estimate(SPEED)
        return -estimate.value if estimate else 0.0

    return sorted(results, key=speed)


def row(result: CellResult) -> Row:
    """A cell's texts under `COLUMNS`; a cell without measurements says why."""
    name = result.cell.contender
    if not result.estimates:
        words = (result.proof, result.missing) if result.proof else (result.missing, "")
        return (name, *words, *[""] * (len(COLUMNS) - 3))
    texts: list[str] = []
    for metric in SHOWN:
        texts.append(_value(result, metric))
        if metric.name == SPEED:
            texts.append(_interval(result))
    return (name, result.proof or "none", *texts)


def bad(rows: Iterable[Row], column: int = 1) -> frozenset[int]:
    """Numbers of the rows whose certificate, in `column`, did not pass."""
    return frozenset(number for number, cells in enumerate(rows) if cells[column] != "passed")


def _value(result: CellResult, metric: Metric) -> str:
    estimate = result.estimates.get(metric.name)
    if estimate is not None and metric.column is not None:
        return metric.column.text(estimate.value)
    return _reached(result) if metric.name == TARGET else ""


def _interval(result: CellResult) -> str:
    estimate = result.estimates.get(SPEED)
    if estimate is None:
        return ""
    return f"{estimate.half_width:.1%}" if estimate.n > 1 else "1 launch"


def _reached(result: CellResult) -> str:
    """In how many launches the target was reached; empty where there is none."""
    if not any(readings.target is not None for readings in result.readings):
        return ""
    reached = sum(readings.time_to_target is not None for readings in result.readings)
    return f"{reached} of {len(result.readings)} runs"
