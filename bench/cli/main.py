"""The ``bench`` command. Every user's mistake is one line on stderr and exit status 2."""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Annotated, Any

import typer

from bench.cli.campaign import campaign_
from bench.cli.certify import certify_
from bench.cli.compare import compare_
from bench.cli.data import data_app
from bench.cli.doctor import doctor
from bench.cli.export import export
from bench.cli.history import history_app
from bench.cli.list import list_
from bench.cli.regress import regress
from bench.cli.report import evidence_, report_
from bench.cli.run import run
from bench.cli.setup import setup
from bench.cli.verify import verify
from tasks.errors import UserError

app = typer.Typer(
    help="Compare deep-learning frameworks on identical, certified work.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
# In the order in which a user meets them.
app.command("doctor")(doctor)
app.command("list")(list_)
app.add_typer(data_app, name="data")
app.command("setup")(setup)
app.command("verify")(verify)
app.command("certify")(certify_)
app.command("run")(run)
app.command("campaign")(campaign_)
app.command("report")(report_)
app.command("evidence")(evidence_)
app.command("compare")(compare_)
app.command("regress")(regress)
app.add_typer(history_app, name="history")
app.command("export")(export)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"framework-bench {metadata.version('framework-bench')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Compare deep-learning frameworks on identical, certified work."""


def main(arguments: list[str] | None = None) -> Any:
    """Entry point of the console script."""
    try:
        app(arguments, prog_name="bench")
    except UserError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)
