"""Every chart of a run: `CHARTS` lists them; one that has nothing to show is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from bench.judge.questions import Groups
from bench.records import tidy
from bench.records.store import Run
from bench.report.figures import drawing, learning, machine, speed
from bench.report.figures.drawing import tasks_of
from bench.run import ceiling, probes

Draw = Callable[[Groups, dict[str, Any]], Figure | None]


@dataclass(frozen=True)
class Chart:
    """`name` is the file's; `reading` tells how to read it and is the alternative text. `whole`:
    it needs every task of the run, not only as many as fit a figure."""

    name: str
    title: str
    reading: str
    draw: Draw
    whole: bool = False


@dataclass(frozen=True)
class Drawn:
    """A chart that was written: its SVG's and PNG's paths."""

    chart: Chart
    svg: Path
    png: Path


def write(run: Run, out: Path) -> list[Drawn]:
    """Every chart of the run that has something to show, as SVG and PNG into `out`."""
    groups = tidy.by_cell(list(run.records().values()))
    about = run.about() | {"evidence": probes.load(run), "ceiling": ceiling.load(run)}
    fit = set(tasks_of(groups, about))
    shown = {cell: group for cell, group in groups.items() if cell.task in fit}
    drawn = []
    for chart in CHARTS:
        figure = chart.draw(groups if chart.whole else shown, about)
        if figure is not None:
            drawn.append(Drawn(chart, *drawing.save(figure, out, chart.name)))
    return drawn


CHARTS: tuple[Chart, ...] = (
    Chart(
        "speed", "Speed against the fastest",
        "Each contender's training and inference speed as a share of the fastest of the task, "
        "with its 95 % interval over launches paired by block. Further right is faster.",
        speed.speed,
    ),
    Chart(
        "throughput", "Throughput",
        "Samples a second in steady state with 95 % intervals over launches, logarithmic.",
        speed.throughput,
    ),
    Chart(
        "learning", "Score against training time",
        "The test score after each epoch against the training seconds spent until then, one line "
        "a launch; the dashed line is the task's target.",
        learning.learning,
    ),
    Chart(
        "cold_start", "From a fresh process to the first step",
        "Seconds to import the framework, build the model and finish the first optimizer step, and "
        "what a step takes from then on. None of the start is part of a throughput.",
        speed.cold_start,
    ),
    Chart(
        "latency", "Latency",
        "Marker: median with its 95 % interval over launches; bar and arrow: 95th and 99th "
        "percentile of the rounds. A step is one batch of 32 rows.",
        speed.latency,
    ),
    Chart(
        "memory", "Memory",
        "Peak resident memory of the whole process, harness and data included.",
        speed.memory,
    ),
    Chart(
        "ranking", "Ranks over all tasks",
        "Mean rank of training speed over the tasks (1 is fastest); contenders joined by a bar "
        "are not told apart by Nemenyi's test at 5 %.",
        learning.ranking,
        whole=True,
    ),
    Chart(
        "ceiling",
        "Share of the machine's ceiling",
        "Floating-point operations a second of the tasks' matrix products, over the best rate of "
        "a large product in that precision that any framework reached on this machine.",
        machine.ceiling,
    ),
    Chart(
        "curves",
        "Batch size and threads",
        "Training throughput against the batch size (one process each), and at batch 32 with one "
        "and with all threads (three processes each: median and range).",
        machine.curves,
    ),
    Chart(
        "search", "Tuning, at any moment",
        "Best validation accuracy found so far against the seconds of the search, and against "
        "the number of trials.",
        learning.search,
    ),
    Chart(
        "noise", "Noise floor",
        "One implementation measured twice under two labels. Where the interval ends, "
        "differences begin to mean something.",
        speed.noise,
    ),
)  # fmt: skip
