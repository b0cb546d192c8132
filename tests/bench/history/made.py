"""Entries of made-up runs, for the tests of a history."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from bench.history.entries import entry_of
from bench.history.series import Series, series_of
from bench.records.beside import HistoryEntry
from bench.records.record import Record
from tests.support import records
from tests.support.records import record


def about(day: int, **machine: Any) -> dict[str, Any]:
    """run.json of a day."""
    made = records.about(implementations=("pytorch:eager", "mxnet:hybrid"), launches=2)
    created = f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}T03:00:00+00:00"
    return made | {"created": created, "machine": made["machine"] | machine}


def kept(raw: dict[str, Any], made: list[Record], revision: str = "") -> HistoryEntry:
    """The entry of a run of these records."""
    return entry_of(records.results(made, raw), revision)


def launches(seconds: float = 0.1, spread: float = 0.01) -> list[Record]:
    """Two blocks with an A/A pair that differs by `spread`."""
    return [
        record("pytorch:eager", block, seconds * (1 + spread * (label == "A/A") * block), label)
        for block in (0, 1)
        for label in ("", "A/A")
    ]


def entry(day: int, seconds: float = 0.1, **machine: Any) -> HistoryEntry:
    return kept(about(day, **machine), launches(seconds), revision=f"r{day}")


def speed(entries: list[HistoryEntry]) -> Series:
    (found,) = [s for s in series_of(entries) if s.metric == "train_throughput"]
    return found


def noisy(days: int, slower_from: int = 10**6, by: float = 1.2) -> list[HistoryEntry]:
    rng = np.random.default_rng(4)
    return [
        entry(d, 0.1 * math.exp(rng.normal(0, 0.01)) * (by if d >= slower_from else 1.0))
        for d in range(days)
    ]


def edited(raw: dict[str, Any], *path: Any, to: Any) -> dict[str, Any]:
    """The same run.json with another value at a place."""
    copy: dict[str, Any] = json.loads(json.dumps(raw))
    place: Any = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return copy
