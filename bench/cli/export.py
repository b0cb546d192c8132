"""``bench export``: one run in another tool's format."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench import discover
from bench.records.results import Results
from bench.records.store import Run
from bench.report import exporting
from tasks.errors import UserError


class Better(StrEnum):
    HIGHER = "higher"
    LOWER = "lower"


def _known(name: str) -> str:
    """Typer's way to refuse a format that is not there."""
    if name not in exporting.formats():
        there = ", ".join(exporting.formats())
        raise typer.BadParameter(f"{name!r} is no format; there are {there}")
    return name


def export(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.")],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar=f"[{'|'.join(exporting.formats())}]",
            help="What to write.",
            callback=_known,
        ),
    ],
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
    results = Results.read(Run.open(run_dir))
    module = exporting.formats()[form]
    options = exporting.Options("higher" if better is Better.HIGHER else "lower")
    text: str | None = None
    with discover.blamed(module):
        text = module.export(results, options)
    if text is None:
        raise UserError(f"--format {form} failed")
    if not module.SHOWS_FAILURES:
        for line in exporting.left_out(results):
            typer.echo(f"left out: {line}", err=True)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}") from error
