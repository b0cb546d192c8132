"""Training and inference speed as a share of each task's fastest."""

from __future__ import annotations

from matplotlib.figure import Figure

from bench.records.results import Results
from bench.report.drawing import canvas, frames

NAME = "speed"
TITLE = "Speed against the fastest"
READING = (
    "Each contender's training and inference speed as a share of the fastest of the task, "
    "with its 95 % interval over launches paired by block. Further right is faster."
)
ORDER = 10
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
SIDES = (
    ("train_throughput", "training speed, share of the fastest"),
    ("infer_throughput", "inference speed (batch 256), share of the fastest"),
)


def draw(results: Results) -> Figure | None:
    """None where nothing was timed."""
    results = canvas.shown(results)
    made = frames.dots(results, [(frames.ratios(results, name), label) for name, label in SIDES])
    if made is None:
        return None
    for axis in made[1]:
        axis.axvline(1.0, color="0.3", linewidth=1)
        low, high = axis.get_xlim()
        canvas.logarithmic(axis, low / 0.85, high / 1.15, SHARES)
    return made[0]
