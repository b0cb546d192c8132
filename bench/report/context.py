"""What sections need beside the results, made once a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from bench.judge import questions, validity
from bench.judge.divisions import Contest
from bench.judge.leads import Judged
from bench.judge.verdict import Verdict
from bench.records.metrics import SPEED
from bench.records.results import Results
from bench.report.blocks import Figure


@dataclass(frozen=True)
class Context:
    """judged: the run's verdicts by metric, each judged once. figures: those that were drawn.
    files: names of the files that lie beside the report. a_a: what the run's A/A pairs say of the
    errors of training speed."""

    judged: Judged
    figures: tuple[Figure, ...] = ()
    files: tuple[str, ...] = ()
    a_a: str = ""


def context(results: Results, figures: Sequence[Figure] = (), files: Sequence[str] = ()) -> Context:
    """For one report of these results."""

    @cache
    def judged(metric: str) -> dict[Contest, list[Verdict]]:
        return questions.against_best(results, metric)

    checks = questions.checks_of(results, SPEED)
    return Context(judged, tuple(figures), tuple(files), validity.sentence(checks, SPEED))
