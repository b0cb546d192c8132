"""Kept runs as series over time, and what a change point in one means. Pure: no files, no clock.

A *series* is one metric of one cell over the entries of one fingerprint: machine, device, threads,
data set, budget, the task's digest and the way of measuring. What differs in any of these is
another series. Versions (system, Python, packages) are no part of it: they are what a history is
there to watch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import copysign, inf, isnan, nan, sqrt
from statistics import median

from bench.history.alike import facts, in_order, same_machine, unlike, words
from bench.history.entries import moment
from bench.records.beside import HistoryEntry, KeptCell
from bench.records.metrics import Direction, metric
from bench.records.record import Cell

MIN_RUNS = 8  # in shorter series Otava misses half of the changes four times the noise


@dataclass(frozen=True)
class SeriesPoint:
    """One run's value in a series, in the metric's unit.

    created: ISO time in UTC, to the second.
    """

    run: str
    created: str
    revision: str
    value: float
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Series:
    """One metric of one cell over the runs of one fingerprint, oldest first.

    better: which way is good. missing: why the newest run of this machine has no value; empty when
    it has one. missed: when it went missing.
    """

    fingerprint: str
    machine: str
    cell: Cell
    metric: str
    better: Direction
    points: tuple[SeriesPoint, ...]
    missing: str = ""
    missed: str = ""

    @property
    def name(self) -> str:
        """Short enough for a table; with the fingerprint and the precision it is unique."""
        c = self.cell
        return f"{c.task} {c.implementation} {c.device} {c.threads}t {self.metric}"

    @property
    def varies_by(self) -> float:
        """Standard deviation between runs, a fraction of the median; NaN of fewer than three.

        From the median distance of neighbours (0.6745 · sqrt(2) standard deviations of normal
        noise): a change in level is one distance among many.
        """
        values = [p.value for p in self.points]
        usual = abs(median(values)) if values else 0.0
        if len(values) < 3 or not usual:
            return nan
        steps = [abs(after - before) for before, after in pairwise(values)]
        return median(steps) / usual / (0.6745 * sqrt(2))

    @property
    def unjudged(self) -> str:
        """Why no change point can be looked for; empty when it can."""
        if len(self.points) < MIN_RUNS:
            return f"{len(self.points)} runs, needs {MIN_RUNS}"
        if metric(self.metric).kind is None:
            return "shown, not judged"
        return "no value to be relative to" if isnan(self.varies_by) else ""


@dataclass(frozen=True)
class Change:
    """A change point: the first run after it, the run before, and the relative change.

    versions: what else differs between the two runs, as "package old → new".
    """

    series: Series
    at: SeriesPoint
    previous: SeriesPoint
    relative: float
    worse: bool
    versions: tuple[str, ...]


@dataclass
class _Growing:
    """A series while entries are read."""

    machine: str
    better: Direction
    points: list[SeriesPoint] = field(default_factory=list)
    missing: tuple[str, str] = ("", "")


def series_of(entries: Iterable[HistoryEntry]) -> list[Series]:
    """Every series of these entries, each oldest run first; names in order."""
    growing: dict[tuple[str, Cell], dict[str, _Growing]] = {}
    ordered = in_order(entries)
    for entry in ordered:
        for kept in entry.cells:
            fingerprint = _fingerprint(entry, kept)
            _grow(growing.setdefault((fingerprint, kept.cell), {}), words(entry), entry, kept)
    for (_, cell), by_metric in growing.items():
        for series in by_metric.values():
            if not series.missing[0]:
                series.missing = _left_out(series, cell, ordered)
    made = [
        Series(fingerprint, g.machine, cell, name, g.better, tuple(g.points), *g.missing)
        for (fingerprint, cell), by_metric in growing.items()
        for name, g in by_metric.items()
    ]
    return sorted(made, key=lambda s: (s.name, s.fingerprint, s.cell.precision))


def _grow(
    by_metric: dict[str, _Growing], machine: str, entry: HistoryEntry, kept: KeptCell
) -> None:
    for name in kept.values:
        better = metric(name).better_for(kept.score)
        series = by_metric.setdefault(name, _Growing(machine, better))
        series.points.append(_point(entry, kept, name))
        series.missing = ("", "")
    for name in by_metric.keys() - kept.values.keys():
        why = f"{entry.id}: {kept.status}: {kept.reason}"
        by_metric[name].missing = (why, _created(entry))


def _point(entry: HistoryEntry, kept: KeptCell, name: str) -> SeriesPoint:
    versions = {"os": entry.machine.os, "python": entry.machine.python, **kept.packages}
    return SeriesPoint(
        run=entry.id,
        created=_created(entry),
        revision=entry.revision,
        value=kept.values[name].value,
        versions=tuple(sorted(versions.items())),
    )


def _created(entry: HistoryEntry) -> str:
    return moment(entry.created).isoformat(timespec="seconds")


def _left_out(series: _Growing, cell: Cell, ordered: Sequence[HistoryEntry]) -> tuple[str, str]:
    """Why the newest run of the series' machine has no value of it, and since when; ("", "")
    where it has one: a cell that nobody asks for any more is not unchanged."""
    ids = [entry.id for entry in ordered]
    last = ordered[ids.index(series.points[-1].run)]
    later = [entry for entry in ordered[ids.index(last.id) + 1 :] if same_machine(entry, last)]
    if not later:
        return "", ""
    return f"{later[-1].id}: {unlike(last, later[-1], cell)}", _created(later[0])


def _fingerprint(entry: HistoryEntry, kept: KeptCell) -> str:
    """What must be alike in all runs of a series, hashed."""
    text = json.dumps(facts(entry, kept), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def not_judged(series: Sequence[Series], entries: Sequence[HistoryEntry]) -> list[str]:
    """Where the newest run was judged in no series: each series that could be, and why the run has
    no value in it. Empty where it was judged. entries: `in_order`."""
    newest = entries[-1]
    able = [s for s in series if not s.unjudged]
    if not able or any(s.points[-1].run == newest.id for s in able):
        return []
    by_id = {entry.id: entry for entry in entries}
    return [
        f"{s.name}: no value in the newest run {newest.id}: "
        f"{unlike(by_id[s.points[-1].run], newest, s.cell)}"
        for s in able
        if not s.missing
    ]


def change_at(series: Series, index: int, before: float, after: float) -> Change:
    """The change whose first run is `index`; before, after: the means on either side."""
    previous, at = series.points[index - 1], series.points[index]
    old, new = dict(previous.versions), dict(at.versions)
    names = sorted(n for n in old.keys() | new.keys() if old.get(n) != new.get(n))
    differing = tuple(f"{n} {old.get(n, 'none')} → {new.get(n, 'none')}" for n in names)
    relative = after / before - 1 if before else copysign(inf, after)
    worse = (after < before) == (series.better == "higher")
    return Change(series, at, previous, relative, worse, differing)


def sentence(change: Change) -> str:
    """One line: what changed, by how much, in which run, and what else is new in that run."""
    word = "WORSE" if change.worse else "better"
    revision = f" (revision {change.at.revision})" if change.at.revision else ""
    also = f"; also new there: {', '.join(change.versions)}" if change.versions else ""
    return (
        f"{word}: {change.series.name} {change.relative:+.1%} in run {change.at.run}{revision}, "
        f"after {change.previous.run}{also}"
    )


def exit_code(
    series: Sequence[Series], changes: Sequence[Change], since: str = "", unseen: bool = False
) -> int:
    """0 no change for the worse since `since` (ISO date), 1 one, 2 it cannot be said.

    It cannot be said when no series can be judged, when the newest run was judged in none
    (`unseen`), or when one that has a past has no value in its newest run (made since then): what
    stopped working is not unchanged.
    """
    if any(change.worse and change.at.created >= since for change in changes):
        return 1
    judged = any(not s.unjudged for s in series)
    gone = any(s.missing and s.missed >= since for s in series)
    return 2 if not judged or gone or unseen else 0
