"""One implementation against itself, every judged metric: what a difference must exceed."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from bench import stats
from bench.records.metrics import judged
from bench.records.results import Results
from bench.report.drawing import canvas

NAME = "noise"
TITLE = "Noise floor"
READING = (
    "One implementation measured twice under two labels. Where the interval ends, "
    "differences begin to mean something."
)
ORDER = 110


def draw(results: Results) -> Figure | None:
    """None without an A/A pair of two launches."""
    rows = []
    for original, copy in results.twins():
        for metric in judged():
            a, b = copy.values(metric), original.values(metric)
            if metric.positive and len(a.keys() & b.keys()) > 1:
                ratio = stats.paired_ratio(a, b)
                rows.append((metric.name.replace("_", " "), ratio.value, ratio.low, ratio.high))
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
