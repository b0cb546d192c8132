"""The ``bench`` command, and its exit statuses.

0: done, and nothing is wrong. 1: judged, and the answer is no: a regression, a change for the
worse, a certificate refused, a machine that `doctor --strict` warns of; nothing else. 2: a user's
mistake, or it could not be judged: one line on stderr. 3: a fault of this suite, in one line, with
`--debug` the whole trace. 130: Ctrl-C. 141: whoever read the output has gone.
"""

from __future__ import annotations

from bench.cli.surroundings import in_utf8

# isort: split
import errno
import os
import sys
import traceback
from contextlib import suppress
from importlib import metadata
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from bench.cli.campaign import campaign_
from bench.cli.certify import certify_
from bench.cli.compare import compare_
from bench.cli.data import data_app
from bench.cli.deploy import deploy
from bench.cli.distribute import distribute
from bench.cli.doctor import doctor
from bench.cli.export import export
from bench.cli.history import history_app
from bench.cli.list import list_
from bench.cli.merge import merge_
from bench.cli.publish import publish_
from bench.cli.regress import regress
from bench.cli.report import evidence_, report_
from bench.cli.run import run
from bench.cli.setup import setup
from bench.cli.submit import submit_
from bench.cli.verify import verify
from bench.report.exporting import printable
from tasks.errors import UserError

DEBUG = "--debug"
PROJECT = str(Path(__file__).resolve().parents[2])
# Of the user's disk and rights, wherever they are met.
OUTER = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG)

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
app.command("distribute")(distribute)
app.command("merge")(merge_)
app.command("deploy")(deploy)
app.command("report")(report_)
app.command("publish")(publish_)
app.command("submit")(submit_)
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
    debug: Annotated[
        bool, typer.Option(DEBUG, help="Show the trace of an internal error; after any command.")
    ] = False,
) -> None:
    """Compare deep-learning frameworks on identical, certified work."""


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the console script; always ends by `SystemExit`."""
    if arguments is None:
        in_utf8()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what the terminal cannot show stops nothing
            stream.reconfigure(errors="replace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = DEBUG in words
    sys.exit(_status([word for word in words if word != DEBUG], debug))


def _status(words: list[str], debug: bool) -> int:
    """Run the command; its exit status."""
    try:
        ended = app(words, prog_name="bench", standalone_mode=False)
        sys.stdout.flush()
        return ended if isinstance(ended, int) else 0
    except UserError as error:
        return _say(str(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except (BrokenPipeError, SystemExit):  # Rich and Typer end so, with status 1
        # The reader of a pipe has gone. Python flushes at its end, and would complain again.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if isinstance(error, TyperException) and callable(show := getattr(error, "show", None)):
            show()  # a usage that is none
            return 2
        if debug:
            traceback.print_exc()
        if isinstance(error, OSError) and error.errno in OUTER:
            return _say(f"{error.filename or 'a file'}: {error.strerror}", 2)
        return _say(f"internal error: {_where(error)}; --debug shows the trace", 3)


def _say(text: str, status: int) -> int:
    """One line on stderr, whatever stands in it."""
    print(f"bench: {printable(' '.join(text.split()))}", file=sys.stderr)
    return status


def _where(error: BaseException) -> str:
    """What was raised, and the innermost line of ours."""
    ours = [f for f in traceback.extract_tb(error.__traceback__) if PROJECT in f.filename]
    place = f" ({Path(ours[-1].filename).name}, line {ours[-1].lineno})" if ours else ""
    return f"{type(error).__name__}: {str(error)[:300]}{place}"
