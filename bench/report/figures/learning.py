"""Test score against training seconds, a panel a task, a line a launch."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.records.results import CellResult, Results
from bench.records.schema import Launch
from bench.report.drawing import canvas

NAME = "learning"
TITLE = "Score against training time"
READING = (
    "The test score after each epoch against the training seconds spent until then, one line "
    "a launch; the dashed line is the task's target."
)
ORDER = 30
COLUMNS = 3


def curve(launch: Launch) -> tuple[np.ndarray, np.ndarray]:
    """(training seconds so far, test score) after each epoch of a launch; both may be empty."""
    scores = np.array(launch.launch.readings.epoch_scores, float)
    seconds = np.cumsum(launch.rounds("learn"))
    n = min(len(scores), len(seconds))
    return seconds[:n], scores[:n]


def draw(results: Results) -> Figure | None:
    """None where no score was read."""
    learned = [
        task
        for task in results.tasks
        if any(len(curve(x)[0]) for r in results.of_task(task) for x in r.good)
    ][: canvas.MOST_TASKS]
    if not learned:
        return None
    results = canvas.shown(results)
    columns = min(COLUMNS, len(learned))
    rows = -(-len(learned) // columns)
    figure, axes = canvas.panels(rows, columns, (3.7 * columns, 0.8 + 2.3 * rows))
    contenders = canvas.implementations(results)
    for axis, task in zip(axes, learned, strict=False):
        _curves(axis, results.of_task(task), contenders)
        facts = results.about.datasets.get(task)
        if facts is not None and facts.target is not None:
            axis.axhline(facts.target, color="0.2", linestyle="--", linewidth=1)
        axis.set_ylabel(f"test {results.score(task).replace('_', ' ')}")
        axis.set_title(task, fontsize=9.5, loc="left")
    for axis in axes[len(learned) :]:
        axis.set_visible(False)
    canvas.common_label(figure, "training seconds")
    canvas.name_missing(figure, results)
    canvas.legend(figure, axes[0])
    return figure


def _curves(axis: Axes, cells: tuple[CellResult, ...], contenders: list[str]) -> None:
    paint, shape = canvas.colours(contenders), canvas.markers(contenders)
    by_name = {result.cell.implementation: result for result in cells}
    for name in contenders:
        launches = by_name[name].good if name in by_name else ()
        # Who has no curve in this panel stands in the legend all the same.
        curves = [curve(launch) for launch in launches] or [(np.array([]), np.array([]))]
        label: str | None = name
        for seconds, scores in curves:
            axis.plot(
                seconds, scores, color=paint[name], marker=shape[name], markersize=3.5,
                linewidth=0.9, alpha=0.65, label=label,
            )  # fmt: skip
            label = None  # one entry a contender in the legend
