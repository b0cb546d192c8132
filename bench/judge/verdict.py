"""From effects to verdicts. Pure: numbers in, words out; no files, no clock, no randomness.

A verdict needs three things at once, so that a muted alarm is not the price of a sensitive one:

1. significance: the difference's p-value, corrected over all questions asked together
   (Benjamini & Hochberg 1995), is at most `alpha`. When nothing differs, that bounds the chance
   of *any* false verdict in a table by `alpha`.
2. size: the measured difference is larger than the margin below which nobody would act.
3. the floor: it is larger than what one implementation against itself still admits in the same
   run (the far end of the A/A interval). The floor catches what pairing cannot: a bias of
   order or label. From few pairs it is wide, and says so instead of being averaged away. Where
   a run has no A/A pair (its first implementation failed) only 1 and 2 hold, and readers are told.

Equivalence is a claim too and needs its own proof: two one-sided tests within the margin, and a
floor that is not wider than the margin. What is neither is undecided, with the launches it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, exp, isfinite, log1p
from typing import Literal

from scipy import stats as scipy_stats

from bench import stats
from bench.records.metrics import QuestionKind
from bench.stats import Effect

MIN_LAUNCHES = 3  # with fewer there is no verdict, whatever they say
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


@dataclass(frozen=True)
class Question:
    """Is `new` better than `base` in this metric of this task?

    effect: new against base, log-ratio when `ratio`, else a plain difference. floor: the largest
    effect (same scale) the run's A/A pair admits; NaN where the run has no such pair.
    """

    task: str
    metric: str
    kind: QuestionKind
    base: str
    new: str
    effect: Effect
    higher_is_better: bool
    ratio: bool = True
    floor: float = float("nan")
    words: tuple[str, str] = ("faster", "slower")


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
        return tuple(exp(x) for x in found) if self.question.ratio else found  # type: ignore[return-value]


DEFAULT = Rule()


def judge(questions: Sequence[Question], rule: Rule = DEFAULT) -> list[Verdict]:
    """A verdict for each question, in order; false discoveries controlled over all of them."""
    if not questions:
        return []
    different = scipy_stats.false_discovery_control([q.effect.p_different() for q in questions])
    same = scipy_stats.false_discovery_control(
        [q.effect.p_equivalent(rule.on_scale(q.ratio)) for q in questions]
    )
    return [
        _verdict(q, float(p), float(p_same), rule)
        for q, p, p_same in zip(questions, different, same, strict=True)
    ]


def _verdict(q: Question, p: float, p_same: float, rule: Rule) -> Verdict:
    margin = rule.on_scale(q.ratio)
    floor = 0.0 if q.floor != q.floor else q.floor
    enough = q.effect.n >= MIN_LAUNCHES
    if enough and p_same <= rule.equivalence_alpha and floor <= margin:
        return Verdict(q, "equivalent", p)
    if enough and p <= rule.alpha and abs(q.effect.mean) > max(margin, floor):
        up = q.effect.mean > 0
        return Verdict(q, "better" if up == q.higher_is_better else "worse", p)
    return Verdict(q, "undecided", p, more_launches(q, rule))


def more_launches(q: Question, rule: Rule) -> int:
    """About how many more launches a side would end the doubt, at the noise seen so far.

    The nearer way out counts: showing the difference, or showing that it is within the margin.
    The A/A floor shrinks with the square root of the launches, as the interval does.
    """
    size, margin = abs(q.effect.mean), rule.on_scale(q.ratio)
    floor = 0.0 if q.floor != q.floor else q.floor
    ways = [float("inf")]
    if size > margin:
        ways.append(max(q.effect.launches_for(size, rule.alpha), q.effect.n * (floor / size) ** 2))
    else:
        room = q.effect.launches_for(margin - size, 2 * rule.equivalence_alpha)
        ways.append(max(room, q.effect.n * (floor / margin) ** 2))
    needed = max(min(ways), MIN_LAUNCHES)
    return max(1, ceil(needed - q.effect.n)) if isfinite(needed) else MOST_LAUNCHES + 1


def floor_of(a_a: Effect | None) -> float:
    """The largest effect one implementation against itself admits; NaN without two launches."""
    if a_a is None:
        return float("nan")
    low, high = a_a.interval()
    return max(abs(low), abs(high))


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
    found = stats.unpaired_effect((after / scale).tolist(), (before / scale).tolist(), logs=False)
    return replace(found, mean=log1p(found.mean), error=found.error / (1 + found.mean))


def sentence(v: Verdict) -> str:
    """One line for people: who, what, by how much, how sure."""
    q = v.question
    value, low, high = v.change
    what = f"{q.metric} {value:.3f} of {q.base}'s" if q.ratio else f"{q.metric} {value:+.4f}"
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
