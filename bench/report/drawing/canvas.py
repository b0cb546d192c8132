"""What all figures share: who has which colour and marker, axes, failed cells, files.

Shapes as well as colours tell the contenders apart, so that grey print and colour-blind readers
lose nothing. Nothing here touches pyplot, whose state and display are the user's, in a notebook
too; and nothing that the user has set there, or in a matplotlibrc, shows in a figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from bench.records.results import Results

MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
MOST_TASKS = 24  # of a larger run a figure shows the first
MOST_TICKS = 8  # of a logarithmic axis
LETTERS = 14.0  # of the smallest text that an inch holds
DECADES = tuple(float(f"{m}e{e}") for e in range(-7, 9) for m in (1, 2, 5))

# Without a date, with fixed ids and with text as text: the same records give the same bytes.
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "framework-bench",
    "svg.fonttype": "none",
    "font.size": 9.5,
}


def shown(results: Results) -> Results:
    """A figure's worth of the run: the cells of its first tasks."""
    tasks = set(results.tasks[:MOST_TASKS])
    return replace(results, cells=tuple(r for r in results.cells if r.cell.task in tasks))


def colours(contenders: Sequence[str]) -> dict[str, Any]:
    """Implementation → its framework's colour, of a palette made for colour-blind readers."""
    frameworks = list(dict.fromkeys(name.split(":")[0] for name in contenders))
    palette = dict(zip(frameworks, sns.color_palette("colorblind", len(frameworks)), strict=True))
    return {name: palette[name.split(":")[0]] for name in contenders}


def markers(contenders: Sequence[str]) -> dict[str, str]:
    """Implementation → marker; the modes of one framework stand together, so theirs differ."""
    return {name: MARKERS[i % len(MARKERS)] for i, name in enumerate(contenders)}


def implementations(results: Results) -> list[str]:
    """All implementations of a run, failed ones too, in a fixed order."""
    return sorted({result.cell.implementation for result in results.cells})


def panels(
    rows: int, columns: int, size: tuple[float, float], **options: Any
) -> tuple[Figure, list[Axes]]:
    """An empty figure of so many axes (row by row) on the common grid."""
    with sns.axes_style("whitegrid"):
        figure = Figure(figsize=size)
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.ravel())


def points(
    axis: Axes, frame: pd.DataFrame, tasks: Sequence[str], contenders: Sequence[str]
) -> None:
    """One row a task, one marker a contender with its interval; logarithmic.

    frame: columns task, implementation, value, low, high (NaN for a single launch).
    """
    paint, shape = colours(contenders), markers(contenders)
    for number, name in enumerate(contenders):
        mine = frame[frame["implementation"] == name]
        places = [tasks.index(task) + offset(number, len(contenders)) for task in mine["task"]]
        spread = [(mine["value"] - mine["low"]).fillna(0), (mine["high"] - mine["value"]).fillna(0)]
        axis.errorbar(
            mine["value"], places, xerr=spread, fmt=shape[name], color=paint[name],
            markersize=6, capsize=2, linewidth=1.2, label=name,
        )  # fmt: skip
    task_axis(axis, tasks)


def offset(number: int, contenders: int) -> float:
    """Where a contender stands in its task's band, the middle being 0."""
    return 0.55 * (number / max(1, contenders - 1) - 0.5)


def task_axis(axis: Axes, tasks: Sequence[str]) -> None:
    """The tasks from top to bottom, a faint band behind every second one."""
    for place in range(1, len(tasks), 2):
        axis.axhspan(place - 0.5, place + 0.5, color="0.5", alpha=0.07, linewidth=0)
    axis.set_yticks(range(len(tasks)), list(tasks))
    axis.set_ylim(len(tasks) - 0.5, -0.5)
    axis.grid(visible=False, axis="y")


def logarithmic(axis: Axes, low: float, high: float, ticks: Sequence[float]) -> None:
    """A logarithmic x axis from a little below `low` to a little above `high`, plain numbers."""
    axis.set_xscale("log")
    low, high = low * 0.85, high * 1.15
    named = [tick for tick in ticks if low <= tick <= high]
    if len(named) > MOST_TICKS:  # no room for their names: whole decades only
        named = [tick for tick in named if f"{tick:e}".startswith("1.0")]
    axis.set_xticks(named, [f"{tick:,.0f}" if tick >= 1 else f"{tick:g}" for tick in named])
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlim(low, high)


def legend(figure: Figure, axis: Axes, columns: int = 4) -> None:
    """One legend over all axes, and room for it and for the line of failed cells."""
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="upper center", ncols=min(columns, max(1, len(labels))), frameon=False
    )
    rows = -(-len(labels) // columns)
    height = figure.get_figheight()
    figure.tight_layout(rect=(0, 0.22 / height, 1, 1 - (0.12 + 0.22 * rows) / height))


def common_label(figure: Figure, text: str) -> None:
    """What all x axes of a grid show, close under the lowest row."""
    figure.supxlabel(text, fontsize=9.5, y=0.24 / figure.get_figheight())


def name_missing(figure: Figure, results: Results, wanted: str = "measured") -> None:
    """Name the cells without a point, so that none disappears."""
    failed = [
        f"{r.cell.task} {r.cell.implementation} ({r.missing})" for r in results.cells if not r.good
    ]
    if failed:
        room = int(figure.get_figwidth() * LETTERS) - len(f"not {wanted}:  and 000 more")
        lengths = accumulate(len(name) + 2 for name in failed)
        fit = max(1, sum(length <= room for length in lengths))
        more = f" and {len(failed) - fit} more" if len(failed) > fit else ""
        text = f"not {wanted}: " + ", ".join(failed[:fit]) + more
        figure.text(0.01, 0.04 / figure.get_figheight(), text, fontsize=8, va="bottom")


def plain() -> AbstractContextManager[None]:
    """In it a figure is drawn with matplotlib's own defaults, whatever the user's are."""
    return style.context("default")


def save(figure: Figure, out: Path, name: str) -> list[Path]:
    """NAME.svg and NAME.png into `out`."""
    paths = [out / f"{name}.svg", out / f"{name}.png"]
    with style.context(["default", STYLE]):
        figure.savefig(paths[0], metadata={"Date": None})
        figure.savefig(paths[1], dpi=130, metadata={"Software": None})
    return paths
