"""``bench history``: keep runs, show them, and say where something changed."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.history import otava, store
from bench.history.entries import entry_of
from bench.history.series import Series, change_at, exit_code, sentence, series_of
from bench.records.metrics import metric
from bench.records.results import Results
from bench.records.store import Run
from bench.report.layouts import terminal
from tasks.errors import UserError

history_app = typer.Typer(help="Runs over time: add, show, check.", no_args_is_help=True)
DEFAULT = Path("runs/history")
Folder = Annotated[
    Path, typer.Option("--history", metavar="DIR", help="Folder of the history, one file a run.")
]


@history_app.command()
def add(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories.")],
    history: Folder = DEFAULT,
    revision: Annotated[str, typer.Option(help="What was measured, e.g. a commit.")] = "",
) -> None:
    """Keep runs. Any number of processes may add at once; a run added twice is kept once."""
    for path in runs:
        entry = entry_of(Results.read(Run.open(path)), revision)
        typer.echo(store.append(history, entry))


@history_app.command()
def show(history: Folder = DEFAULT) -> None:
    """Every series: how many runs, the newest value, its change to the run before."""
    terminal.print_rows(Console(), "History", [_row(one) for one in _series(history)])


def _row(series: Series) -> dict[str, str]:
    newest = series.points[-1]
    change = ""
    if len(series.points) > 1 and series.points[-2].value:
        change = f"{newest.value / series.points[-2].value - 1:+.1%}"
    return {
        "name": series.name,
        "fingerprint": series.fingerprint,
        "runs": str(len(series.points)),
        "newest": f"{newest.value:.6g} {metric(series.metric).unit}",
        "to the run before": change,
        "runs vary by": "" if isnan(series.varies_by) else f"{series.varies_by:.1%}",
        "not judged": series.missing or series.unjudged,
    }


@history_app.command()
def check(
    history: Folder = DEFAULT,
    since: Annotated[
        str, typer.Option(metavar="DATE", help="Earlier changes (YYYY-MM-DD) do not fail.")
    ] = "",
) -> None:
    """Name the runs where something changed, by Apache Otava.

    Exit status 0: no change for the worse; 1: one; 2: it could not be judged.
    """
    if since and (len(since) != 10 or since.count("-") != 2):
        raise UserError(f"--since {since}: not a date like 2026-01-31")
    series = _series(history)
    found = otava.find(series, lambda line: typer.echo(line, err=True))
    changes = [change_at(one, f.index, f.before, f.after) for one, points in found for f in points]
    for change in changes:
        typer.echo(sentence(change))
    for one in series:
        if one.missing:
            typer.echo(f"{one.name}: no value in the newest run {one.missing}")
    typer.echo(
        f"{len(found)} of {len(series)} series judged, {len(changes)} changes, "
        f"{sum(c.worse for c in changes)} for the worse"
    )
    code = exit_code(series, changes, since)
    if code == 2:
        raise UserError("the history could not be judged; `bench history show` says why")
    raise typer.Exit(code)


def _series(folder: Path) -> list[Series]:
    series = series_of(store.load(folder))
    if not series:
        raise UserError(f"{folder} holds no run; add one with `bench history add RUN`")
    return series
