"""``bench export``: one run in another tool's format."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.records import tidy
from bench.records.record import Record
from bench.records.store import Run
from bench.report.exports import ci, formats
from tasks.errors import UserError


class Format(StrEnum):
    pytest_benchmark = "pytest-benchmark"
    github_action = "github-action"
    bencher = "bencher"
    junit = "junit"
    step_summary = "step-summary"
    annotations = "annotations"
    mllog = "mllog"


class Better(StrEnum):
    HIGHER = "higher"
    LOWER = "lower"


# These can say that a cell failed; the others hold numbers only.
SHOWS_FAILURES = {Format.junit, Format.step_summary, Format.annotations}


def export(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.")],
    form: Annotated[Format, typer.Option("--format", help="What to write.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to.", show_default="standard output"),
    ] = None,
    better: Annotated[
        Better,
        typer.Option(
            help="github-action: higher is for customBiggerIsBetter, lower for "
            "customSmallerIsBetter."
        ),
    ] = Better.HIGHER,
) -> None:
    """Write a run for other tools: their charts, their compare, a CI's test report."""
    run = Run.open(run_dir)
    records = list(run.records().values())
    text = _render(run, records, form, "higher" if better is Better.HIGHER else "lower")
    if form not in SHOWS_FAILURES:
        for cell, group in tidy.by_cell(records).items():
            if not cell.label and not tidy.good(group):
                reason = ": ".join(tidy.cell_status(group))
                typer.echo(f"left out: {formats.cell_name(cell)}: {reason}", err=True)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}") from error


def _render(
    run: Run, records: list[Record], form: Format, better: Literal["higher", "lower"]
) -> str:
    about = run.about()
    match form:
        case Format.pytest_benchmark:
            return formats.pytest_benchmark(about, records)
        case Format.github_action:
            return formats.github_action(records, better)
        case Format.bencher:
            return formats.bencher(records)
        case Format.mllog:
            return formats.mllog(about, records)
        case Format.junit:
            return ci.junit(run)
        case Format.step_summary:
            return ci.step_summary(run)
        case Format.annotations:
            return ci.workflow_commands(run)
