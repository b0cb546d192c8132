"""``bench export``: one run in another tool's format."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench import exports, exports_ci, table
from bench.record import Record
from bench.store import Run
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
        for cell, group in table.by_cell(records).items():
            if not cell.label and not table.good(group):
                reason = ": ".join(table.cell_status(group))
                typer.echo(f"left out: {exports.cell_name(cell)}: {reason}", err=True)
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
            return exports.pytest_benchmark(about, records)
        case Format.github_action:
            return exports.github_action(records, better)
        case Format.bencher:
            return exports.bencher(records)
        case Format.mllog:
            return exports.mllog(about, records)
        case Format.junit:
            return exports_ci.junit(run)
        case Format.step_summary:
            return exports_ci.step_summary(run)
        case Format.annotations:
            return exports_ci.workflow_commands(run)
