"""Launches of two speeds, and sittings whose turns have two levels: said, with their share. Pure.

A cell whose launches come in two speeds has no typical one: its interval is wide for a reason, and
the reason is worth more than the interval. Nothing is left out for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, log

import numpy as np

from bench import stats
from bench.records.metrics import Metric, judged
from bench.records.results import CellResult, Results

LEAST_EACH = 2  # launches of either speed; a single one is an outlier
LEAST_GAP = log(1.1)  # between the two speeds
GAP_TO_SPREAD = 6.0  # of the gap to the standard deviation inside the two
TURNS_APART = 3.0  # standard errors between the median of turns and their Hodges-Lehmann centre


@dataclass(frozen=True)
class TwoSpeeds:
    """low, high: geometric means of the two groups of a metric's values. count: launches in the
    lower one, of `launches`."""

    low: float
    high: float
    count: int
    launches: int


def split(values: Sequence[float]) -> TwoSpeeds | None:
    """Where the widest gap between ordered positive values parts them in two speeds; None where
    they are one. Each of the two must be narrow beside the gap."""
    logs = np.sort(np.log(np.asarray(values, float)))
    n = len(logs)
    cuts = range(LEAST_EACH, n - LEAST_EACH + 1)
    if not cuts:
        return None
    cut = max(cuts, key=lambda k: logs[k] - logs[k - 1])
    low, high = logs[:cut], logs[cut:]
    inside = float(((low - low.mean()) ** 2).sum() + ((high - high.mean()) ** 2).sum())
    gap = float(high.mean() - low.mean())
    if gap < LEAST_GAP or gap < GAP_TO_SPREAD * (inside / (n - 2)) ** 0.5:
        return None
    return TwoSpeeds(exp(low.mean()), exp(high.mean()), cut, n)


def restless(turns: Sequence[float]) -> bool:
    """Whether log-ratios of one sitting's turns have two levels: their median and their
    Hodges-Lehmann centre lie more than three standard errors apart."""
    x = np.asarray(turns, float)
    if len(x) < 2:
        return False
    error = float(x.std(ddof=1)) / len(x) ** 0.5
    apart = abs(float(np.median(x)) - stats.hodges_lehmann(x))
    return bool(apart > TURNS_APART * error > 0)


def note(results: Results) -> str:
    """One sentence for a report, of the metrics that are a phase's median; empty without any."""
    said = [
        f"{m.name} of {result.cell.contender}: {_words(m, found)}"
        for m in judged()
        if m.phase is not None
        for result in results.contenders
        if (found := split([*result.values(m).values()])) is not None
    ]
    parts = [f"Two speeds: {'; '.join(said)}."] if said else []
    if count := sum(_restless_sittings(a, b) for a, b in combinations(results.contenders, 2)):
        parts.append(f"The turns of {count} sittings of a pair have two levels.")
    return " ".join(parts)


def _words(m: Metric, found: TwoSpeeds) -> str:
    rest = found.launches - found.count
    return (
        f"{found.low:.4g} {m.unit} in {found.count} of {found.launches} launches, "
        f"{found.high:.4g} {m.unit} in {rest}"
    )


def _restless_sittings(a: CellResult, b: CellResult) -> int:
    """Of one pair, sittings of training whose turns have two levels."""
    if a.cell.task != b.cell.task:
        return 0
    first, second = a.slices("train"), b.slices("train")
    return sum(
        restless([log(second[block][t] / turns[t]) for t in turns.keys() & second[block].keys()])
        for block, turns in first.items()
        if block in second
    )
