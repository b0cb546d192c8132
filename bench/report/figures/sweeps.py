"""The curves of a sweep: training speed against what was varied."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.judge.curves import SweptCurve, curves
from bench.records.points import Axis
from bench.records.results import Results
from bench.report.drawing import canvas

NAME = "sweeps"
TITLE = "Curves"
READING = (
    "Training speed against batch size, threads, width or length, both logarithmic, with 95 % "
    "intervals over sittings; a cross on the lower edge is where memory was too little."
)
ORDER = 15
MOST_TASKS = 6  # columns


def draw(results: Results) -> Figure | None:
    """A row an axis, a column a task; None of a run that was no sweep."""
    found = curves(results)
    tasks = list(dict.fromkeys(curve.task for curve in found))[:MOST_TASKS]
    axes_of = list(dict.fromkeys(curve.axis for curve in found))
    if not any(curve.measured for curve in found):
        return None
    names = sorted({curve.implementation for curve in found})
    size = (3.4 * len(tasks) + 0.6, 3.0 * len(axes_of) + 0.6)
    figure, panels = canvas.panels(len(axes_of), len(tasks), size)
    for row, axis in enumerate(axes_of):
        for column, task in enumerate(tasks):
            panel = panels[row * len(tasks) + column]
            own = [c for c in found if (c.task, c.axis) == (task, axis) and c.measured]
            _panel(panel, own, names)
            _label(panel, axis, own)
            if row == 0:
                panel.set_title(task, fontsize=9.5, loc="left")
            if column == 0:
                panel.set_ylabel("training, samples/s")
    canvas.legend(figure, panels[0])
    return figure


def _panel(panel: Axes, own: list[SweptCurve], names: list[str]) -> None:
    paint, shape = canvas.colours(names), canvas.markers(names)
    for curve in own:
        timed = [(p.point.value, p.speed) for p in curve.points if p.speed is not None]
        values = [speed.value for _, speed in timed]
        spread = [(s.value - s.low, s.high - s.value) for _, s in timed]
        panel.errorbar(
            [x for x, _ in timed], values,
            # An interval of few sittings may reach below nothing, which no logarithm shows.
            yerr=np.minimum(np.nan_to_num(np.array(spread).T), 0.9 * np.array(values)),
            color=paint[curve.implementation], marker=shape[curve.implementation], markersize=4.5,
            linewidth=1.1, elinewidth=0.9, capsize=2, label=curve.implementation,
        )  # fmt: skip
        if curve.ended is not None:
            panel.plot(
                [curve.ended.point.value], [0.03], marker="x", clip_on=False, linestyle="",
                color=paint[curve.implementation], transform=panel.get_xaxis_transform(),
            )  # fmt: skip


def _label(panel: Axes, axis: Axis, own: list[SweptCurve]) -> None:
    values = sorted({p.point.value for curve in own for p in curve.points})
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.set_xticks(values, [f"{value:,}" for value in values])
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.set_xlabel(axis)
