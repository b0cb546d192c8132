"""``bench publish``: the front page over a folder of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import PriceOption, price_of
from bench.site import page


def publish_(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder of runs.", show_default=True)
    ] = Path("results"),
    price: PriceOption = None,
    history: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder of `bench history`, whose values are shown."),
    ] = None,
) -> None:
    """Write FOLDER/index.html over all its runs: a page that answers, without a server."""
    place = page.write(folder, price_of(price), history)
    typer.echo(f"wrote {place}, {place.stat().st_size / 2**20:.1f} MiB")
