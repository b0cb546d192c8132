"""A run's charts of speed, latency, start-up, memory and noise. Each reads records and draws.

`CHARTS` lists every chart of a run; one that has nothing to show returns None and is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import charts_learning, charts_machine, evidence, figures, stats, table, verdicts
from bench.metrics import metric
from bench.plan import AA_LABEL
from bench.store import Run
from bench.verdicts import JUDGED, Groups, Side

Draw = Callable[[Groups, dict[str, Any]], Figure | None]
FRAME = ["task", "implementation", "value", "low", "high"]
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
DECADES = tuple(float(f"{m}e{e}") for e in range(-7, 9) for m in (1, 2, 5))
START = (("import", "import the framework"), ("build", "build the model"),
         ("first_step", "first step: trace, compile, run"))  # fmt: skip


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
    groups = table.by_cell(list(run.records().values()))
    about = run.about() | {"evidence": evidence.load(run)}
    fit = set(tasks_of(groups, about))
    shown = {cell: group for cell, group in groups.items() if cell.task in fit}
    drawn = []
    for chart in CHARTS:
        figure = chart.draw(groups if chart.whole else shown, about)
        if figure is not None:
            drawn.append(Drawn(chart, *figures.save(figure, out, chart.name)))
    return drawn


def tasks_of(groups: Groups, about: dict[str, Any]) -> list[str]:
    """The tasks of these cells in the run's order; at most a figure's worth."""
    have = {cell.task for cell in groups}
    return [t for t in about["request"]["tasks"] if t in have][: figures.MOST_TASKS]


def ratios(groups: Groups, name: str) -> pd.DataFrame:
    """Columns `FRAME` and fastest: each contender's metric over that of its task's fastest,
    paired by block; low and high are the 95 % interval, NaN for a single launch.
    """
    chosen = metric(name)
    speeds: dict[str, dict[str, dict[int, float]]] = {}
    for cell, group in figures.measured(groups).items():
        if found := table.values(chosen, table.good(group)):
            speeds.setdefault(cell.task, {})[cell.implementation] = found
    rows = []
    for task, contenders in speeds.items():
        best = max(contenders, key=lambda c: stats.positive_mean([*contenders[c].values()]).value)
        for implementation, found in contenders.items():
            if found.keys() & contenders[best].keys():
                ratio = stats.paired_ratio(found, contenders[best])
                rows.append((task, implementation, ratio.value, ratio.low, ratio.high, best))
    return pd.DataFrame(rows, columns=[*FRAME, "fastest"])


def values(groups: Groups, name: str, scale: float = 1.0) -> pd.DataFrame:
    """Columns `FRAME`: a metric of every measured cell with its interval, times `scale`."""
    rows = []
    for cell, group in figures.measured(groups).items():
        e = table.estimate(metric(name), group)
        if e is not None:
            rows.append(
                (cell.task, cell.implementation, *(scale * x for x in (e.value, e.low, e.high)))
            )
    return pd.DataFrame(rows, columns=FRAME)


def _dots(
    groups: Groups, about: dict[str, Any], shown: list[tuple[pd.DataFrame, str]]
) -> tuple[Figure, list[Axes]] | None:
    """A panel a frame, sharing the tasks; None where the first frame is empty."""
    tasks = tasks_of(groups, about)
    if shown[0][0].empty or not tasks:
        return None
    contenders = figures.implementations(groups)
    figure, axes = figures.panels(
        1, len(shown), (max(9.0, 5.5 * len(shown)), 1.4 + 0.55 * len(tasks)), sharey=True
    )
    for axis, (whole, label) in zip(axes, shown, strict=True):
        frame = whole[whole["task"].isin(tasks)]
        figures.points(axis, frame, tasks, contenders)
        low, high = (
            frame["low"].fillna(frame["value"]).min(),
            frame["high"].fillna(frame["value"]).max(),
        )
        figures.logarithmic(axis, float(low), float(high), DECADES)
        axis.set_xlabel(label)
    figures.name_missing(figure, groups)
    figures.legend(figure, axes[0])
    return figure, axes


def speed(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """Training and inference speed as a share of each task's fastest."""
    made = _dots(groups, about, [
        (ratios(groups, "train_throughput"), "training speed, share of the fastest"),
        (ratios(groups, "infer_throughput"), "inference speed (batch 256), share of the fastest"),
    ])  # fmt: skip
    if made is None:
        return None
    for axis in made[1]:
        axis.axvline(1.0, color="0.3", linewidth=1)
        low, high = axis.get_xlim()
        figures.logarithmic(axis, low / 0.85, high / 1.15, SHARES)
    return made[0]


def throughput(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """Samples a second, training and inference."""
    made = _dots(groups, about, [
        (values(groups, "train_throughput"), "training, samples/s"),
        (values(groups, "infer_throughput"), "inference at batch 256, samples/s"),
    ])  # fmt: skip
    return made and made[0]


def memory(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """Peak resident memory of the process."""
    frame = values(groups, "peak_rss", 1 / 2**20)
    made = _dots(groups, about, [(frame, "peak resident memory of the process, MiB")])
    return made and made[0]


def latency(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """Median with interval, 95th and 99th percentile: a step, and one row's inference."""
    sides = (("step_latency", "one optimizer step, ms", 1e3),
             ("infer_latency", "inference of one row, ms", 1e3))  # fmt: skip
    made = _dots(groups, about, [(values(groups, f"{p}_p50", s), label) for p, label, s in sides])
    if made is None:
        return None
    tasks, contenders = tasks_of(groups, about), figures.implementations(groups)
    paint = figures.colours(contenders)
    for axis, (prefix, _, scale) in zip(made[1], sides, strict=True):
        tails = [_found(values(groups, f"{prefix}_p{q}", scale)) for q in (50, 95, 99)]
        for number, name in enumerate(contenders):
            offset = 0.55 * (number / max(1, len(contenders) - 1) - 0.5)
            for task in tasks:
                at = [tail.get((task, name), float("nan")) for tail in tails]
                if not any(map(isnan, at)):
                    place = tasks.index(task) + offset
                    axis.plot(
                        [at[0], at[2]], [place] * 2, color=paint[name], linewidth=0.8, alpha=0.7
                    )
                    axis.plot(at[1:2], [place], "|", color=paint[name], markersize=7)
                    axis.plot(at[2:], [place], ">", color=paint[name], markersize=3)
        low, high = axis.get_xlim()
        figures.logarithmic(axis, low / 0.85, max(high, *tails[2].values()), DECADES)
    return made[0]


def _short(value: float) -> str:
    """Two or three digits, never an exponent."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def _found(frame: pd.DataFrame) -> dict[tuple[str, str], float]:
    """(task, implementation) → value."""
    keys = zip(frame["task"], frame["implementation"], strict=True)
    return dict(zip(keys, frame["value"].astype(float), strict=True))


def cold_start(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """Seconds from a fresh process to the first finished step, in parts, beside a steady step."""
    tasks = tasks_of(groups, about)
    parts = [_found(values(groups, name)) for name, _ in START]
    if not tasks or not parts[0]:
        return None
    contenders = figures.implementations(groups)
    columns = min(3, len(tasks))
    rows = -(-len(tasks) // columns)
    figure, axes = figures.panels(
        rows, columns, (3.6 * columns, 0.9 + (0.55 + 0.28 * len(contenders)) * rows),
        sharex=True, sharey=True,
    )  # fmt: skip
    total = {(row[0], row[1]): row[2:] for row in values(groups, "cold_start").to_numpy()}
    steady = _found(values(groups, "step_latency_p50", 1e3))
    shades = ("0.25", "0.55", "0.85")
    for axis, task in zip(axes, tasks, strict=False):
        _start_bars(axis, task, contenders, parts, shades)
        for place, name in enumerate(contenders):
            if (task, name) in total:
                value, low, high = map(float, total[task, name])
                if not isnan(low):
                    axis.plot([low, high], [place] * 2, color="tab:red", linewidth=1.4)
                then = f" then {_short(steady.get((task, name), float('nan')))} ms a step"
                axis.text(np.nanmax([value, high]), place, then, va="center", fontsize=7.5)
        axis.set_title(task, fontsize=9.5, loc="left")
        axis.set_yticks(range(len(contenders)), contenders)
        axis.set_ylim(len(contenders) - 0.5, -0.5)
        axis.margins(x=0.35)
        axis.grid(visible=False, axis="y")
    for axis in axes[len(tasks) :]:
        axis.set_visible(False)
    figures.common_label(figure, "seconds in a fresh process (red: 95 % interval of the sum)")
    figures.name_missing(figure, groups)
    figures.legend(figure, axes[0])
    return figure


def _start_bars(
    axis: Axes,
    task: str,
    contenders: list[str],
    parts: list[dict[tuple[str, str], float]],
    shades: tuple[str, ...],
) -> None:
    left = np.zeros(len(contenders))
    for (_, label), part, shade in zip(START, parts, shades, strict=True):
        wide = np.array([part.get((task, name), 0.0) for name in contenders])
        axis.barh(
            range(len(contenders)), wide, left=left, height=0.62, color=shade, edgecolor="0.2",
            linewidth=0.5, label=label,
        )  # fmt: skip
        left += wide


def noise(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """One implementation against itself, every judged metric: what a difference must exceed."""
    pairs = [
        (Side("copy", group), Side("original", groups[twin]))
        for cell, group in groups.items()
        if cell.label == AA_LABEL and (twin := verdicts.twin(cell)) in groups
    ]
    rows = []
    for copy, original in pairs:
        for name, _ in JUDGED:
            a, b = (side.values(metric(name)) for side in (copy, original))
            if metric(name).positive and len(a.keys() & b.keys()) > 1:
                found = stats.paired_ratio(a, b)
                rows.append((name.replace("_", " "), found.value, found.low, found.high))
    if not rows:
        return None
    frame = pd.DataFrame(rows, columns=["metric", "value", "low", "high"])
    figure, (axis,) = figures.panels(1, 1, (8, 0.9 + 0.32 * len(frame)))
    axis.errorbar(
        frame["value"], range(len(frame)),
        xerr=[frame["value"] - frame["low"], frame["high"] - frame["value"]],
        fmt="o", color="0.2", capsize=3,
    )  # fmt: skip
    axis.axvline(1.0, color="0.3", linewidth=1)
    figures.task_axis(axis, list(frame["metric"]))
    axis.set_xlabel("copy over original, ratio with 95 % interval")
    figure.tight_layout()
    return figure


CHARTS: tuple[Chart, ...] = (
    Chart(
        "speed", "Speed against the fastest",
        "Each contender's training and inference speed as a share of the fastest of the task, "
        "with its 95 % interval over launches paired by block. Further right is faster.",
        speed,
    ),
    Chart(
        "throughput", "Throughput",
        "Samples a second in steady state with 95 % intervals over launches, logarithmic.",
        throughput,
    ),
    Chart(
        "learning", "Score against training time",
        "The test score after each epoch against the training seconds spent until then, one line "
        "a launch; the dashed line is the task's target.",
        charts_learning.learning,
    ),
    Chart(
        "cold_start", "From a fresh process to the first step",
        "Seconds to import the framework, build the model and finish the first optimizer step, and "
        "what a step takes from then on. None of the start is part of a throughput.",
        cold_start,
    ),
    Chart(
        "latency", "Latency",
        "Marker: median with its 95 % interval over launches; bar and arrow: 95th and 99th "
        "percentile of the rounds. A step is one batch of 32 rows.",
        latency,
    ),
    Chart(
        "memory", "Memory",
        "Peak resident memory of the whole process, harness and data included.",
        memory,
    ),
    Chart(
        "ranking", "Ranks over all tasks",
        "Mean rank of training speed over the tasks (1 is fastest); contenders joined by a bar "
        "are not told apart by Nemenyi's test at 5 %.",
        charts_learning.ranking,
        whole=True,
    ),
    Chart(
        "ceiling",
        "Share of the machine's ceiling",
        "Floating-point operations a second of the tasks' matrix products, over the best rate of "
        "a large float32 product that any of the frameworks reached on this machine.",
        charts_machine.ceiling,
    ),
    Chart(
        "curves",
        "Batch size and threads",
        "Training throughput against the batch size, and at one and at all threads.",
        charts_machine.curves,
    ),
    Chart(
        "search", "Tuning, at any moment",
        "Best validation accuracy found so far against the seconds of the search, and against "
        "the number of trials.",
        charts_learning.search,
    ),
    Chart(
        "noise", "Noise floor",
        "One implementation measured twice under two labels. Where the interval ends, "
        "differences begin to mean something.",
        noise,
    ),
)  # fmt: skip
