"""What a mode's compilation costs and when it has paid for itself. Pure.

Against its framework's usual mode, a mode starts C seconds later (import, build and first step
together) and then gains g seconds a step. After C / g steps both have spent the same time.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench import discover, stats
from bench.judge.questions import Groups, Side
from bench.records import tidy
from bench.records.metrics import metric
from bench.stats import Estimate
from tasks.catalogue.every import TASKS

HEADINGS = (
    "mode", "first step s", "usual mode's s", "train speed against it", "95 % interval",
    "start paid for after",
)  # fmt: skip
_BATCH = {task.name: task.batch_size for task in TASKS}


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


def paybacks(groups: Groups, task: str) -> list[Payback]:
    """Every other mode that was measured beside its framework's usual one."""
    mine = {c.implementation: g for c, g in groups.items() if c.task == task and not c.label}
    usual_modes = {one.name: one.usual.name for one in discover.frameworks()}
    found = []
    for name, group in mine.items():
        usual = usual_modes.get(name.split(":")[0])
        if usual and usual != name and usual in mine and tidy.good(mine[usual]):
            side, base = Side(name, group), Side(usual, mine[usual])
            if one := _payback(task, side, base):
                found.append(one)
    return found


def _payback(task: str, side: Side, base: Side) -> Payback | None:
    speed = metric("train_throughput")
    mine, theirs = side.values(speed), base.values(speed)
    if not mine.keys() & theirs.keys():
        return None
    ratio = stats.paired_ratio(mine, theirs)
    late = _mean(side, "cold_start") - _mean(base, "cold_start")
    batch = _BATCH.get(task, 1)
    step, usual_step = (batch / stats.positive_mean([*v.values()]).value for v in (mine, theirs))
    steps = seconds = None
    if ratio.low > 1:
        steps = max(0.0, late / (usual_step - step))
        seconds = _mean(side, "cold_start") + steps * step
    return Payback(
        side.name, ratio, _mean(side, "first_step"), _mean(base, "first_step"),
        steps, seconds,
    )  # fmt: skip


def _mean(side: Side, name: str) -> float:
    found = side.values(metric(name))
    return stats.mean([*found.values()]).value if found else float("nan")


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
