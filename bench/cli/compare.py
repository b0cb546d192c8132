"""``bench compare``: two runs, one answer, one exit status."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import fraction
from bench.judge.compare import Comparison, Gate, compare
from bench.judge.gate import Tolerance
from bench.judge.verdict import Rule
from bench.records.fingerprint import differences
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


Margin = Annotated[
    str, typer.Option(metavar="5%", help="Relative difference below which nothing is a regression.")
]
TimeTolerance = Annotated[
    str, typer.Option("--tolerance", metavar="5%", help="Largest worsening of times that passes.")
]
MemoryTolerance = Annotated[str, typer.Option(metavar="2%", help="The same of memory.")]
ScoreTolerance = Annotated[
    float, typer.Option(metavar="0.005", min=0, help="The same of scores, in their own unit.")
]
FailOnOption = Annotated[
    FailOnName,
    typer.Option(
        help="slower: throughput, latency, cold start; any: memory and accuracy too; "
        "accuracy: that alone."
    ),
]


def gate_of(fail_on: FailOnName, timing: str, memory: str, score: float) -> Gate:
    """What the gate is asked, from options. `UserError` for what is no fraction."""
    tolerance = Tolerance(
        fraction(timing, "--tolerance"), fraction(memory, "--memory-tolerance"), score
    )
    return Gate(fail_on.value, tolerance)


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
    margin: Margin = "2%",
    tolerance: TimeTolerance = "5%",
    memory_tolerance: MemoryTolerance = "2%",
    score_tolerance: ScoreTolerance = 0.005,
    between_runs: Annotated[
        str | None,
        typer.Option(
            metavar="3%",
            show_default="unknown",
            help="Standard deviation of times between runs of the same code, which `bench history "
            "show` tells; without it runs measured apart are never shown to be equal.",
        ),
    ] = None,
    fail_on: FailOnOption = FailOnName.any,
    format_: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.text,
    force: Annotated[
        bool, typer.Option("--force", help="Show the numbers although the fingerprints differ.")
    ] = False,
) -> None:
    """Judge NEW against BASE.

    Exit status: 0 no regression above the tolerance, shown with 95 % confidence; 1 regression;
    2 could not judge, with what could have been seen and what more launches would show.
    """
    rule = Rule(margin=fraction(margin, "--margin"))
    sides = [Results.read(Run.open(path)) for path in (base, new)]
    differing = differences(sides[0].about, sides[1].about)
    if differing and not force:
        raise UserError(f"not comparable: {'; '.join(differing)} (--force shows the numbers)")
    asked = gate_of(fail_on, tolerance, memory_tolerance, score_tolerance)
    if between_runs is not None:
        asked = replace(asked, between_runs=fraction(between_runs, "--between-runs"))
    found = compare(sides[0], sides[1], rule, asked, differing)
    show(found, format_)
    raise typer.Exit(found.exit_code)
