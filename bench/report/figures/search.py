"""Best validation accuracy so far against seconds and against trials, a row a search."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.records import searches
from bench.records.parts import SearchRecord
from bench.records.results import Results
from bench.report.drawing import canvas

NAME = "search"
TITLE = "Tuning, at any moment"
READING = (
    "Best validation accuracy found so far against the seconds of the search, and against "
    "the number of trials."
)
ORDER = 100


def draw(results: Results) -> Figure | None:
    """None where no search has a trial."""
    results = canvas.shown(results)
    by_task = {task: _searches(results, task) for task in results.tasks}
    by_task = {task: found for task, found in by_task.items() if found}
    if not by_task:
        return None
    contenders = canvas.implementations(results)
    figure, axes = canvas.panels(len(by_task), 2, (9.5, 0.9 + 2.6 * len(by_task)), sharey="row")
    for row, (task, found) in enumerate(by_task.items()):
        by_seconds, by_trials = axes[2 * row : 2 * row + 2]
        _curves(by_seconds, by_trials, found, contenders)
        by_seconds.set_ylabel("best validation accuracy")
        by_seconds.set_title(task, fontsize=9.5, loc="left")
        by_seconds.set_xlabel("seconds of the search")
        by_trials.set_xlabel("trials")
        by_trials.xaxis.set_major_locator(MaxNLocator(integer=True))
    canvas.name_missing(figure, results)
    canvas.legend(figure, axes[0], columns=5)
    return figure


def _searches(results: Results, task: str) -> dict[str, SearchRecord]:
    """Implementation → its last search of that task that has trials."""
    return {
        result.cell.implementation: launch.launch.search
        for result in results.of_task(task)
        for launch in result.good
        if launch.launch.search is not None and launch.launch.search.trials
    }


def _curves(
    by_seconds: Axes, by_trials: Axes, found: dict[str, SearchRecord], contenders: list[str]
) -> None:
    paint, shape = canvas.colours(contenders), canvas.markers(contenders)
    for name, search in found.items():
        seconds, best = any_time(search)
        steps = np.arange(1, len(best) + 1)
        for axis, x in ((by_seconds, seconds), (by_trials, steps)):
            axis.plot(
                x, best, drawstyle="steps-post", color=paint[name], marker=shape[name],
                markersize=4, linewidth=1.1, label=name, alpha=0.85,
            )  # fmt: skip


def any_time(search: SearchRecord) -> tuple[np.ndarray, np.ndarray]:
    """(seconds, best validation accuracy) so far after each trial; failed ones count time."""
    seconds = np.cumsum([trial.seconds for trial in search.trials])
    best = [np.nan if value is None else value for value in searches.curve(search)]
    return seconds, np.array(best, float)
