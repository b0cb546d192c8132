"""Mean ranks over tasks with the critical difference of Nemenyi's test (Demšar 2006)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats as scipy_stats

from bench.records.metrics import SPEED
from bench.records.results import Results
from bench.report.drawing import canvas

NAME = "ranking"
TITLE = "Ranks over all tasks"
READING = (
    "Mean rank of training speed over the tasks (1 is fastest); contenders joined by a bar "
    "are not told apart by Nemenyi's test at 5 %."
)
ORDER = 70
FEWEST_RANKED = 3  # tasks; ranks over fewer say nothing
ALPHA = 0.05


def draw(results: Results) -> Figure | None:
    """Over every task of the run, not only a figure's worth; None where `rank_table` is."""
    ranks = rank_table(results)
    if ranks is None:
        return None
    mean = ranks.mean().sort_values()
    distance = critical_difference(len(mean), len(ranks))
    figure, (axis,) = canvas.panels(1, 1, (8, 0.9 + 0.34 * (len(mean) + 1)))
    paint, shape = canvas.colours(sorted(mean.index)), canvas.markers(sorted(mean.index))
    for place, (name, value) in enumerate(mean.items()):
        axis.plot(value, place, shape[str(name)], color=paint[str(name)], markersize=8)
    for number, (first, last) in enumerate(cliques(mean.to_numpy(), distance)):
        x = [mean.iloc[first] - 0.03, mean.iloc[last] + 0.03]
        axis.plot(x, [len(mean) - 0.35 + 0.25 * number] * 2, color="0.25", linewidth=3.5)
    canvas.task_axis(axis, [str(name) for name in mean.index])
    axis.set_ylim(len(mean) + 0.2, -0.5)
    axis.set_xlim(0.8, len(mean) + 0.2)
    p = scipy_stats.friedmanchisquare(*ranks.to_numpy().T).pvalue if len(mean) > 2 else float("nan")
    test = f"; Friedman's test: p = {p:.2g}" if p == p else ""
    axis.set_xlabel(
        f"mean rank of training speed over {len(ranks)} tasks, critical difference "
        f"{distance:.2f}{test}"
    )
    figure.tight_layout()
    return figure


def rank_table(results: Results) -> pd.DataFrame | None:
    """Tasks × implementations: rank of training speed, 1 the fastest. Only tasks that all of
    the run's implementations finished; None with fewer than three such tasks or two contenders."""
    speeds: dict[str, dict[str, float]] = {}
    for result in results.contenders:
        estimate = result.estimate(SPEED)
        if estimate is not None:
            speeds.setdefault(result.cell.task, {})[result.cell.implementation] = estimate.value
    frame = pd.DataFrame(speeds).T.dropna()
    if len(frame) < FEWEST_RANKED or frame.shape[1] < 2:
        return None
    return frame.rank(axis=1, ascending=False)


def critical_difference(contenders: int, tasks: int) -> float:
    """Nemenyi's at 5 %: q · sqrt(k (k + 1) / 6 N), q the studentized range over sqrt 2."""
    q = scipy_stats.studentized_range.ppf(1 - ALPHA, contenders, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(contenders * (contenders + 1) / (6 * tasks)))


def cliques(ranks: np.ndarray, distance: float) -> list[tuple[int, int]]:
    """Longest stretches (first, last) of sorted ranks that lie within `distance`."""
    stretches: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = int(np.searchsorted(ranks, ranks[first] + distance, side="right")) - 1
        if last > first and not any(last <= before for _, before in stretches):
            stretches.append((first, last))
    return stretches
