"""Charts of learning: score against time, ranks over tasks, searches at any moment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats as scipy_stats

from bench.judge.questions import SPEED, Groups
from bench.records import searches, tidy
from bench.records.metrics import metric, rounds
from bench.records.record import Record
from bench.report.figures import drawing

FEWEST_RANKED = 3  # tasks; ranks over fewer say nothing
ALPHA = 0.05


def curve(record: Record) -> tuple[np.ndarray, np.ndarray]:
    """(training seconds so far, test score) after each epoch of a launch; both may be empty."""
    scores = np.array(record["launch"].get("readings", {}).get("epoch_scores", []))
    seconds = np.cumsum(rounds(record, "learn"))
    n = min(len(scores), len(seconds))
    return seconds[:n], scores[:n]


def learning(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """Test score against training seconds, a panel a task, a line a launch."""
    found = drawing.measured(groups)
    tasks = [
        t
        for t in about["request"]["tasks"]
        if any(c.task == t and len(curve(r)[0]) for c, g in found.items() for r in tidy.good(g))
    ][: drawing.MOST_TASKS]
    if not tasks:
        return None
    columns = min(3, len(tasks))
    rows = -(-len(tasks) // columns)
    figure, axes = drawing.panels(rows, columns, (3.7 * columns, 0.8 + 2.3 * rows))
    contenders = drawing.implementations(groups)
    for axis, task in zip(axes, tasks, strict=False):
        _curves(axis, task, groups, contenders)
        facts = about["datasets"].get(task, {})
        if facts.get("target") is not None:
            axis.axhline(facts["target"], color="0.2", linestyle="--", linewidth=1)
        error = facts.get("metric") == "rmse"
        axis.set_ylabel("test error (rmse)" if error else "test accuracy")
        axis.set_title(task, fontsize=9.5, loc="left")
    for axis in axes[len(tasks) :]:
        axis.set_visible(False)
    drawing.common_label(figure, "training seconds")
    drawing.name_missing(figure, groups)
    drawing.legend(figure, axes[0])
    return figure


def _curves(axis: Axes, task: str, groups: Groups, contenders: list[str]) -> None:
    paint, shape = drawing.colours(contenders), drawing.markers(contenders)
    for name in contenders:
        group = [
            g for c, g in groups.items() if (c.task, c.implementation, c.label) == (task, name, "")
        ]
        launches = [r for g in group for r in tidy.good(g)]
        label: str | None = name
        for record in launches or [{"launch": {}, "benchmarks": []}]:
            seconds, scores = curve(record)
            axis.plot(
                seconds, scores, color=paint[name], marker=shape[name], markersize=3.5,
                linewidth=0.9, alpha=0.65, label=label,
            )  # fmt: skip
            label = None  # one entry a contender in the legend


def ranking(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """Mean ranks over tasks with the critical difference of Nemenyi's test (Demšar 2006)."""
    ranks = rank_table(groups)
    if ranks is None:
        return None
    mean = ranks.mean().sort_values()
    distance = critical_difference(len(mean), len(ranks))
    figure, (axis,) = drawing.panels(1, 1, (8, 0.9 + 0.34 * (len(mean) + 1)))
    paint, shape = drawing.colours(sorted(mean.index)), drawing.markers(sorted(mean.index))
    for place, (name, value) in enumerate(mean.items()):
        axis.plot(value, place, shape[str(name)], color=paint[str(name)], markersize=8)
    for number, (first, last) in enumerate(cliques(mean.to_numpy(), distance)):
        x = [mean.iloc[first] - 0.03, mean.iloc[last] + 0.03]
        axis.plot(x, [len(mean) - 0.35 + 0.25 * number] * 2, color="0.25", linewidth=3.5)
    drawing.task_axis(axis, [str(name) for name in mean.index])
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


def rank_table(groups: Groups) -> pd.DataFrame | None:
    """Tasks × implementations: rank of training speed, 1 the fastest. Only tasks that all of
    the run's implementations finished; None with fewer than three such tasks or two contenders."""
    speeds: dict[str, dict[str, float]] = {}
    for cell, group in drawing.measured(groups).items():
        found = tidy.estimate(metric(SPEED), group)
        if found is not None:
            speeds.setdefault(cell.task, {})[cell.implementation] = found.value
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
    found: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = int(np.searchsorted(ranks, ranks[first] + distance, side="right")) - 1
        if last > first and not any(last <= before for _, before in found):
            found.append((first, last))
    return found


def search(groups: Groups, about: dict[str, Any]) -> Figure | None:
    """Best validation accuracy so far against seconds and against trials, a row a search."""
    launches: dict[str, dict[str, Record]] = {}
    for cell, group in drawing.measured(groups).items():
        for record in tidy.good(group):
            if record["launch"].get("search", {}).get("trials"):
                launches.setdefault(cell.task, {})[cell.implementation] = record
    if not launches:
        return None
    contenders = drawing.implementations(groups)
    paint, shape = drawing.colours(contenders), drawing.markers(contenders)
    figure, axes = drawing.panels(len(launches), 2, (9.5, 0.9 + 2.6 * len(launches)), sharey="row")
    for row, (task, mine) in enumerate(launches.items()):
        for name, record in mine.items():
            seconds, best = any_time(record)
            steps = np.arange(1, len(best) + 1)
            for axis, x in zip(axes[2 * row : 2 * row + 2], (seconds, steps), strict=True):
                axis.plot(
                    x, best, drawstyle="steps-post", color=paint[name], marker=shape[name],
                    markersize=4, linewidth=1.1, label=name, alpha=0.85,
                )  # fmt: skip
        axes[2 * row].set_ylabel("best validation accuracy")
        axes[2 * row].set_title(task, fontsize=9.5, loc="left")
        axes[2 * row].set_xlabel("seconds of the search")
        axes[2 * row + 1].set_xlabel("trials")
        axes[2 * row + 1].xaxis.set_major_locator(MaxNLocator(integer=True))
    drawing.name_missing(figure, groups)
    drawing.legend(figure, axes[0], columns=5)
    return figure


def any_time(record: Record) -> tuple[np.ndarray, np.ndarray]:
    """(seconds, best validation accuracy) so far after each trial; failed ones count time."""
    found = record["launch"]["search"]
    seconds = np.cumsum([float(trial["seconds"]) for trial in found["trials"]])
    best = [np.nan if x is None else x for x in searches.curve(found)]
    return seconds, np.array(best, float)
