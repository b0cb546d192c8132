"""Where a launch's rounds settle: change points in their times, and whether there is an end. Pure.

The rounds are cut into segments of constant level (optimal partitioning, Jackson et al. 2005; a
segment costs the squared distance of log times to its mean, each cut a penalty that white noise
rarely pays, Yao 1988). Neighbours that differ by less than `LEVEL` count as one, as in Barrett et
al. 2017, "Virtual machine warmup blows hot and cold". A launch is steady from the start of its
last segment, if that is long enough to be called a state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.records.results import Results

LEVEL = 0.05  # relative difference of two levels below which they are one
LEAST_SHARE = 1 / 3  # of the rounds that the last segment must hold
FEWEST = 5  # rounds below which nothing is said


@dataclass(frozen=True)
class Settled:
    """steady_from: the first round of the steady state; None where there is none.
    levels: seconds of each segment, in order."""

    steady_from: int | None
    levels: tuple[float, ...]


def settle(seconds: Sequence[float] | np.ndarray) -> Settled:
    """Segments of one launch's rounds (seconds, in order); fewer than five are one segment."""
    logs = np.log(np.asarray(seconds, float))
    n = len(logs)
    if n < FEWEST:
        return Settled(0, (float(np.exp(np.median(logs))),) if n else ())
    starts = _merged(logs, _partition(logs))
    ends = [*starts[1:], n]
    levels = tuple(float(np.exp(np.median(logs[a:b]))) for a, b in zip(starts, ends, strict=True))
    steady = starts[-1] if n - starts[-1] >= LEAST_SHARE * n else None
    return Settled(steady, levels)


def _partition(logs: np.ndarray) -> list[int]:
    """Starts of the segments whose cost with penalties is least; O(n²)."""
    n = len(logs)
    # Noise from differences of neighbours: a step in level enters only one of them.
    noise = float(np.median(np.abs(np.diff(logs)))) / (0.6745 * np.sqrt(2))
    penalty = 3 * max(noise, 1e-4) ** 2 * np.log(n) * 2
    sums, squares = (np.concatenate([[0.0], np.cumsum(x)]) for x in (logs, logs**2))
    best, came = np.full(n + 1, np.inf), np.zeros(n + 1, int)
    best[0] = -penalty
    for end in range(1, n + 1):
        begin = np.arange(end)
        length = end - begin
        cost = squares[end] - squares[begin] - (sums[end] - sums[begin]) ** 2 / length
        total = best[begin] + cost + penalty
        came[end] = int(np.argmin(total))
        best[end] = total[came[end]]
    starts, at = [], n
    while at > 0:
        at = int(came[at])
        starts.append(at)
    return starts[::-1]


def _merged(logs: np.ndarray, starts: list[int]) -> list[int]:
    """Segments from the end on, joined while their medians are one level."""
    kept = [starts[-1]]
    end = len(logs)
    for start in reversed(starts[:-1]):
        here, there = np.median(logs[start : kept[-1]]), np.median(logs[kept[-1] : end])
        if abs(here - there) < np.log1p(LEVEL):
            kept[-1] = start
        else:
            end = kept[-1]
            kept.append(start)
    return kept[::-1]


def note(results: Results) -> str:
    """One sentence for a report about training rounds; empty when every launch settled.

    Rounds of inference and single steps are too short for that: a few milliseconds of other load
    are a level of their own there. They are told by percentiles.
    """
    launches = [launch for result in results.contenders for launch in result.good]
    restless = Counter(
        launch.cell.contender
        for launch in launches
        if settle(launch.rounds("train")).steady_from is None
    )
    named = ", ".join(f"{name} in {count}" for name, count in restless.most_common())
    return f"No steady state of training in some of {len(launches)} launches: {named}." * bool(
        named
    )
