"""Every pair of contenders of a run, judged: the answers to a reader's own baseline. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.judge import questions
from bench.judge.divisions import Contest
from bench.judge.verdict import Decision, Verdict
from bench.records.results import Results

JudgedPair = tuple[Contest, Verdict]


def answers(results: Results, metric: str) -> Sequence[JudgedPair]:
    """A verdict on one judged metric for each pair of contenders of each contest; corrected over
    all pairs, so that a reader may pick any two of them afterwards."""
    asked = questions.pairs_of(results, metric)
    a_a = questions.a_a_questions(results, metric)
    verdicts = questions.answered(results, [q for _, q in asked], a_a)
    return [(contest, verdict) for (contest, _), verdict in zip(asked, verdicts, strict=True)]


def turned(verdict: Verdict) -> Verdict:
    """The same answer with both sides exchanged."""
    other: dict[Decision, Decision] = {"better": "worse", "worse": "better"}
    outcome = other.get(verdict.outcome, verdict.outcome)
    return replace(verdict, question=verdict.question.turned(), outcome=outcome)
