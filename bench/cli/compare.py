"""``bench compare``: two runs, one answer, one exit status."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import fraction
from bench.judge.compare import Comparison, compare, differences
from bench.judge.verdict import Rule
from bench.records.results import Results
from bench.records.store import Run
from bench.report import comparison
from tasks.errors import UserError


class FailOnName(StrEnum):
    slower = "slower"
    any = "any"
    accuracy = "accuracy"


class Format(StrEnum):
    text = "text"
    markdown = "markdown"
    json = "json"
    junit = "junit"


def show(found: Comparison, format_: Format) -> None:
    """Print a comparison."""
    write = {
        Format.text: comparison.text,
        Format.markdown: comparison.markdown,
        Format.json: comparison.as_json,
        Format.junit: comparison.junit,
    }
    typer.echo(write[format_](found), nl=False)


def compare_(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="Run directory to compare with.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Run directory that is judged.")],
    margin: Annotated[
        str, typer.Option(metavar="5%", help="Relative difference that matters.")
    ] = "2%",
    fail_on: Annotated[
        FailOnName,
        typer.Option(
            help="slower: throughput, latency, cold start; any: memory and accuracy too; "
            "accuracy: that alone."
        ),
    ] = FailOnName.any,
    format_: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.text,
    force: Annotated[
        bool, typer.Option("--force", help="Compare although the fingerprints differ.")
    ] = False,
) -> None:
    """Judge NEW against BASE. Exit status: 0 no regression, 1 regression, 2 could not judge."""
    rule = Rule(margin=fraction(margin, "--margin"))
    sides = [Results.read(Run.open(path)) for path in (base, new)]
    differing = differences(sides[0].about, sides[1].about)
    if differing and not force:
        raise UserError(
            f"not comparable: {'; '.join(differing)} (--force compares them all the same)"
        )
    found = compare(sides[0], sides[1], rule, fail_on.value)
    if differing:
        found = replace(
            found, notes=(*found.notes, *(f"fingerprints differ: {d}" for d in differing))
        )
    show(found, format_)
    raise typer.Exit(found.exit_code)
