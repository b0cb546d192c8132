"""Samples a second, training and inference."""

from __future__ import annotations

from matplotlib.figure import Figure

from bench.records.results import Results
from bench.report.drawing import canvas, frames

NAME = "throughput"
TITLE = "Throughput"
READING = "Samples a second in steady state with 95 % intervals over launches, logarithmic."
ORDER = 20
SIDES = (
    ("train_throughput", "training, samples/s"),
    ("infer_throughput", "inference at batch 256, samples/s"),
)


def draw(results: Results) -> Figure | None:
    """None where nothing was timed."""
    results = canvas.shown(results)
    made = frames.dots(results, [(frames.values(results, name), label) for name, label in SIDES])
    return made and made[0]
