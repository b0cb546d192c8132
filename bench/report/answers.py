"""What a run, its certificates and a comparison are in Python: typed, as frames, as figures.

Made from records that were read; nothing here measures. `bench.interface` gives them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from bench.judge import questions
from bench.judge.compare import Comparison
from bench.judge.verdict import Verdict
from bench.records.metrics import judged
from bench.records.results import Results
from bench.records.store import Run
from bench.records.tidy import tidy
from bench.report import charts, comparison, publish
from bench.report.context import context
from bench.report.layouts import notebook
from bench.report.sections.answer import sentences

VERDICTS = ["task", "metric", "base", "new", "verdict", "change", "low", "high", "p", "launches"]
CERTIFICATES = ["task", "implementation", "status", "reason", "nearest", "share_of_bound"]


@dataclass(frozen=True)
class Measured:
    """A run. `results` is all of it, typed; the rest is made from it when it is asked for."""

    results: Results

    @staticmethod
    def read(path: str | Path) -> Measured:
        """A run that was made before. `UserError` where the folder is no readable run."""
        return Measured(Results.read(Run.open(Path(path))))

    @property
    def path(self) -> Path:
        """Its folder."""
        return self.results.path

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a cell and metric, as `load_run` gives it."""
        return tidy(self.results)

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """Columns `VERDICTS`: each contender against its task's best, metric by metric. change: new
        over base (scores: new minus base), low and high its 95 % interval."""
        rows = [
            verdict
            for metric in judged()
            for found in questions.against_best(self.results, metric.name).values()
            for verdict in found
        ]
        return _frame(rows)

    @cached_property
    def sentences(self) -> dict[str, tuple[str, ...]]:
        """What is spoken of → what the run says of it: the report's first screen."""
        return sentences(self.results, context(self.results))

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """Name → figure (matplotlib's), of those that have something to show."""
        return charts.drawn(self.results)

    def report(self, out: str | Path | None = None) -> Path:
        """Write the report, into the run unless told elsewhere; the page's path."""
        return publish.write(self.results, Path(out) if out else self.path)[0]

    def _repr_html_(self) -> str:
        return notebook.text(self.results, self.sentences, self.figures)


@dataclass(frozen=True)
class Certified:
    """What `verify` found. passed: no certificate was refused, and at least one passed."""

    results: Results

    @cached_property
    def table(self) -> pd.DataFrame:
        """Columns `CERTIFICATES`, one row a certificate. nearest: the check that came nearest to
        its bound, share_of_bound: how near."""
        launches = [x for x in self.results.launches if x.kind == "certify"]
        rows = []
        for x in launches:
            proof = x.launch.certificate
            shares = {
                c.name: c.error / c.bound
                for c in (proof.checks if proof else ())
                if c.bound > 0 and c.error is not None
            }
            name = max(shares, key=lambda check: shares[check], default="")
            share = shares.get(name, float("nan"))
            rows.append((x.cell.task, x.cell.implementation, x.status, x.reason, name, share))
        return pd.DataFrame(rows, columns=CERTIFICATES)

    @property
    def passed(self) -> bool:
        """As the exit status 0 of `bench verify`."""
        status = set(self.table["status"])
        return "ok" in status and status <= {"ok", "unsupported"}

    def _repr_html_(self) -> str:
        return str(self.table.to_html(index=False))


@dataclass(frozen=True)
class Compared:
    """Two runs, compared. `comparison` is all of it, typed; status and exit code are in it."""

    comparison: Comparison

    @cached_property
    def table(self) -> pd.DataFrame:
        """Columns `VERDICTS`, one row a question."""
        return _frame(self.comparison.verdicts)

    @property
    def answer(self) -> str:
        """One line: regression, no regression above what, or why it could not be judged."""
        return comparison.answer(self.comparison)

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(self.answer)}</b></p>{self.table.to_html(index=False)}"


def _frame(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    rows = [
        (
            v.question.task, v.question.metric, v.question.base, v.question.new, v.word,
            *v.change, v.p, v.question.effect.n,
        )
        for v in verdicts
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=VERDICTS)
