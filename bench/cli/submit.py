"""``bench submit``: check a run of somebody else's machine, and add it to what is published."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.site import submit
from tasks.errors import UserError

MOST_SHOWN = 20


def submit_(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories.")],
    into: Annotated[
        Path, typer.Option("--into", metavar="FOLDER", help="Folder of published runs.")
    ] = Path("results"),
    check: Annotated[bool, typer.Option("--check", help="Only check; write nothing.")] = False,
) -> None:
    """Check schema, certificates, machine, plausibility and sums of runs, and add their records.

    Exit status 1: something speaks against one, a line each; then none is added.
    """
    if len({run.resolve().name for run in runs}) < len(runs):
        raise UserError("two of these runs have one name; each becomes a folder of its name")
    found = {run: submit.faults(run) for run in runs}
    for run, lines in found.items():
        for line in lines[:MOST_SHOWN]:
            typer.echo(f"{run}: {line}")
        if len(lines) > MOST_SHOWN:
            typer.echo(f"{run}: and {len(lines) - MOST_SHOWN} more")
    if any(found.values()):
        raise typer.Exit(1)
    for run in runs:
        typer.echo(
            f"{run}: nothing speaks against it" if check else f"added {submit.add(run, into)}"
        )
