"""The curves of a sweep: training speed against batch, threads, width or length. Pure.

Width and length change the work of a sample, so points of a curve are set against one another by
useful operations a second: samples a second times the operations that a sample needs
(tasks.flops). Over batches and threads that is samples a second, but for a factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

from bench import stats
from bench.records.metrics import SPEED
from bench.records.points import AXES, Axis, SweepPoint, point_of
from bench.records.results import CellResult, Results
from bench.stats import Estimate
from tasks import flops

KNEE_SHARE = 0.9  # of a curve's best: from there on more brings little
FEWEST_POINTS = 3  # of a curve with a knee


@dataclass(frozen=True)
class CurvePoint:
    """speed: samples a second; None where there is none, and then `missing` is how the point ended.
    rates: block → useful operations a second."""

    point: SweepPoint
    speed: Estimate | None
    missing: str
    rates: Mapping[int, float]


@dataclass(frozen=True)
class Knee:
    """From where on a curve is within a tenth of its best: not before `first`; surely from `last`,
    None where the intervals do not say."""

    first: int
    last: int | None


@dataclass(frozen=True)
class SweptCurve:
    """One implementation over one axis, its points ascending."""

    task: str
    axis: Axis
    implementation: str
    points: tuple[CurvePoint, ...]

    @cached_property
    def measured(self) -> tuple[CurvePoint, ...]:
        """The points that have a speed."""
        return tuple(point for point in self.points if point.rates)

    @property
    def ended(self) -> CurvePoint | None:
        """The point at which memory was too little: there is none behind it."""
        return next((p for p in self.points if p.missing == "out-of-memory"), None)

    @cached_property
    def best(self) -> CurvePoint | None:
        """The point of the highest rate."""
        whole = [(stats.positive_mean(list(p.rates.values())).value, p) for p in self.measured]
        return max(whole, key=lambda pair: pair[0])[1] if whole else None

    def efficiency(self, at: CurvePoint) -> Estimate | None:
        """Over threads: the gain over the fewest, divided by how many times as many they are (1:
        all of them work). Over all else: the rate over that of the curve's best point. None where
        there is nothing to hold it against."""
        against = self.measured[0] if self.axis == "threads" and self.measured else self.best
        if against is None or not at.rates.keys() & against.rates.keys():
            return None
        ratio = stats.paired_ratio(at.rates, against.rates)
        times = at.point.value / against.point.value if self.axis == "threads" else 1.0
        return Estimate(ratio.value / times, ratio.low / times, ratio.high / times, ratio.n)

    @cached_property
    def knee(self) -> Knee | None:
        """None of a curve of few points, and where a point has no interval."""
        if len(self.measured) < FEWEST_POINTS or self.best is None:
            return None
        shares = [(p.point.value, self._share(p)) for p in self.measured]
        if not all(isfinite(share.high) for _, share in shares):
            return None
        first = next(value for value, share in shares if share.high >= KNEE_SHARE)
        last = next((value for value, share in shares if share.low >= KNEE_SHARE), None)
        return Knee(first, last)

    def _share(self, at: CurvePoint) -> Estimate:
        """Of the best's rate."""
        assert self.best is not None
        return stats.paired_ratio(at.rates, self.best.rates)


def curves(results: Results) -> tuple[SweptCurve, ...]:
    """All of a run, by task, axis and implementation in the order of the request; none where it
    was no sweep."""
    found: dict[tuple[str, Axis, str], list[CurvePoint]] = {}
    for result in results.contenders:
        if (point := point_of(result.cell.task)) is not None:
            key = (point.base, point.axis, result.cell.implementation)
            found.setdefault(key, []).append(_at(results, result, point))
    tasks = list(dict.fromkeys(base for base, _, _ in found))
    names = list(results.about.request.implementations)
    order = sorted(found, key=lambda k: (tasks.index(k[0]), AXES.index(k[1]), names.index(k[2])))
    return tuple(
        SweptCurve(*key, tuple(sorted(found[key], key=lambda p: p.point.value))) for key in order
    )


def _at(results: Results, result: CellResult, point: SweepPoint) -> CurvePoint:
    task = results.about.task(result.cell.task)
    work = flops.training(task) if task is not None else 1
    speeds = result.values(SPEED)
    rates = {block: speed * work for block, speed in speeds.items()}
    return CurvePoint(point, result.estimate(SPEED), "" if rates else result.missing, rates)
