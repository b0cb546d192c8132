"""How a run that looks several times pays for its looks. Pure.

Who looks at 4, 6, 8 and 12 sittings until something is significant errs in 3 % of the cases where
1 % was meant. So looks are on a schedule, and each may spend a part of the error: at look k the
whole table is judged by Benjamini & Hochberg at level α_k, with Σ α_k = α. What is answered once
stays answered. The false discovery rate of all answers together is then at most Σ α_k:
V / R <= Σ V_k / R_k, as R >= R_k. Equivalence spends its own error by the same parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.judge.borrowing import borrow
from bench.judge.validity import checked, checks
from bench.judge.verdict import DEFAULT, Question, Rule, Verdict, judge

LOOKS: tuple[tuple[int, float], ...] = (
    (3, 0.2), (4, 0.2), (6, 0.2), (8, 0.2), (12, 0.1), (16, 0.1),
)  # fmt: skip
"""Sittings at a look, and the part of the error that it may spend; none is left afterwards."""


def reached(blocks: int) -> tuple[tuple[int, float], ...]:
    """The looks of a run that has so many sittings: those on the schedule, and where it ended
    between two (its time was up), its last sitting by the part of the look that did not come.
    After the last look more sittings narrow intervals and answer nothing."""
    done = [look for look in LOOKS if look[0] <= blocks]
    if not done or done[-1][0] < blocks:
        left = [part for _, part in LOOKS[len(done) :]]
        done.append((blocks, left[0] if left else 0.0))
    return tuple(done)


def once(asked: Sequence[Question], a_a: Sequence[Question], rule: Rule = DEFAULT) -> list[Verdict]:
    """Verdicts of a run that was to have its number of sittings: one look, the whole error.

    asked, a_a: with each pair's own error; variances are borrowed and checked here.
    """
    return judge(checked(borrow(asked), checks(a_a)), rule)


def in_looks(
    asked: Sequence[Question],
    a_a: Sequence[Question],
    looks: Sequence[tuple[int, float]],
    rule: Rule = DEFAULT,
) -> list[Verdict]:
    """Verdicts of a run that went on until it knew enough, look by look.

    A verdict stands from its first look on, shown with the newest numbers, unless these point the
    other way. What is undecided is so by the level of the last look.
    """
    answers: dict[int, Verdict] = {}
    verdicts: list[Verdict] = []
    for blocks, share in looks:
        verdicts = _look(asked, a_a, blocks, rule.part(share))
        for number, v in enumerate(verdicts):
            if v.outcome != "undecided":
                answers.setdefault(number, v)
    return [_standing(v, answers.get(number)) for number, v in enumerate(verdicts)]


def _look(
    asked: Sequence[Question], a_a: Sequence[Question], blocks: int, rule: Rule
) -> list[Verdict]:
    """All questions by the sittings below `blocks`; what has none there is without an error."""
    return once([_first(q, blocks) for q in asked], [_first(q, blocks) for q in a_a], rule)


def _first(q: Question, blocks: int) -> Question:
    effect = q.effect.first(blocks)
    unknown = replace(q.effect, error=float("nan"), n=0, sittings=())
    return replace(q, effect=unknown if effect is None else effect)


def _standing(last: Verdict, answer: Verdict | None) -> Verdict:
    if answer is None:
        return last
    before, now = answer.question.effect.mean, last.question.effect.mean
    if last.question.void or (answer.outcome != "equivalent" and before * now <= 0):
        return replace(last, outcome="undecided", more_launches=max(1, last.more_launches))
    return Verdict(last.question, answer.outcome, answer.p)
