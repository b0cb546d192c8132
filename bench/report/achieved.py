"""What a task's matrix products achieve: operations a second, their share of the ceiling. Pure."""

from __future__ import annotations

from bench.judge.questions import Groups
from bench.records import tidy
from bench.records.metrics import WORK_METRICS
from bench.run.ceiling import Ceiling
from bench.stats import Estimate

HEADINGS = (
    "implementation", "training GFLOP/s", "of the ceiling", "inference GFLOP/s", "of the ceiling",
)  # fmt: skip


def rows(groups: Groups, task: str, ceiling: Ceiling | None) -> list[tuple[str, ...]]:
    """Text under `HEADINGS`, the fastest in training first; empty without a ceiling."""
    if ceiling is None:
        return []
    found: dict[str, list[Estimate | None]] = {
        cell.implementation: [tidy.estimate(metric, group) for metric in WORK_METRICS]
        for cell, group in groups.items()
        if cell.task == task and not cell.label
    }
    measured = {name: both for name, both in found.items() if both[0] is not None}
    order = sorted(measured, key=lambda name: -_value(measured[name][0]))
    return [(name, *_texts(measured[name], ceiling)) for name in order]


def _value(e: Estimate | None) -> float:
    return 0.0 if e is None else e.value


def _texts(both: list[Estimate | None], ceiling: Ceiling) -> list[str]:
    texts = []
    for e in both:
        texts += ["", ""] if e is None else [_plain(e.value / 1e9), share(e.value / ceiling.flops)]
    return texts


def _plain(x: float) -> str:
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def share(part: float) -> str:
    """As a percentage with two digits that count: "37%", "0.42%"."""
    return f"{100 * part:.2g}%" if part < 0.995 else f"{100 * part:.0f}%"


def note(ceiling: Ceiling | None) -> str:
    """The ceiling in words; empty where none was measured."""
    if ceiling is None:
        return ""
    copied = ceiling.copy_bytes_per_second
    memory = f"; memory is copied at {copied / 1e9:,.1f} GB/s, read and written" if copied else ""
    rate = f"{ceiling.flops / 1e9:,.0f} GFLOP/s in {ceiling.precision}"
    return f"Ceiling: a large matrix product runs at {rate} ({ceiling.by}){memory}."
