"""``bench history``: keep runs, show them, and say where something changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isnan
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.history import otava, store
from bench.history.alike import LATE, ahead, in_order
from bench.history.entries import check_whole, entry_of
from bench.history.order import late
from bench.history.series import Series, change_at, exit_code, not_judged, sentence, series_of
from bench.records.beside import HistoryEntry
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
        results = Results.read(Run.open(path))
        check_whole(results)
        entry = entry_of(results, revision)
        if wrong := ahead([entry], datetime.now(UTC)):
            raise UserError(wrong[0])
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
    _check_date(since)
    entries = in_order(store.load(history))
    series = _series(history, entries)
    if wrong := ahead(entries, datetime.now(UTC)):
        raise UserError(f"the history could not be judged: {wrong[0]}")
    for line in late(entries, Path.cwd()):
        typer.echo(line)
    found = otava.find(series, lambda line: typer.echo(line, err=True))
    changes = [change_at(one, f.index, f.before, f.after) for one, points in found for f in points]
    for change in changes:
        typer.echo(sentence(change))
    for one in series:
        if one.missing:
            typer.echo(f"{one.name}: no value in the newest run {one.missing}")
    unseen = not_judged(series, entries)
    for line in unseen:
        typer.echo(line)
    typer.echo(
        f"{len(found)} of {len(series)} series judged, {len(changes)} changes, "
        f"{sum(c.worse for c in changes)} for the worse"
    )
    code = exit_code(series, changes, since, bool(unseen))
    if code == 2:
        raise UserError(
            "the history could not be judged, for the reasons above and in `bench history show`"
        )
    raise typer.Exit(code)


def _check_date(since: str) -> None:
    """`UserError` for what is no date, or for one to come: nothing would be looked at."""
    if not since:
        return
    try:
        day = datetime.strptime(since, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        day = None
    if day is None or len(since) != 10:
        raise UserError(f"--since {since}: not a date like 2026-01-31")
    if day > datetime.now(UTC) + LATE:
        raise UserError(f"--since {since} is yet to come: no change would be looked at")


def _series(folder: Path, entries: Sequence[HistoryEntry] | None = None) -> list[Series]:
    series = series_of(store.load(folder) if entries is None else entries)
    if not series:
        raise UserError(f"{folder} holds no run; add one with `bench history add RUN`")
    return series
