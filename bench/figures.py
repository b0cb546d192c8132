"""A run as pictures (SVG and PNG): every interval drawn, every cell that failed named.

Shapes as well as colours tell the contenders apart, so that grey print and colour-blind readers
lose nothing.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no display is needed, nor wanted in CI

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench import stats, table
from bench.metrics import metric
from bench.record import Cell, Record
from bench.store import Run

PANELS = (
    ("train_throughput", "training speed, share of the fastest"),
    ("infer_throughput", "inference speed (batch 256), share of the fastest"),
)
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


def ratios(groups: dict[Cell, list[Record]], name: str) -> pd.DataFrame:
    """Columns task, implementation, ratio, low, high, fastest: each against the fastest of its
    task, paired by block; low and high are the 95 % interval, NaN for a single launch.
    """
    chosen = metric(name)
    speeds: dict[str, dict[str, dict[int, float]]] = {}
    for cell, group in groups.items():
        if not cell.label and (found := table.values(chosen, table.good(group))):
            speeds.setdefault(cell.task, {})[cell.implementation] = found
    rows = []
    for task, contenders in speeds.items():
        best = max(contenders, key=lambda c: stats.positive_mean([*contenders[c].values()]).value)
        for implementation, found in contenders.items():
            if found.keys() & contenders[best].keys():
                ratio = stats.paired_ratio(found, contenders[best])
                rows.append((task, implementation, ratio.value, ratio.low, ratio.high, best))
    columns = ["task", "implementation", "ratio", "low", "high", "fastest"]
    return pd.DataFrame(rows, columns=columns)


def speed_figure(run: Run) -> Figure | None:
    """Speeds against the fastest, a panel each for training and inference; None without any."""
    groups = table.by_cell(list(run.records().values()))
    frames = [ratios(groups, name) for name, _ in PANELS]
    if frames[0].empty:
        return None
    contenders = sorted({cell.implementation for cell in groups})
    tasks = [t for t in run.about()["request"]["tasks"] if t in set(frames[0]["task"])]
    with sns.axes_style("whitegrid"):
        figure, axes = plt.subplots(
            1, len(PANELS), figsize=(11, 1.6 + 0.62 * len(tasks)), sharey=True
        )
    for axis, frame, (_, label) in zip(axes, frames, PANELS, strict=True):
        _draw(axis, frame, tasks, contenders)
        axis.set_xlabel(label)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="upper center", ncols=4, frameon=False)
    _missing(figure, groups)
    figure.tight_layout(rect=(0, 0.02, 1, 1 - 0.35 / figure.get_figheight()))
    return figure


def _draw(axis: Axes, frame: pd.DataFrame, tasks: list[str], contenders: list[str]) -> None:
    colours = sns.color_palette("colorblind", len(contenders))
    for number, name in enumerate(contenders):
        mine = frame[frame["implementation"] == name]
        offset = 0.55 * (number / max(1, len(contenders) - 1) - 0.5)
        places = [tasks.index(task) + offset for task in mine["task"]]
        spread = [(mine["ratio"] - mine["low"]).fillna(0), (mine["high"] - mine["ratio"]).fillna(0)]
        axis.errorbar(
            mine["ratio"], places, xerr=spread, fmt=MARKERS[number % len(MARKERS)],
            color=colours[number], markersize=6, capsize=2, linewidth=1.2, label=name,
        )  # fmt: skip
    axis.axvline(1.0, color="0.3", linewidth=1)
    axis.set_xscale("log")
    axis.set_xticks(TICKS)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    low = frame["low"].fillna(frame["ratio"]).min()
    high = frame["high"].fillna(frame["ratio"]).max()
    axis.set_xlim(low * 0.85, high * 1.15)
    axis.set_yticks(range(len(tasks)), tasks)
    axis.set_ylim(len(tasks) - 0.5, -0.5)


def _missing(figure: Figure, groups: dict[Cell, list[Record]]) -> None:
    """Name the cells that have no point, so that none disappears."""
    failed = [
        f"{cell.task} {cell.implementation} ({table.cell_status(group)[0]})"
        for cell, group in groups.items()
        if not table.good(group)
    ]
    if failed:
        figure.text(0.01, 0.005, "not shown: " + ", ".join(failed), fontsize=8, va="bottom")


def write(run: Run, out: Path) -> list[Path]:
    """speed.svg and speed.png into `out`; no file where nothing was measured."""
    figure = speed_figure(run)
    if figure is None:
        return []
    paths = [out / "speed.svg", out / "speed.png"]
    # Without a date and with fixed ids the same records give the same bytes.
    with plt.rc_context({"svg.hashsalt": "framework-bench"}):
        figure.savefig(paths[0], metadata={"Date": None})
        figure.savefig(paths[1], dpi=150, metadata={"Software": None})
    plt.close(figure)
    return paths
