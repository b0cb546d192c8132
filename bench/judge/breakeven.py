"""What a mode's compilation costs and when it has paid for itself. Pure.

Against its framework's usual mode of the same division, a mode starts C seconds later (import,
build and first step together) and then gains g seconds a step. After C / g steps both have spent
the same time.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.base import Division, Framework
from bench import discover, stats
from bench.judge import pairs
from bench.records.metrics import SPEED, task_of
from bench.records.results import DIVISIONS, CellResult, Results
from bench.stats import Estimate

HEADINGS = (
    "mode", "first step s", "usual mode's s", "train speed against it", "95 % interval",
    "start paid for after",
)  # fmt: skip


@dataclass(frozen=True)
class Payback:
    """One mode against its framework's usual one, in one task.

    ratio: training speed over the usual mode's, paired by block. first_step, usual_first_step:
    seconds. steps, seconds: when the compilation is paid for; None where it never is, or where
    the two speeds are not told apart.
    """

    mode: str
    ratio: Estimate
    first_step: float
    usual_first_step: float
    steps: float | None
    seconds: float | None


def paybacks(results: Results, task: str) -> list[Payback]:
    """Every other mode that was measured beside the usual one of its framework and division."""
    contenders = {r.cell.implementation: r for r in results.of_task(task)}
    usual_modes = {
        (one.name, division): name
        for one in discover.frameworks()
        for division in DIVISIONS
        if (name := _usual(one, division))
    }
    found = []
    for result in contenders.values():
        usual = contenders.get(usual_modes.get((result.cell.framework, result.division), ""))
        if usual is None or usual.division != result.division:
            continue
        if usual is not result and usual.good:
            payback = _payback(result, usual)
            found += [payback] if payback is not None else []
    return found


def _usual(framework: Framework, division: Division) -> str:
    """The mode that a division's others are held against: its first usual one, or its first."""
    own = [row for row in framework.implementations if row.division == division]
    return next((row.name for row in own if row.usual), own[0].name if own else "")


def _payback(mode: CellResult, usual: CellResult) -> Payback | None:
    speeds, usual_speeds = mode.values(SPEED), usual.values(SPEED)
    ratio = pairs.ratio(SPEED, usual, mode)
    if ratio is None:
        return None
    late = _mean(mode, "cold_start") - _mean(usual, "cold_start")
    task = task_of(mode.good[0].job)
    batch = task.batch_size if task else 1
    step, usual_step = (
        batch / stats.positive_mean([*v.values()]).value for v in (speeds, usual_speeds)
    )
    steps = seconds = None
    if ratio.low > 1:
        steps = max(0.0, late / (usual_step - step))
        seconds = _mean(mode, "cold_start") + steps * step
    return Payback(
        mode.cell.implementation, ratio, _mean(mode, "first_step"), _mean(usual, "first_step"),
        steps, seconds,
    )  # fmt: skip


def _mean(result: CellResult, name: str) -> float:
    values = result.values(name)
    return stats.mean([*values.values()]).value if values else float("nan")


def _plain(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}"


def row(one: Payback) -> tuple[str, ...]:
    """For people, under `HEADINGS`: first steps, speed, and when the mode's start is paid for."""
    r = one.ratio
    if one.steps is None:
        paid = "never" if r.high < 1 else "undecided"
    elif one.steps == 0:
        paid = "at once"
    else:
        paid = f"{one.steps:,.0f} steps ({one.seconds:,.1f} s)"
    return (
        one.mode,
        f"{one.first_step:.2f}",
        f"{one.usual_first_step:.2f}",
        _plain(r.value),
        f"{_plain(r.low)}–{_plain(r.high)}" if r.low == r.low else "1 launch",
        paid,
    )
