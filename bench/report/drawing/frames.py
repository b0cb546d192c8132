"""The numbers that figures show, as frames, and the common figure of dots with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import stats
from bench.judge import pairs
from bench.records.results import Results
from bench.report.drawing import canvas

FRAME = ["task", "implementation", "value", "low", "high"]


def ratios(results: Results, name: str) -> pd.DataFrame:
    """Columns `FRAME` and fastest: each contender's metric over that of its task's fastest,
    paired by block; low and high are the 95 % interval, NaN for a single launch.
    """
    rows = []
    for task in dict.fromkeys(result.cell.task for result in results.contenders):
        measured = [r for r in results.of_task(task) if r.values(name)]
        if not measured:
            continue
        best = max(measured, key=lambda r: stats.positive_mean([*r.values(name).values()]).value)
        fastest = best.cell.implementation
        for result in measured:
            ratio = pairs.ratio(name, best, result)
            if ratio is not None:
                who = result.cell.implementation
                rows.append((task, who, ratio.value, ratio.low, ratio.high, fastest))
    return pd.DataFrame(rows, columns=[*FRAME, "fastest"])


def values(results: Results, name: str, scale: float = 1.0) -> pd.DataFrame:
    """Columns `FRAME`: a metric of every measured contender with its interval, times `scale`."""
    rows = [
        (r.cell.task, r.cell.implementation, *(scale * x for x in (e.value, e.low, e.high)))
        for r in results.contenders
        if (e := r.estimate(name)) is not None
    ]
    return pd.DataFrame(rows, columns=FRAME)


def by_cell(frame: pd.DataFrame) -> dict[tuple[str, str], float]:
    """(task, implementation) → value."""
    keys = zip(frame["task"], frame["implementation"], strict=True)
    return dict(zip(keys, frame["value"].astype(float), strict=True))


def dots(
    results: Results, shown: Sequence[tuple[pd.DataFrame, str]]
) -> tuple[Figure, list[Axes]] | None:
    """A panel a frame, sharing the tasks; None where the first frame is empty."""
    if shown[0][0].empty:
        return None
    tasks, contenders = list(results.tasks), canvas.implementations(results)
    row = max(0.55, 0.08 * len(contenders))  # inches
    figure, axes = canvas.panels(
        1, len(shown), (max(9.0, 5.5 * len(shown)), 1.4 + row * len(tasks)), sharey=True
    )
    for axis, (frame, label) in zip(axes, shown, strict=True):
        canvas.points(axis, frame, tasks, contenders)
        low = float(frame["low"].fillna(frame["value"]).min())
        high = float(frame["high"].fillna(frame["value"]).max())
        canvas.logarithmic(axis, low, high, canvas.DECADES)
        axis.set_xlabel(label)
    canvas.name_missing(figure, results)
    canvas.legend(figure, axes[0])
    return figure, axes
