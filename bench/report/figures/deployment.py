"""Files in their runtimes: size against latency, and cold start against steady answers."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.deploy.results import RouteResult, route_results
from bench.records.results import Results

NAME = "deployment"
TITLE = "Deployment: size, latency, cold start"
READING = (
    "Each mark is a certified file in a runtime; colour: the runtime. Left: the installed size of "
    "the runtime with the file, against the median of single rows; the line joins those that "
    "nothing is both smaller and faster than. Right: seconds from a fresh process to the first "
    "answer, against the same median."
)
ORDER = 90
WHOLE = True
MIB = 2**20


def draw(results: Results) -> Figure | None:
    """None where nothing was deployed."""
    found = [one for one in route_results(results) if one.latency and one.cold_seconds]
    if not found:
        return None
    tasks = list(dict.fromkeys(one.task for one in found))
    figure, axes = plt.subplots(
        len(tasks), 2, figsize=(8.0, 2.6 * len(tasks) + 0.6), squeeze=False, layout="constrained"
    )
    runtimes = list(dict.fromkeys(one.route.runtime for one in found))
    paint = {name: f"C{number}" for number, name in enumerate(runtimes)}
    for row, task in zip(axes, tasks, strict=True):
        own = [one for one in found if one.task == task]
        _sizes(row[0], own, paint)
        _starts(row[1], own, paint)
        row[0].set_title(task, loc="left", fontsize=9)
    for axis, label in zip(
        axes[-1], ("installed with the file, MiB", "cold start, s"), strict=True
    ):
        axis.set_xlabel(label, fontsize=8)
    marks = [
        Line2D([], [], marker="o", linestyle="", color=paint[name], label=name) for name in runtimes
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return figure


def weight(one: RouteResult) -> float:
    """MiB of the runtime, all it needs, and the file."""
    return ((one.installed_bytes or 0) + (one.bytes or 0)) / MIB


def front(found: Sequence[RouteResult]) -> list[RouteResult]:
    """Those that no other is both smaller and faster than, the smallest first."""
    best: list[RouteResult] = []
    for one in sorted(found, key=lambda one: (weight(one), one.latency)):
        if not best or one.latency < best[-1].latency:
            best.append(one)
    return best


def _sizes(axis: Axes, own: Sequence[RouteResult], paint: dict[str, str]) -> None:
    for one in own:
        axis.plot(weight(one), one.latency, "o", color=paint[one.route.runtime], markersize=4)
    edge = front(own)
    axis.step(
        [weight(one) for one in edge], [one.latency for one in edge], where="post",
        color="0.4", linewidth=0.8, zorder=0,
    )  # fmt: skip
    _logarithmic(axis)


def _starts(axis: Axes, own: Sequence[RouteResult], paint: dict[str, str]) -> None:
    for one in own:
        axis.plot(
            one.cold_seconds or 0.0, one.latency, "o", color=paint[one.route.runtime], markersize=4
        )
    _logarithmic(axis)


def _logarithmic(axis: Axes) -> None:
    axis.set_xscale("log")
    axis.set_yscale("log")
    for each in (axis.xaxis, axis.yaxis):
        each.set_major_locator(LogLocator(subs=(1, 2, 5)))
        each.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        each.set_minor_formatter(NullFormatter())
    axis.set_ylabel("single row p50, µs", fontsize=8)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.3, linewidth=0.5)
