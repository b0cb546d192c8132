"""One contender against another in one metric: sitting by sitting, then over sittings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log

from bench import stats
from bench.judge.verdict import FINEST
from bench.records.metrics import SCORE, Direction, Metric, metric
from bench.records.parts import Phase
from bench.records.results import CellResult
from bench.stats import Effect, Estimate


@dataclass(frozen=True)
class Side:
    """One contender's launches of one task, under the name it has in the answer."""

    name: str
    result: CellResult | None

    def values(self, m: Metric) -> Mapping[int, float]:
        """Block → the metric's value, of the launches that count."""
        return self.result.values(m) if self.result else {}

    def by_seed(self, m: Metric) -> Mapping[int, float]:
        """Seed → the metric's value: what two runs of the same seeds have in common."""
        seeds = {x.job.block: x.job.seed for x in (self.result.good if self.result else ())}
        return {seeds[block]: value for block, value in self.values(m).items()}

    def times_to_target(self) -> tuple[list[float], list[bool]]:
        """Seconds to the target, or of the whole training where it was not reached, and which."""
        readings = self.result.readings if self.result else ()
        known = [r for r in readings if r.target is not None and r.learn_seconds is not None]
        seconds = [r.learn_seconds if r.time_to_target is None else r.time_to_target for r in known]
        return [s for s in seconds if s is not None], [r.time_to_target is not None for r in known]


def as_ratio(m: Metric, better: Direction, values: Iterable[float]) -> bool:
    """Whether it is judged as a log-ratio: all but scores that are no errors."""
    return (m.positive or (m.name == SCORE and better == "lower")) and min(values) > 0


def sittings(m: Metric, base: CellResult, new: CellResult) -> dict[int, float]:
    """Block → log-ratio of `new` to `base` in a positive metric, of the blocks both have.

    A median of a phase is compared turn by turn: Hodges-Lehmann over the turns that both sat in
    (`stats.hodges_lehmann`), so that what changed between turns hits both alike. Other metrics,
    and launches measured alone, give the ratio of their values.
    """
    before, after = base.values(m), new.values(m)
    found = {b: log(after[b] / before[b]) for b in sorted(before.keys() & after.keys())}
    if m.phase is not None:
        base_turns, new_turns = base.slices(m.phase), new.slices(m.phase)
        for block in found:
            common = sorted(base_turns[block].keys() & new_turns[block].keys())
            logs = [log(new_turns[block][t] / base_turns[block][t]) for t in common]
            if logs:
                found[block] = _of_seconds(m, m.phase, stats.hodges_lehmann(logs), base, new)
    return found


def _of_seconds(m: Metric, phase: Phase, longer: float, base: CellResult, new: CellResult) -> float:
    """A log-ratio of seconds a round as one of the metric: throughput is work over seconds."""
    if m.better == "lower":
        return longer
    return log(new.good[0].samples(phase) / base.good[0].samples(phase)) - longer


def effect(
    m: Metric, base: CellResult, new: CellResult, ratio: bool = True, resolution: float = FINEST
) -> Effect | None:
    """`new` against `base` over the sittings both have; None where they share none."""
    before, after = base.values(m), new.values(m)
    if not before.keys() & after.keys():
        return None
    if ratio:
        return stats.sittings_effect(sittings(m, base, new).items(), resolution)
    return stats.paired_effect(after, before, False, resolution)


def ratio(name: str, base: CellResult, new: CellResult) -> Estimate | None:
    """`new` / `base` in a positive metric with its 95 % interval; None without a common block."""
    between = effect(metric(name), base, new)
    return between.as_ratio() if between is not None else None
