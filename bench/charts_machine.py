"""Charts of what `bench evidence` measured: share of the machine's ceiling, batches, threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench import figures, table
from bench.metrics import metric
from bench.verdicts import Groups
from tasks import TASKS, flops

_COUNTS = {task.name: (flops.training(task), flops.forward(task)) for task in TASKS}
PHASES = (("train_throughput", "training"), ("infer_throughput", "inference at batch 256"))


def answers(about: dict[str, Any], part: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(request, answer) of every probe of one part that gave a result."""
    found = about.get("evidence", {}).get("answers", {}).values()
    return [
        (one["request"], one["answer"])
        for one in found
        if one["request"]["part"] == part and "reason" not in one["answer"]
    ]


def ceiling_flops(about: dict[str, Any]) -> float | None:
    """The best rate of a large product that any framework reached here; None if not measured."""
    return max((answer["flops"] for _, answer in answers(about, "ceiling")), default=None)


def shares(groups: Groups, about: dict[str, Any], name: str) -> pd.DataFrame:
    """Columns task, implementation, value, low, high: floating-point operations a second of a
    phase, over the ceiling's."""
    best = ceiling_flops(about)
    rows = []
    for cell, group in figures.measured(groups).items():
        e = table.estimate(metric(name), group)
        if best and e is not None and cell.task in _COUNTS:
            count = _COUNTS[cell.task][name == "infer_throughput"]
            values = (count * x / best for x in (e.value, e.low, e.high))
            rows.append((cell.task, cell.implementation, *values))
    return pd.DataFrame(rows, columns=["task", "implementation", "value", "low", "high"])


def ceiling(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """What part of the machine's float32 rate the tasks' products reach."""
    frames = [shares(groups, about, name) for name, _ in PHASES]
    if frames[0].empty:
        return None
    have = set(frames[0]["task"])
    tasks = [t for t in about["request"]["tasks"] if t in have][: figures.MOST_TASKS]
    contenders = figures.implementations(groups)
    figure, axes = figures.panels(1, 2, (11, 1.4 + 0.55 * len(tasks)), sharey=True)
    for axis, whole, (_, label) in zip(axes, frames, PHASES, strict=True):
        frame = whole[whole["task"].isin(tasks)]
        figures.points(axis, frame, tasks, contenders)
        low = float(frame["low"].fillna(frame["value"]).min())
        figures.logarithmic(
            axis, low, 1.0, (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)
        )
        axis.axvline(1.0, color="0.3", linewidth=1)
        axis.set_xlabel(f"{label}, share of {(ceiling_flops(about) or 0) / 1e9:,.0f} GFLOP/s")
    figures.name_missing(figure, groups)
    figures.legend(figure, axes[0])
    return figure


def curves(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """Throughput against batch size, and the gain of all threads over one, a column a task."""
    found = answers(about, "curve")
    tasks = list(dict.fromkeys(request["task"] for request, _ in found))
    if not tasks:
        return None
    names = sorted({request["framework"] for request, _ in found})
    figure, axes = figures.panels(2, len(tasks), (3.7 * len(tasks), 6.4))
    for column, task in enumerate(tasks):
        mine = [(r, a["samples_per_second"]) for r, a in found if r["task"] == task]
        _batches(axes[column], names, mine)
        _threads(axes[len(tasks) + column], names, mine)
        axes[column].set_title(task, fontsize=9.5, loc="left")
    axes[0].set_ylabel("training, samples/s")
    axes[len(tasks)].set_ylabel("training at batch 32, samples/s")
    figures.legend(figure, axes[0])
    return figure


Found = list[tuple[dict[str, Any], dict[str, float]]]


def _batches(axis: Axes, names: list[str], found: Found) -> None:
    paint, shape = figures.colours(names), figures.markers(names)
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
    paint, shape = figures.colours(names), figures.markers(names)
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
