"""Who leads a task in its division, by the verdicts alone. Pure.

A contender *leads* a task when no verdict puts another of its division above it. What one
contender leads alone is said with the smallest advantage that its intervals still admit, over all
of the others: never the measured ratio, which is larger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from adapters.base import Division
from bench.judge.divisions import Contest
from bench.judge.verdict import Verdict
from bench.stats import from_log


@dataclass(frozen=True)
class Lead:
    """Who leads one task in one metric, among the rows of one division.

    least: the smallest advantage of the best over any contender behind it that the intervals admit
    (1.2: 20 %); 1 where none is behind. equal: the leaders were shown to be equivalent. spread: how
    many times better the best of several leaders is than the last of them, as measured so far.
    more: about how many more sittings would tell them apart; 0 where that is not known.
    """

    task: str
    leaders: tuple[str, ...]
    others: tuple[str, ...]
    least: float
    equal: bool = False
    division: Division = "tuned"
    spread: float = 1.0
    more: int = 0


Against = Mapping[Contest, Sequence[Verdict]]
"""Contest → verdicts of each contender against the contest's best, in one metric."""
Judged = Callable[[str], Against]
"""Metric → its verdicts; asked often, judged once."""


def leads(judged: Against) -> list[Lead]:
    """Of every contest with two or more measured contenders, who leads in the metric judged."""
    found = []
    for contest, against in judged.items():
        best = against[0].question.base
        behind = [v for v in against if v.outcome == "worse"]
        beside = [v for v in against if v.outcome != "worse"]
        found.append(
            Lead(
                contest.task,
                (best, *(v.question.new for v in beside)),
                tuple(v.question.new for v in behind),
                min((_least(v) for v in behind), default=1.0),
                bool(beside) and all(v.outcome == "equivalent" for v in beside),
                contest.division,
                max((_times(v) for v in beside), default=1.0),
                max((v.more_launches for v in beside), default=0),
            )
        )
    return found


def _times(verdict: Verdict) -> float:
    """How many times better one of a pair is than the other, as measured."""
    return from_log(abs(verdict.question.effect.mean)) if verdict.question.ratio else 1.0


def _least(verdict: Verdict) -> float:
    """How many times better the base is than `new`, at least, by the 95 % interval."""
    low, high = verdict.question.effect.interval()
    return from_log(-high) if verdict.question.higher_is_better else from_log(low)
