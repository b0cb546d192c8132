"""``bench data``: the data sets, where they are, and how to get the canonical ones."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

from bench.report.layouts import terminal
from tasks.data import prepare

data_app = typer.Typer(help="Data sets: list, fetch, path.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="As `bench data list` prints it.")]


@data_app.command("list")
def list_() -> None:
    """Every data set: what a run would use now, its size, hash, licence and source."""
    rows = []
    for name in prepare.FAMILIES:
        state = prepare.status(name)
        rows.append(
            {
                "name": name,
                "used now": f"{state.id} ({state.state})",
                "MiB": f"{state.size_bytes / 2**20:.1f}",
                "sha256": state.sha256[:12],
                "licence": state.licence,
                "source": state.source,
                "for the canonical set": state.canonical,
            }
        )
    terminal.print_rows(Console(), "Data sets", rows)


@data_app.command()
def fetch(
    name: Name,
    url: Annotated[str | None, typer.Option(help="Another place for the same file.")] = None,
) -> None:
    """Download a canonical set into the cache; a wrong hash is refused."""
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        row = bar.add_task(name, total=None)
        folder = prepare.fetch(
            name, lambda done, total: bar.update(row, completed=done, total=total), url
        )
    typer.echo(folder)


@data_app.command()
def path(name: Name) -> None:
    """Print the folder of decoded arrays a run would use; prepares it when needed."""
    prepared = prepare.prepare(name)
    typer.echo(prepared.folder)
