"""A pair's variance borrowed over its tasks: few sittings of one task know their own badly. Pure.

With n_t sittings of a task, s²_t is the variance of a pair's n_t differences, ν_t = n_t - 1, and
S² = Σ ν_t s²_t / Σ ν_t that of the same pair over all tasks it is asked in. A judged mean has the
variance max(s²_t, S² · max(1, f_t)) / n_t. f_t says how much noisier task t is than the others:
the median over its pairs of s²_t / S², by the median over all tasks. The degrees of freedom are
those of S² by Welch (1947, Biometrika 34): (Σ ν_t s²_t)² / Σ (ν_t² s⁴_t / (ν_t + 2)) - 2, between
ν_t and Σ ν_t.

Each part has its law of noise (results/judging). The pair, not the table, as one noisy contender
must not speak for the others; the larger of the two, as a task may be noisier; f_t and Welch's
degrees of freedom, as in few sittings a noisy task can look quiet: where tasks differ four times
in standard deviation, without them 5 to 11 % of tables hold a false verdict instead of 1 %.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import isnan, sqrt
from statistics import median

from bench.judge.verdict import Question
from bench.stats import Effect

PairOfMetric = tuple[str, frozenset[str]]
"""Metric and pair."""


def borrow(questions: Sequence[Question]) -> list[Question]:
    """The same questions, each with the error borrowed over those on its metric and pair.

    Scores stay as they are: two seeds of one task say nothing of how another task's seeds differ.
    What has one sitting takes the pair's variance as it is.
    """
    groups: dict[PairOfMetric, list[Effect]] = defaultdict(list)
    for q in questions:
        groups[_group(q)].append(q.effect)
    pooled = {group: pool(effects) for group, effects in groups.items()}
    noisier = _task_factors(questions, pooled)
    seen = {group: sum(e.df for e in effects if _known(e)) for group, effects in groups.items()}
    return [
        _lent(q, *pooled[_group(q)], noisier.get((q.metric, q.task), 1.0), seen[_group(q)])
        for q in questions
    ]


def _group(q: Question) -> PairOfMetric:
    return q.metric, frozenset((q.base, q.new))


def pool(effects: Iterable[Effect]) -> tuple[float, float]:
    """S², the variance of one sitting, and its degrees of freedom; NaN and 0 of none known."""
    known = [e for e in effects if _known(e)]
    sums = sum(e.df * e.spread**2 for e in known)
    whole = sum(e.df for e in known)
    if not sums:
        return float("nan"), 0.0
    squares = sum((e.df * e.spread**2) ** 2 / (e.df + 2) for e in known)
    return sums / whole, min(whole, sums**2 / squares - 2)


def _known(effect: Effect) -> bool:
    return effect.error > 0 and effect.df > 0


def _task_factors(
    questions: Sequence[Question], pooled: Mapping[PairOfMetric, tuple[float, float]]
) -> dict[tuple[str, str], float]:
    """Metric and task → how many times the variance of its pairs is what they have elsewhere."""
    ratios: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for q in questions:
        if _known(q.effect):
            ratios[q.metric][q.task].append(q.effect.spread**2 / pooled[_group(q)][0])
    factors: dict[tuple[str, str], float] = {}
    for metric, by_task in ratios.items():
        usual = median(x for task in by_task.values() for x in task)
        factors |= {(metric, task): median(found) / usual for task, found in by_task.items()}
    return factors


def _lent(q: Question, variance: float, df: float, noisier: float, seen: float) -> Question:
    if q.kind == "accuracy" or isnan(variance):
        return q
    own, own_df = (q.effect.spread**2, q.effect.df) if _known(q.effect) else (0.0, 0.0)
    error = sqrt(max(own, variance * max(1.0, noisier)) / q.effect.n)
    lent = replace(q.effect, error=error, df=max(df, own_df), seen=seen)
    return replace(q, effect=lent)
