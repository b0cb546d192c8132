"""From `bench evidence`: throughput against batch size, and the gain of all threads over one."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.records.beside import CurveAnswer, EvidenceRequest
from bench.records.results import Results
from bench.report.drawing import canvas

NAME = "curves"
TITLE = "Batch size and threads"
READING = (
    "Training throughput against the batch size (one process each), and at batch 32 with one "
    "and with all threads (three processes each: median and range)."
)
ORDER = 90
WHOLE = True  # probes of each framework, of no division
BATCH = "32"
Answers = list[tuple[EvidenceRequest, dict[str, float]]]


def answers(results: Results) -> Answers:
    """What was asked, and batch size → samples a second, of every probe that gave a result."""
    entries = results.evidence.answers.values() if results.evidence else ()
    return [
        (entry.asked, dict(entry.measured.samples_per_second))
        for entry in entries
        if isinstance(entry.measured, CurveAnswer)
    ]


def draw(results: Results) -> Figure | None:
    """A column a task; None where the evidence holds no curve."""
    found = answers(results)
    tasks = list(dict.fromkeys(asked.task for asked, _ in found))
    if not tasks:
        return None
    names = sorted({asked.framework for asked, _ in found})
    figure, axes = canvas.panels(2, len(tasks), (3.7 * len(tasks), 6.4))
    for column, task in enumerate(tasks):
        of_task = [(asked, speeds) for asked, speeds in found if asked.task == task]
        _batches(axes[column], names, of_task)
        _threads(axes[len(tasks) + column], names, of_task)
        axes[column].set_title(task, fontsize=9.5, loc="left")
    axes[0].set_ylabel("training, samples/s")
    axes[len(tasks)].set_ylabel("training at batch 32, samples/s")
    canvas.legend(figure, axes[0])
    return figure


def _batches(axis: Axes, names: list[str], found: Answers) -> None:
    paint, shape = canvas.colours(names), canvas.markers(names)
    for name in names:
        for asked, speeds in found:
            if asked.framework == name and len(speeds) > 1:
                sizes = [int(size) for size in speeds]
                axis.plot(
                    sizes, list(speeds.values()), color=paint[name], marker=shape[name],
                    markersize=5, linewidth=1.1, label=name,
                )  # fmt: skip
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.set_xticks([16, 64, 256], ["16", "64", "256"])
    axis.set_xlabel("batch size")


def _threads(axis: Axes, names: list[str], found: Answers) -> None:
    paint, shape = canvas.colours(names), canvas.markers(names)
    counts = sorted({asked.threads for asked, _ in found if asked.threads is not None})
    for number, name in enumerate(names):
        places, middle, spread = [], [], []
        for place, threads in enumerate(counts):
            speeds = [
                speeds[BATCH]
                for asked, speeds in found
                if (asked.framework, asked.threads) == (name, threads) and BATCH in speeds
            ]
            if speeds:
                places.append(place + 0.12 * (number - len(names) / 2))
                middle.append(float(np.median(speeds)))
                spread.append((middle[-1] - min(speeds), max(speeds) - middle[-1]))
        axis.errorbar(
            places, middle, yerr=np.array(spread).T, fmt=shape[name], color=paint[name],
            capsize=2, linewidth=1.1,
        )  # fmt: skip
    axis.set_xticks(range(len(counts)), [str(count) for count in counts])
    axis.set_xlim(-0.6, len(counts) - 0.4)
    axis.set_ylim(bottom=0)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
    axis.set_xlabel("threads")
