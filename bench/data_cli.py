"""``bench data``: the data sets, where they are and how to get the canonical ones."""

from __future__ import annotations

import typer

data_app = typer.Typer(help="Data sets: list, fetch, path.", no_args_is_help=True)
