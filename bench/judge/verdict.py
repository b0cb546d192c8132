"""From effects to verdicts. Pure: numbers in, words out; no files, no clock, no randomness.

A verdict needs two things at once:

1. significance: the difference's p-value, corrected over all questions asked together
   (Benjamini & Hochberg 1995), is at most `alpha`. When nothing differs, that bounds the chance
   of *any* false verdict in a table by `alpha`, as far as the p-values are right: by how much they
   are not, law of noise by law, stands in results/judging.
2. size: the measured difference is larger than the margin below which nobody would act.

Equivalence is a claim too and needs its own proof: two one-sided tests within the margin. What is
neither is undecided, with the launches it needs. Whether the errors themselves can be trusted is
asked of each run's A/A pairs (bench/judge/validity.py): they widen errors, or void a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite, isnan, log1p
from typing import Literal

from scipy import stats as scipy_stats

from bench import stats
from bench.records.metrics import QuestionKind
from bench.stats import Effect

FINEST = 1e-4
"""The least relative step that a reading is trusted to: a page of memory in 40 MiB, a clock's
0.1 µs in a millisecond. Launches that all say the same are known no better."""
MIN_LAUNCHES = 3  # sittings of the pair itself
MIN_DF = 5  # degrees of freedom that its error must have, lent ones counted
MIN_SEEN = 8  # or so many differences over tasks, where unlike tasks have lowered those of freedom
MIN_SCORES = 3  # seeds, of scores: they have no speeds
MOST_LAUNCHES = 1000  # above it, "more than 1000" says enough

Decision = Literal["better", "worse", "equivalent", "undecided"]


@dataclass(frozen=True)
class Rule:
    """When something is said.

    margin: relative difference that matters (0.02: 2 %). score_margin: the same for accuracies,
    in their own unit. alpha: chance of any "better" or "worse" in a table where nothing differs.
    equivalence_alpha: chance of calling equivalent what differs by the margin.
    """

    margin: float = 0.02
    score_margin: float = 0.005
    alpha: float = 0.01
    equivalence_alpha: float = 0.05

    def on_scale(self, ratio: bool) -> float:
        """The margin on the scale effects are judged on: logarithms, or the score's unit."""
        return log1p(self.margin) if ratio else self.score_margin

    def part(self, share: float) -> Rule:
        """The rule of one look that may spend this share of both errors."""
        return replace(
            self,
            alpha=self.alpha * share,
            equivalence_alpha=self.equivalence_alpha * share,
        )


@dataclass(frozen=True)
class Question:
    """Is `new` better than `base` in this metric of this task?

    effect: new against base, log-ratio when `ratio`, else a plain difference. void: why it cannot
    be judged whatever the effect says; empty when it can.
    """

    task: str
    metric: str
    kind: QuestionKind
    base: str
    new: str
    effect: Effect
    higher_is_better: bool
    ratio: bool = True
    words: tuple[str, str] = ("faster", "slower")
    void: str = ""

    def turned(self) -> Question:
        """The same asked of `base` against `new`."""
        return replace(self, base=self.new, new=self.base, effect=self.effect.turned())

    @property
    def enough(self) -> bool:
        """Whether it may be judged: nothing voids it, and its error is `known`."""
        return not self.void and known(self.kind, self.effect)


@dataclass(frozen=True)
class Verdict:
    """The answer to a question. p: corrected over the questions judged with it.

    more_launches: about how many more launches a side would decide it; 0 unless undecided.
    """

    question: Question
    outcome: Decision
    p: float
    more_launches: int = 0

    @property
    def word(self) -> str:
        """faster, slower, equivalent, undecided; for memory lighter and heavier, for accuracy
        better and worse."""
        if self.outcome in ("equivalent", "undecided"):
            return self.outcome
        good, bad = self.question.words
        return good if self.outcome == "better" else bad

    @property
    def change(self) -> tuple[float, float, float]:
        """new / base (or new - base for scores) and its 95 % interval."""
        e = self.question.effect
        found = (e.mean, *e.interval())
        return tuple(stats.from_log(x) for x in found) if self.question.ratio else found  # type: ignore[return-value]


DEFAULT = Rule()


def known(kind: QuestionKind, effect: Effect) -> bool:
    """Whether an error is known well enough to be judged by.

    Under launches of two speeds all sittings of a pair can show the same mode, whose own scatter
    then passes for the error. Simulated tables of five equal contenders, half of the launches
    twice as slow, with a false verdict: 4 tasks × 2 sittings 13 %, 2 × 3 9 %, 1 × 5 2.2 % would
    be; with five degrees of freedom and three sittings 3 × 3 1.3 %, 4 × 3 0.3 %, 1 × 6 0.4 %
    (tests/bench/test_coverage.py holds them to 1.5 %). Tasks of unlike noise lower the degrees of
    freedom by which p is read, and p with them: where four tasks in three sittings are behind it,
    that is enough (`python -m bench.audit.judging` counts such tables).
    """
    if isnan(effect.error):
        return False
    if kind == "accuracy":
        return effect.n >= MIN_SCORES
    return effect.n >= MIN_LAUNCHES and (effect.df >= MIN_DF or effect.seen >= MIN_SEEN)


def least_known(kind: QuestionKind, effect: Effect) -> float:
    """From how many sittings on an error like this is `known`."""
    if kind == "accuracy":
        return MIN_SCORES
    more = MIN_DF * (effect.n - 1) / effect.df
    if effect.seen:
        more = min(more, MIN_SEEN * (effect.n - 1) / effect.seen)
    return max(MIN_LAUNCHES, 1 + more)


def judge(questions: Sequence[Question], rule: Rule = DEFAULT) -> list[Verdict]:
    """A verdict for each question, in order; false discoveries controlled over all of them."""
    if not questions:
        return []
    different = corrected([q.effect.p_different() for q in questions])
    same = corrected([q.effect.p_equivalent(rule.on_scale(q.ratio)) for q in questions])
    shares = tuple(
        (sum(p <= alpha for p in ps) + 1) / len(ps)
        for ps, alpha in ((different, rule.alpha), (same, rule.equivalence_alpha))
    )
    return [
        _verdict(q, p, p_same, rule, (min(1.0, shares[0]), min(1.0, shares[1])))
        for q, p, p_same in zip(questions, different, same, strict=True)
    ]


def corrected(ps: Sequence[float]) -> list[float]:
    """p-values for false discoveries (Benjamini & Hochberg 1995)."""
    return [float(p) for p in scipy_stats.false_discovery_control(ps)]


def _verdict(
    q: Question, p: float, p_same: float, rule: Rule, shares: tuple[float, float]
) -> Verdict:
    if q.enough and p_same <= rule.equivalence_alpha:
        return Verdict(q, "equivalent", p)
    if q.enough and p <= rule.alpha and abs(q.effect.mean) > rule.on_scale(q.ratio):
        up = q.effect.mean > 0
        return Verdict(q, "better" if up == q.higher_is_better else "worse", p)
    return Verdict(q, "undecided", p, more_launches(q, rule, shares))


def more_launches(
    q: Question, rule: Rule = DEFAULT, shares: tuple[float, float] = (1.0, 1.0)
) -> int:
    """About how many more launches a side would end the doubt with 80 % power, at this noise.

    shares: the parts of `alpha` and of `equivalence_alpha` that the correction over the table
    leaves to this question: (1 + questions already answered so) / questions. What counts is the
    way out that lies on its side of the margin: showing the difference, or that it is within.
    """
    size, margin = abs(q.effect.mean), rule.on_scale(q.ratio)
    if size > margin:
        needed = q.effect.launches_for(size, rule.alpha * shares[0])
    else:
        alpha = rule.equivalence_alpha * shares[1]
        needed = q.effect.launches_for(margin - size, alpha, sides=1)
    if not isfinite(needed):
        return MOST_LAUNCHES + 1
    return max(1, ceil(max(needed, least_known(q.kind, q.effect)) - q.effect.n))


def restricted_time_effect(
    base: tuple[Sequence[float], Sequence[bool]], new: tuple[Sequence[float], Sequence[bool]]
) -> Effect:
    """Time to a target that some launches never reached: log-ratio of new to base.

    Each side is (seconds, reached) as in `stats.restricted_times`; the means compared are
    restricted mean survival times up to the last moment at which both sides were watched; the
    error of the logarithm is by the delta method.
    Raises ValueError when no launch of either side reached the target by then.
    """
    horizon = stats.common_horizon(base, new)
    reached = [t <= horizon and done for side in (base, new) for t, done in zip(*side, strict=True)]
    if not any(reached):
        raise ValueError("no launch reached the target")
    before, after = (stats.restricted_times(*side, horizon) for side in (base, new))
    scale = float(before.mean())
    sides = (after / scale).tolist(), (before / scale).tolist()
    found = stats.unpaired_effect(*sides, logs=False, resolution=FINEST)
    return replace(found, mean=log1p(found.mean), error=found.error / (1 + found.mean))


def sentence(v: Verdict) -> str:
    """One line for people: who, what, by how much, how sure."""
    q = v.question
    value, low, high = v.change
    what = f"{q.metric} {value:.3f} of {q.base}'s" if q.ratio else f"{q.metric} {value:+.4f}"
    if q.void:
        return f"{q.new}: undecided against {q.base}: {what} ({q.void})"
    if low != low:
        return f"{q.new}: undecided against {q.base}: {what} (one launch: no interval)"
    digits = ".3f" if q.ratio else "+.4f"
    sure = f"95 % interval {low:{digits}} to {high:{digits}}"
    return f"{q.new}: {_claim(v)}: {what} ({sure}, {q.effect.n} launches)"


def _claim(v: Verdict) -> str:
    if v.outcome == "undecided":
        more = v.more_launches
        count = f"about {more}" if more <= MOST_LAUNCHES else f"more than {MOST_LAUNCHES}"
        launches = "launch" if more == 1 else "launches"
        return f"undecided against {v.question.base} ({count} more {launches})"
    joint = "to" if v.outcome == "equivalent" else "than"
    return f"{v.word} {joint} {v.question.base}"
