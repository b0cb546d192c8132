"""Which tasks still have open questions, for a run that has time left. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bench.judge import questions, spending
from bench.judge.spending import LOOKS
from bench.judge.verdict import Rule, Verdict
from bench.records.metrics import judged
from bench.records.results import Results

MOST_SITTINGS = LOOKS[-1][0]


def open_questions(results: Results, rule: Rule | None = None) -> dict[str, tuple[Verdict, ...]]:
    """Task → its undecided questions on speed, of those tasks that more sittings could decide.

    Asked of the records alone, so a run that was stopped and goes on plans as one that was not. The
    questions are all pairs of a contest in the metrics that are a phase's median (training, step,
    inference, single row), each metric a table of its own, as in a report. A task is left out when
    all its questions are answered, at `MOST_SITTINGS`, and when nothing of it could be measured.

    A look of the schedule (`spending.LOOKS`) is made once every open task has sat so often; until
    then nothing new is decided, whoever asks. So give each open task one sitting after the other.
    """
    rule = questions.rule_of(results) if rule is None else rule
    by_metric = {
        m.name: [q for _, q in questions.pairs_of(results, m.name)]
        for m in judged()
        if m.phase is not None
    }
    found = _by_task(Verdict(q, "undecided", 1.0) for asked in by_metric.values() for q in asked)
    for number, (sittings, _) in enumerate(LOOKS, 1):
        if not found or any(_sittings(results, task) < sittings for task in found):
            break
        verdicts = (
            v
            for name, asked in by_metric.items()
            for v in spending.in_looks(
                asked, questions.a_a_questions(results, name), LOOKS[:number], rule
            )
        )
        found = _by_task(verdicts)
    return {
        task: tuple(vs) for task, vs in found.items() if _sittings(results, task) < MOST_SITTINGS
    }


def _by_task(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """The undecided ones; those that are void stay so."""
    found: dict[str, list[Verdict]] = {}
    for v in verdicts:
        if v.outcome == "undecided" and not v.question.void:
            found.setdefault(v.question.task, []).append(v)
    return found


def next_look(blocks: int) -> int | None:
    """How many sittings the next look asks for, of a run that has so many; None after the last."""
    return next((look for look, _ in LOOKS if look > blocks), None)


def _sittings(results: Results, task: str) -> int:
    return 1 + max((x.job.block for x in results.only(task).launches), default=-1)
