"""Charts of the machine: share of its ceiling, and from `bench evidence` batches and threads."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.judge.questions import Groups
from bench.report.figures import drawing
from bench.report.figures.speed import dots, values
from bench.run.ceiling import best

SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
PHASES = (("train_flops", "training"), ("infer_flops", "inference at batch 256"))


def answers(about: dict[str, Any], part: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(request, answer) of every probe of one part that gave a result."""
    found = about.get("evidence", {}).get("answers", {}).values()
    return [
        (one["request"], one["answer"])
        for one in found
        if one["request"]["part"] == part and "reason" not in one["answer"]
    ]


def ceiling(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """What part of the machine's rate the tasks' products reach."""
    most = best(about.get("ceiling", {}), about["request"]["precision"])
    if most is None:
        return None
    words = f"share of {most.flops / 1e9:,.0f} GFLOP/s"
    shown = [(values(groups, name, 1 / most.flops), f"{label}, {words}") for name, label in PHASES]
    if (made := dots(groups, about, shown)) is None:
        return None
    for axis in made[1]:
        axis.axvline(1.0, color="0.3", linewidth=1)
        low, high = axis.get_xlim()
        # Above 1 where the machine was busier while the ceiling was measured: not to be hidden.
        drawing.logarithmic(axis, low / 0.85, max(1.0, high / 1.15), SHARES)
    return made[0]


def curves(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """Throughput against batch size, and the gain of all threads over one, a column a task."""
    found = answers(about, "curve")
    tasks = list(dict.fromkeys(request["task"] for request, _ in found))
    if not tasks:
        return None
    names = sorted({request["framework"] for request, _ in found})
    figure, axes = drawing.panels(2, len(tasks), (3.7 * len(tasks), 6.4))
    for column, task in enumerate(tasks):
        mine = [(r, a["samples_per_second"]) for r, a in found if r["task"] == task]
        _batches(axes[column], names, mine)
        _threads(axes[len(tasks) + column], names, mine)
        axes[column].set_title(task, fontsize=9.5, loc="left")
    axes[0].set_ylabel("training, samples/s")
    axes[len(tasks)].set_ylabel("training at batch 32, samples/s")
    drawing.legend(figure, axes[0])
    return figure


Found = list[tuple[dict[str, Any], dict[str, float]]]


def _batches(axis: Axes, names: list[str], found: Found) -> None:
    paint, shape = drawing.colours(names), drawing.markers(names)
    for name in names:
        for request, speeds in found:
            if request["framework"] == name and len(speeds) > 1:
                sizes = [int(size) for size in speeds]
                axis.plot(
                    sizes, list(speeds.values()), color=paint[name], marker=shape[name],
                    markersize=5, linewidth=1.1, label=name,
                )  # fmt: skip
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.set_xticks([16, 64, 256], ["16", "64", "256"])
    axis.set_xlabel("batch size")


def _threads(axis: Axes, names: list[str], found: Found) -> None:
    paint, shape = drawing.colours(names), drawing.markers(names)
    counts = sorted({request["threads"] for request, _ in found})
    for number, name in enumerate(names):
        places, middle, spread = [], [], []
        for place, threads in enumerate(counts):
            speeds = [
                s["32"]
                for r, s in found
                if (r["framework"], r["threads"]) == (name, threads) and "32" in s
            ]
            if speeds:
                places.append(place + 0.12 * (number - len(names) / 2))
                middle.append(float(np.median(speeds)))
                spread.append((middle[-1] - min(speeds), max(speeds) - middle[-1]))
        axis.errorbar(
            places, middle, yerr=np.array(spread).T, fmt=shape[name], color=paint[name],
            capsize=2, linewidth=1.1,
        )  # fmt: skip
    axis.set_xticks(range(len(counts)), [str(count) for count in counts])
    axis.set_xlim(-0.6, len(counts) - 0.4)
    axis.set_ylim(bottom=0)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
    axis.set_xlabel("threads")
