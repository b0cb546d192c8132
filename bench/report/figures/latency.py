"""Median with interval, 95th and 99th percentile: a step, and one row's inference."""

from __future__ import annotations

from math import isnan

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.records.results import Results
from bench.report.drawing import canvas, frames

NAME = "latency"
TITLE = "Latency"
READING = (
    "Marker: median with its 95 % interval over launches; bar and arrow: 95th and 99th "
    "percentile of the rounds. A step is one batch of 32 rows."
)
ORDER = 50
SIDES = (
    ("step_latency", "one optimizer step, ms"),
    ("infer_latency", "inference of one row, ms"),
)
MILLISECONDS = 1e3
Tail = dict[tuple[str, str], float]


def draw(results: Results) -> Figure | None:
    """None where no step was timed."""
    results = canvas.shown(results)
    medians = [
        (frames.values(results, f"{name}_p50", MILLISECONDS), label) for name, label in SIDES
    ]
    made = frames.dots(results, medians)
    if made is None:
        return None
    for axis, (name, _) in zip(made[1], SIDES, strict=True):
        tails = [
            frames.by_cell(frames.values(results, f"{name}_p{q}", MILLISECONDS))
            for q in (50, 95, 99)
        ]
        _tails(axis, results, tails)
        low, high = axis.get_xlim()
        canvas.logarithmic(axis, low / 0.85, max(high, *tails[2].values()), canvas.DECADES)
    return made[0]


def _tails(axis: Axes, results: Results, tails: list[Tail]) -> None:
    """A line from the median to the 99th percentile, with a bar at the 95th."""
    tasks, contenders = results.tasks, canvas.implementations(results)
    paint = canvas.colours(contenders)
    for number, name in enumerate(contenders):
        for band, task in enumerate(tasks):
            at = [tail.get((task, name), float("nan")) for tail in tails]
            if not any(map(isnan, at)):
                place = band + canvas.offset(number, len(contenders))
                axis.plot([at[0], at[2]], [place] * 2, color=paint[name], linewidth=0.8, alpha=0.7)
                axis.plot(at[1:2], [place], "|", color=paint[name], markersize=7)
                axis.plot(at[2:], [place], ">", color=paint[name], markersize=3)
