"""Peak resident memory of the process."""

from __future__ import annotations

from matplotlib.figure import Figure

from bench.records.results import Results
from bench.report.drawing import canvas, frames

NAME = "memory"
TITLE = "Memory"
READING = "Peak resident memory of the whole process, harness and data included."
ORDER = 60


def draw(results: Results) -> Figure | None:
    """None where nothing was measured."""
    results = canvas.shown(results)
    frame = frames.values(results, "peak_rss", 1 / 2**20)
    made = frames.dots(results, [(frame, "peak resident memory of the process, MiB")])
    return made and made[0]
