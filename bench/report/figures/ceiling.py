"""What part of the machine's rate the tasks' products reach."""

from __future__ import annotations

from matplotlib.figure import Figure

from bench.records.results import Results
from bench.report import achieved
from bench.report.drawing import canvas, frames

NAME = "ceiling"
TITLE = "Share of the machine's ceiling"
READING = (
    "Floating-point operations a second of the tasks' matrix products, over the best rate of "
    "a large product in that precision that any framework reached on this machine."
)
ORDER = 80
SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
PHASES = (("train_flops", "training"), ("infer_flops", "inference at batch 256"))


def draw(results: Results) -> Figure | None:
    """None where the machine's ceiling was not measured."""
    most = achieved.ceiling_of(results)
    if most is None:
        return None
    results = canvas.shown(results)
    words = f"share of {most.flops / 1e9:,.0f} GFLOP/s"
    shown = [
        (frames.values(results, name, 1 / most.flops), f"{label}, {words}")
        for name, label in PHASES
    ]
    if (made := frames.dots(results, shown)) is None:
        return None
    for axis in made[1]:
        axis.axvline(1.0, color="0.3", linewidth=1)
        low, high = axis.get_xlim()
        # Above 1 where the machine was busier while the ceiling was measured: not to be hidden.
        canvas.logarithmic(axis, low / 0.85, max(1.0, high / 1.15), SHARES)
    return made[0]
