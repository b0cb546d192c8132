"""What of a run is kept for good, and how kept runs become series. Pure: no files, no clock.

An *entry* is one run: every cell's value and its launches' values, the A/A floor of each
metric, the machine and the versions. A *series* is one metric of one cell over the entries of
one fingerprint; other hardware, threads, data, device or budget is another series. Versions
(system, Python, packages) are no part of it: they are what a history is there to watch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np

from bench import stats
from bench.records import tidy
from bench.records.metrics import METRICS, better_in, metric
from bench.records.record import AA_LABEL, Cell, Record
from tasks.errors import UserError

ENTRY_SCHEMA = 1
MIN_RUNS = 8  # in shorter series Otava misses half of the changes four times the noise
GIB = 2**30

Entry = dict[str, Any]
"""One run as kept; its keys are described in results/README.md."""


@dataclass(frozen=True)
class Point:
    """One run's value in a series, in the metric's unit; `floor` is NaN where none is known."""

    run: str
    created: str
    revision: str
    value: float
    floor: float
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Series:
    """One metric of one cell over the runs of one fingerprint, oldest first.

    missing: why the newest run that asked for the cell has no value; empty when it has one.
    missed: when that run was made.
    """

    fingerprint: str
    machine: str
    cell: Cell
    metric: str
    points: tuple[Point, ...]
    missing: str = ""
    missed: str = ""

    @property
    def name(self) -> str:
        """Unique, and short enough for a table."""
        c = self.cell
        return f"{c.task} {c.implementation} {c.device} {c.threads}t {self.metric}"

    @property
    def floor(self) -> float:
        """Least relative change worth a word: the median A/A floor of its runs; NaN without."""
        known = [p.floor for p in self.points if not np.isnan(p.floor)]
        return median(known) if known else float("nan")

    @property
    def unjudged(self) -> str:
        """Why no change point can be looked for; empty when it can."""
        if len(self.points) < MIN_RUNS:
            return f"{len(self.points)} runs, needs {MIN_RUNS}"
        if np.isnan(self.floor):
            return "no A/A floor: no run of it has two launches or more"
        return ""


@dataclass(frozen=True)
class Change:
    """A change point: the first run after it, the run before, and the relative change.

    versions: what else differs between the two runs, as "package old → new".
    """

    series: Series
    at: Point
    previous: Point
    relative: float
    worse: bool
    versions: tuple[str, ...]


def entry_of(about: dict[str, Any], records: Sequence[Record], revision: str = "") -> Entry:
    """A run as an entry. `UserError` when nothing in it was measured.

    The id holds the time and a hash of run.json and of the first launch: the same run added
    twice, or added again after it was resumed, is one entry; two runs begun in the same second
    are two.
    """
    groups = tidy.by_cell(list(records))
    measured = [r for group in groups.values() for r in tidy.good(group)]
    if not measured:
        raise UserError("nothing was measured in this run; a history keeps measurements")
    first = min(measured, key=lambda r: (r["datetime"], r["launch"]["job"]["id"]))
    digest = hashlib.sha256(json.dumps([about, first], sort_keys=True).encode()).hexdigest()
    stamp = about["created"][:19].replace("-", "").replace(":", "")
    return {
        "schema": ENTRY_SCHEMA,
        "id": f"{stamp}-{digest[:12]}",
        "created": about["created"],
        "revision": revision,
        "command": about["command"],
        "machine": about["machine"],
        "budget": about["budget"],
        "floors": floors(groups),
        "cells": [
            _cell_entry(cell, group, about) for cell, group in groups.items() if not cell.label
        ],
    }


def _cell_entry(cell: Cell, group: list[Record], about: dict[str, Any]) -> dict[str, Any]:
    status, reason = tidy.cell_status(group)
    good = tidy.good(group)
    found = tidy.estimates(group)
    return {
        "cell": asdict(cell),
        "dataset": about["datasets"][cell.task]["sha256"],
        "status": status,
        "reason": reason,
        "packages": good[0]["launch"]["packages"] if good else {},
        "values": {
            name: {"value": estimate.value, "launches": tidy.values(metric(name), good)}
            for name, estimate in found.items()
        },
    }


def floors(groups: dict[Cell, list[Record]]) -> dict[str, float]:
    """Metric → the relative difference that the run's A/A pair still admits; needs two blocks.

    A run has one pair, in its first task; its floor stands for the machine in all tasks.
    """
    found = {}
    for cell, group in groups.items():
        if cell.label != AA_LABEL:
            continue
        twin = groups.get(Cell(**{**asdict(cell), "label": ""}), [])
        for m in METRICS:
            a, b = (tidy.values(m, tidy.good(g)) for g in (group, twin))
            shared = a.keys() & b.keys()
            if len(shared) > 1 and min(*a.values(), *b.values()) > 0:
                found[m.name] = stats.noise_floor(stats.paired_ratio(a, b))
    return found


def series_of(entries: Iterable[Entry]) -> list[Series]:
    """Every series of these entries, each oldest run first; names in order."""
    points: dict[tuple[str, Cell, str], list[Point]] = {}
    machines: dict[str, str] = {}
    missing: dict[tuple[str, Cell, str], tuple[str, str]] = {}
    for entry in sorted(entries, key=lambda e: (e["created"], e["id"])):
        for kept in entry["cells"]:
            cell = Cell(**kept["cell"])
            fingerprint, words = _fingerprint(entry, kept)
            machines[fingerprint] = words
            known = {m for f, c, m in points if (f, c) == (fingerprint, cell)}
            for name in known | kept["values"].keys():
                key = (fingerprint, cell, name)
                if name in kept["values"]:
                    points.setdefault(key, []).append(_point(entry, kept, name))
                    missing.pop(key, None)
                else:
                    why = f"{entry['id']}: {kept['status']}: {kept['reason']}"
                    missing[key] = (why, entry["created"])
    made = [
        Series(key[0], machines[key[0]], key[1], key[2], tuple(found), *missing.get(key, ()))
        for key, found in points.items()
    ]
    return sorted(made, key=lambda s: (s.name, s.fingerprint))


def _point(entry: Entry, kept: dict[str, Any], name: str) -> Point:
    machine = {key: entry["machine"][key] for key in ("os", "python")}
    return Point(
        run=entry["id"],
        created=entry["created"],
        revision=entry["revision"],
        value=kept["values"][name]["value"],
        floor=entry["floors"].get(name, float("nan")),
        versions=tuple(sorted({**machine, **kept["packages"]}.items())),
    )


def _fingerprint(entry: Entry, kept: dict[str, Any]) -> tuple[str, str]:
    """A hash and its words. Memory in whole GiB: kernels reserve a little more or less a boot."""
    machine = entry["machine"]
    words = (
        f"{machine['cpu']}, {machine['cores']} cores, {round(machine['memory_bytes'] / GIB)} GiB, "
        f"{machine['architecture']}"
    )
    facts = [words, kept["cell"]["threads"], kept["cell"]["device"], kept["dataset"]]
    facts.append(entry["budget"])
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return digest[:8], words


def change_at(series: Series, index: int, before: float, after: float) -> Change:
    """The change whose first run is `index`; before, after: the means on either side."""
    previous, at = series.points[index - 1], series.points[index]
    rises_well = better_in(metric(series.metric), series.cell.task) == "higher"
    old, new = dict(previous.versions), dict(at.versions)
    names = sorted(n for n in old.keys() | new.keys() if old.get(n) != new.get(n))
    differing = tuple(f"{n} {old.get(n, 'none')} → {new.get(n, 'none')}" for n in names)
    relative = after / before - 1
    return Change(series, at, previous, relative, (after < before) == rises_well, differing)


def exit_code(series: Sequence[Series], changes: Sequence[Change], since: str = "") -> int:
    """0 no change for the worse since `since` (ISO date), 1 one, 2 it cannot be said.

    It cannot be said when no series can be judged, or when one that has a past has no value in
    its newest run (made since then): what stopped working is not unchanged.
    """
    if any(change.worse and change.at.created >= since for change in changes):
        return 1
    judged = [one for one in series if not one.unjudged]
    gone = any(one.missing and one.missed >= since for one in series)
    return 2 if not judged or gone else 0
