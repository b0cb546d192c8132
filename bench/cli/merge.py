"""``bench merge``: the shards of one run as one run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.cli.run import shown
from bench.run import merge, session


def merge_(
    shards: Annotated[
        list[Path], typer.Argument(metavar="SHARD...", help="Run directories, each `--shard I/N`.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Of the whole run.")],
) -> None:
    """Put all shards of a run together, and publish it.

    Refused where a shard is missing, there twice, unfinished, or of another run or machine type."""
    run = merge.merge(shards, out, session.command(sys.argv[1:]))
    shown(run, Console())
