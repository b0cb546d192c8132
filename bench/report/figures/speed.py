"""Charts of speed, latency, start-up, memory and noise. Each reads records and draws."""

from __future__ import annotations

from math import isnan
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import stats
from bench.judge import questions
from bench.judge.questions import JUDGED, Groups, Side
from bench.records import tidy
from bench.records.metrics import metric
from bench.records.record import AA_LABEL
from bench.report.figures import drawing
from bench.report.figures.drawing import tasks_of

FRAME = ["task", "implementation", "value", "low", "high"]
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
DECADES = tuple(float(f"{m}e{e}") for e in range(-7, 9) for m in (1, 2, 5))
START = (("import", "import the framework"), ("build", "build the model"),
         ("first_step", "first step: trace, compile, run"))  # fmt: skip


def ratios(groups: Groups, name: str) -> pd.DataFrame:
    """Columns `FRAME` and fastest: each contender's metric over that of its task's fastest,
    paired by block; low and high are the 95 % interval, NaN for a single launch.
    """
    chosen = metric(name)
    speeds: dict[str, dict[str, dict[int, float]]] = {}
    for cell, group in drawing.measured(groups).items():
        if found := tidy.values(chosen, tidy.good(group)):
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
    for cell, group in drawing.measured(groups).items():
        e = tidy.estimate(metric(name), group)
        if e is not None:
            rows.append(
                (cell.task, cell.implementation, *(scale * x for x in (e.value, e.low, e.high)))
            )
    return pd.DataFrame(rows, columns=FRAME)


def dots(
    groups: Groups, about: dict[str, Any], shown: list[tuple[pd.DataFrame, str]]
) -> tuple[Figure, list[Axes]] | None:
    """A panel a frame, sharing the tasks; None where the first frame is empty."""
    tasks = tasks_of(groups, about)
    if shown[0][0].empty or not tasks:
        return None
    contenders = drawing.implementations(groups)
    row = max(0.55, 0.08 * len(contenders))  # inches
    figure, axes = drawing.panels(
        1, len(shown), (max(9.0, 5.5 * len(shown)), 1.4 + row * len(tasks)), sharey=True
    )
    for axis, (whole, label) in zip(axes, shown, strict=True):
        frame = whole[whole["task"].isin(tasks)]
        drawing.points(axis, frame, tasks, contenders)
        low, high = (
            frame["low"].fillna(frame["value"]).min(),
            frame["high"].fillna(frame["value"]).max(),
        )
        drawing.logarithmic(axis, float(low), float(high), DECADES)
        axis.set_xlabel(label)
    drawing.name_missing(figure, groups)
    drawing.legend(figure, axes[0])
    return figure, axes


def speed(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """Training and inference speed as a share of each task's fastest."""
    made = dots(groups, about, [
        (ratios(groups, "train_throughput"), "training speed, share of the fastest"),
        (ratios(groups, "infer_throughput"), "inference speed (batch 256), share of the fastest"),
    ])  # fmt: skip
    if made is None:
        return None
    for axis in made[1]:
        axis.axvline(1.0, color="0.3", linewidth=1)
        low, high = axis.get_xlim()
        drawing.logarithmic(axis, low / 0.85, high / 1.15, SHARES)
    return made[0]


def throughput(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """Samples a second, training and inference."""
    made = dots(groups, about, [
        (values(groups, "train_throughput"), "training, samples/s"),
        (values(groups, "infer_throughput"), "inference at batch 256, samples/s"),
    ])  # fmt: skip
    return made and made[0]


def memory(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """Peak resident memory of the process."""
    frame = values(groups, "peak_rss", 1 / 2**20)
    made = dots(groups, about, [(frame, "peak resident memory of the process, MiB")])
    return made and made[0]


def latency(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """Median with interval, 95th and 99th percentile: a step, and one row's inference."""
    sides = (("step_latency", "one optimizer step, ms", 1e3),
             ("infer_latency", "inference of one row, ms", 1e3))  # fmt: skip
    made = dots(groups, about, [(values(groups, f"{p}_p50", s), label) for p, label, s in sides])
    if made is None:
        return None
    tasks, contenders = tasks_of(groups, about), drawing.implementations(groups)
    paint = drawing.colours(contenders)
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
        drawing.logarithmic(axis, low / 0.85, max(high, *tails[2].values()), DECADES)
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
    contenders = drawing.implementations(groups)
    columns = min(3, len(tasks))
    rows = -(-len(tasks) // columns)
    figure, axes = drawing.panels(
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
        axis.margins(x=0.5)
        axis.grid(visible=False, axis="y")
    for axis in axes[len(tasks) :]:
        axis.set_visible(False)
    drawing.common_label(figure, "seconds in a fresh process (red: 95 % interval of the sum)")
    drawing.name_missing(figure, groups)
    drawing.legend(figure, axes[0])
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
        if cell.label == AA_LABEL and (twin := questions.twin(cell)) in groups
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
    figure, (axis,) = drawing.panels(1, 1, (8, 0.9 + 0.32 * len(frame)))
    axis.errorbar(
        frame["value"], range(len(frame)),
        xerr=[frame["value"] - frame["low"], frame["high"] - frame["value"]],
        fmt="o", color="0.2", capsize=3,
    )  # fmt: skip
    axis.axvline(1.0, color="0.3", linewidth=1)
    drawing.task_axis(axis, list(frame["metric"]))
    axis.set_xlabel("copy over original, ratio with 95 % interval")
    figure.tight_layout()
    return figure
