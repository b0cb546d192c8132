"""``bench compare``: two runs, one answer, one exit status."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench import compare_formats
from bench.compare import Comparison, compare, differences
from bench.judge import Rule
from bench.store import Run
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


def fraction(text: str, option: str) -> float:
    """ "5%" or "0.05" → 0.05; `UserError` for anything that is no fraction between 0 and 1."""
    try:
        value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise UserError(f"{option} {text!r} is no fraction; write it like 5% or 0.05")
    return value


def seconds(text: str, option: str) -> float:
    """ "90s", "20m", "2h" or a plain number of seconds; `UserError` for anything else."""
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 0)
    try:
        value = float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise UserError(f"{option} {text!r} is no duration; write it like 90s, 20m or 2h")
    return value


def show(found: Comparison, format_: Format) -> None:
    """Print a comparison."""
    write = {
        Format.text: compare_formats.text,
        Format.markdown: compare_formats.markdown,
        Format.json: compare_formats.as_json,
        Format.junit: compare_formats.junit,
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
    runs = Run.open(base), Run.open(new)
    try:
        differing = differences(runs[0].about(), runs[1].about())
        if differing and not force:
            raise UserError(
                f"not comparable: {'; '.join(differing)} (--force compares them all the same)"
            )
        found = compare(*runs, rule, fail_on.value)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"a run.json or record lacks what a comparison needs: {error!r}") from error
    if differing:
        found = replace(
            found, notes=(*found.notes, *(f"fingerprints differ: {d}" for d in differing))
        )
    show(found, format_)
    raise typer.Exit(found.exit_code)
