"""The points of a sweep: a task with one thing of it at another value, told by its name.

``fnn-mnist@batch=64`` is `fnn-mnist` with batches of 64. The name stands wherever a task's does (in
jobs, cells, reports), so whoever reads one knows which curve it belongs to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from bench.records.record import Request

Axis = Literal["batch", "threads", "width", "length"]
AXES: tuple[Axis, ...] = get_args(Axis)
_NAME = re.compile(rf"(?P<base>[^@]+)@(?P<axis>{'|'.join(AXES)})=(?P<value>[1-9][0-9]*)")


@dataclass(frozen=True)
class SweepPoint:
    """One point of a curve: the task `base` with `axis` at `value`; all else as the task has it."""

    base: str
    axis: Axis
    value: int

    @property
    def name(self) -> str:
        """Of the task that is measured there."""
        return f"{self.base}@{self.axis}={self.value}"

    def before(self, other: SweepPoint) -> bool:
        """Whether it is a smaller one of the same curve."""
        return (self.base, self.axis) == (other.base, other.axis) and self.value < other.value


def point_of(task: str) -> SweepPoint | None:
    """The point that a task's name tells; None of a task that is part of no sweep."""
    found = _NAME.fullmatch(task)
    if found is None:
        return None
    axis = next(axis for axis in AXES if axis == found["axis"])
    return SweepPoint(found["base"], axis, int(found["value"]))


def threads_of(request: Request, task: str) -> int:
    """The CPU threads that a task is measured with: the request's, or those of its point."""
    point = point_of(task)
    return point.value if point is not None and point.axis == "threads" else request.threads
