"""One implementation against itself in every task and judged metric: nothing should differ."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from bench.judge import pairs
from bench.records.metrics import judged
from bench.records.results import Results
from bench.report.drawing import canvas

NAME = "noise"
TITLE = "One implementation against itself"
READING = (
    "One implementation of each task measured twice under two labels (A/A). About one interval in "
    "twenty misses 1; where more do, the errors of this run are too small, and are widened."
)
ORDER = 110


def draw(results: Results) -> Figure | None:
    """None without an A/A pair of two launches."""
    rows = []
    for original, copy in results.twins():
        for metric in judged():
            ratio = pairs.ratio(metric.name, original, copy) if metric.positive else None
            if ratio is not None and ratio.n > 1:
                name = f"{original.cell.task}, {metric.name.replace('_', ' ')}"
                rows.append((name, ratio.value, ratio.low, ratio.high))
    if not rows:
        return None
    frame = pd.DataFrame(rows, columns=["metric", "value", "low", "high"])
    figure, (axis,) = canvas.panels(1, 1, (8, 0.9 + 0.32 * len(frame)))
    axis.errorbar(
        frame["value"], range(len(frame)),
        xerr=[frame["value"] - frame["low"], frame["high"] - frame["value"]],
        fmt="o", color="0.2", capsize=3,
    )  # fmt: skip
    axis.axvline(1.0, color="0.3", linewidth=1)
    canvas.task_axis(axis, list(frame["metric"]))
    axis.set_xlabel("copy over original, ratio with 95 % interval")
    figure.tight_layout()
    return figure
