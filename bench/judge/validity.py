"""What a run's A/A pairs say of its errors: a check, and a factor on variances. Pure.

One implementation sits in every task twice. What the two differ by is known, nothing, so each of
those pairs is a draw of mean / error, as the judge makes it. Over the pairs of one metric:

- F, the mean of (mean / error)², is about F(pairs, df) distributed where errors are right. Where it
  is too large (p < 5 %), all variances of the metric are multiplied by it: sittings scatter by
  less than they err, as an order or a label that always counts would make them.
- z, the sum of the pairs' normal scores over sqrt(pairs), is standard normal where no label is
  favoured. Beyond that (p < 1 % over a run's metrics, |z| > 2.6 for one) the metric is not judged
  at all. With T tasks a bias shows sqrt(T) times as well as in one pair.

A noisy pair is no threshold here: how far one A/A interval happens to reach says little (by a
factor of four between runs) and nothing of other tasks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from scipy import special

from bench.judge.borrowing import borrow
from bench.judge.verdict import Question
from bench.stats import from_log

FACTOR_ALPHA = 0.05
BIAS_ALPHA = 0.01  # of a run, over its metrics
BEYOND = 8.0  # normal scores are cut here: p-values under 1e-15 are no longer told apart


@dataclass(frozen=True)
class LabelCheck:
    """What the A/A pairs of one metric say.

    pairs: how many, one a task and division; none where their sittings are too few. factor: of
    all variances, 1 or more. z: normal score of a label's favour. bias: its size, the mean of the
    pairs on the judged scale. void: why the metric is not judged; empty where it is.
    """

    metric: str
    pairs: int
    factor: float = 1.0
    z: float = 0.0
    bias: float = 0.0
    void: str = ""


LabelChecks = Mapping[str, LabelCheck]
"""Metric → what its A/A pairs say; a metric without a pair is absent."""


def checks(a_a: Sequence[Question]) -> dict[str, LabelCheck]:
    """a_a: what is asked of A/A pairs, copy against original, not yet borrowed over tasks."""
    by_metric: dict[str, list[Question]] = defaultdict(list)
    for q in borrow(a_a):
        by_metric[q.metric] += [q] if q.enough and q.effect.error > 0 else []
    alpha = BIAS_ALPHA / max(1, sum(map(bool, by_metric.values())))
    return {
        name: _check(name, pairs, alpha) if pairs else LabelCheck(name, 0)
        for name, pairs in by_metric.items()
    }


def _check(name: str, pairs: Sequence[Question], alpha: float) -> LabelCheck:
    effects = [q.effect for q in pairs]
    f = sum((e.mean / e.error) ** 2 for e in effects) / len(effects)
    df = min(e.df for e in effects)
    p = float(special.fdtrc(len(effects), df, f))
    scores = [_normal_score(e.mean / e.error, e.df) for e in effects]
    z = sum(scores) / sqrt(len(scores))
    bias = sum(e.mean for e in effects) / len(effects)
    void = ""
    if 2 * float(special.ndtr(-abs(z))) < alpha:
        size = f"{from_log(bias) - 1:+.1%}" if pairs[0].ratio else f"{bias:+.4f}"
        void = f"one implementation differs from itself by {size} in {name} (|z| = {abs(z):.1f})"
    return LabelCheck(name, len(effects), max(1.0, f) if p < FACTOR_ALPHA else 1.0, z, bias, void)


def _normal_score(t: float, df: float) -> float:
    """The normal quantile that is as far out as `t` of Student's distribution."""
    score = float(special.ndtri(special.stdtr(df, -abs(t))))
    score = min(BEYOND, -score)
    return score if t > 0 else -score


def checked(questions: Iterable[Question], by_metric: LabelChecks) -> list[Question]:
    """The same questions with their variances times the metric's factor, void where it is."""
    return [_checked(q, by_metric.get(q.metric)) for q in questions]


def _checked(q: Question, check: LabelCheck | None) -> Question:
    if check is None:
        return q
    widened = q.effect.widened(check.factor)
    return replace(q, effect=widened, void=q.void or check.void)


def sentence(by_metric: LabelChecks, name: str) -> str:
    """For people, of one metric; empty where it has no A/A pair."""
    check = by_metric.get(name)
    if check is None:
        return ""
    if not check.pairs:
        return f"A/A (one implementation with itself, {name}): too few sittings to say."
    pairs = "pair" if check.pairs == 1 else "pairs"
    said = f"A/A ({check.pairs} {pairs} of one implementation with itself, {name}): "
    if check.void:
        return f"{said}not judged: {check.void}."
    if check.factor > 1:
        return (
            f"{said}differs by more than its sittings scatter; variances times {check.factor:.1f}."
        )
    return f"{said}as equal as its sittings say (|z| = {abs(check.z):.1f})."
