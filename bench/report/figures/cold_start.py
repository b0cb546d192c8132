"""Seconds from a fresh process to the first finished step, in parts, beside a steady step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.records.results import Results
from bench.report.drawing import canvas, frames

NAME = "cold_start"
TITLE = "From a fresh process to the first step"
READING = (
    "Seconds to import the framework, build the model and finish the first optimizer step (and, in "
    "newer runs, the first round in the form that is timed), and what a step takes from then on. "
    "None of the start is part of a throughput."
)
ORDER = 40
PARTS = (("import", "import the framework", "0.25"), ("build", "build the model", "0.55"),
         ("first_step", "first step: trace, compile, run", "0.85"),
         ("warm_up", "warm-up: compile the timed form", "1.0"))  # fmt: skip
COLUMNS = 3
WIDTH = 8.5  # inches at least, for the legend
WIDER = 1.15  # letters of another resolution, or of the reader's own fonts
Values = Mapping[tuple[str, str], float]
Part = tuple[str, str, Values]


def draw(results: Results) -> Figure | None:
    """A panel a task; None where no start was timed."""
    results = canvas.shown(results)
    tasks, contenders = list(results.tasks), canvas.implementations(results)
    read = [(label, shade, _read(results, name)) for name, label, shade in PARTS]
    parts = [part for part in read if part[2]]  # runs of an older way have no warm-up
    if not parts:
        return None
    columns = min(COLUMNS, len(tasks))
    rows = -(-len(tasks) // columns)
    figure, axes = canvas.panels(
        rows, columns, (max(WIDTH, 3.6 * columns), 0.9 + (0.55 + 0.28 * len(contenders)) * rows),
        sharex=True, sharey=True,
    )  # fmt: skip
    for place, (axis, task) in enumerate(zip(axes, tasks, strict=False)):
        _bars(axis, task, contenders, parts)
        _totals(axis, task, contenders, results)
        axis.set_title(task, fontsize=9.5, loc="left")
        axis.set_yticks(range(len(contenders)), contenders)
        axis.set_ylim(len(contenders) - 0.5, -0.5)
        axis.grid(visible=False, axis="y")
        if place + columns >= len(tasks):  # nothing below it that carries the numbers
            axis.tick_params(labelbottom=True)
    for axis in axes[len(tasks) :]:
        axis.set_visible(False)
    canvas.common_label(figure, "seconds in a fresh process (red: 95 % interval of the whole)")
    canvas.name_missing(figure, results)
    canvas.legend(figure, axes[0])
    make_room(figure, axes[: len(tasks)])
    return figure


def _read(results: Results, name: str) -> Values:
    return frames.by_cell(frames.values(results, name))


def _bars(axis: Axes, task: str, contenders: Sequence[str], parts: Sequence[Part]) -> None:
    """The parts of the start, one after the other."""
    left = np.zeros(len(contenders))
    for label, shade, values in parts:
        wide = np.array([values.get((task, name), 0.0) for name in contenders])
        axis.barh(
            range(len(contenders)), wide, left=left, height=0.62, color=shade, edgecolor="0.2",
            linewidth=0.5, label=label,
        )  # fmt: skip
        left += wide


def _totals(axis: Axes, task: str, contenders: Sequence[str], results: Results) -> None:
    """The interval of the whole start, and in words what a step takes afterwards."""
    for result in results.of_task(task):
        whole, step = result.estimate("cold_start"), result.estimate("step_latency_p50")
        if whole is None:
            continue
        place = contenders.index(result.cell.implementation)
        if not isnan(whole.low):
            axis.plot([whole.low, whole.high], [place] * 2, color="tab:red", linewidth=1.4)
        then = f" then {_short(1e3 * step.value)} ms a step" if step else ""
        end = float(np.nanmax([whole.value, whole.high]))
        words = axis.text(end, place, then, va="center", fontsize=7.5)
        words.set_in_layout(False)  # `make_room` sees to it that they stay in the frame


def _short(value: float) -> str:
    """Two or three digits, never an exponent."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def make_room(figure: Figure, axes: Sequence[Axes]) -> None:
    """Widen the common axis until the words behind every bar end inside the frame."""
    figure.canvas.draw()  # the words have a width only once they are drawn
    most = 0.0
    for axis in axes:
        frame = axis.get_window_extent().width
        for text in axis.texts:
            words = WIDER * text.get_window_extent().width
            most = max(most, text.get_position()[0] * frame / max(frame - words, 1))
        most = max(most, axis.dataLim.xmax)
    axes[0].set_xlim(0, 1.02 * most)
