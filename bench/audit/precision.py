"""How finely does the default run decide, on a quiet machine and beside a neighbour?

``python -m bench.audit.precision --runs 3 --condition both --out results/precision`` makes `bench
run` so often in each condition, as a user would, into folders of DIR; what stands behind ``--`` are
further options of `bench run`. A run that was finished is kept with its times (DIR/NAME.json), one
that was stopped is made anew: its wall time would be no run's. Then precision.md and precision.csv
are written. Exit status: 0 when every promise is kept, 1 when one is not (each is named), 2 when a
run could not be made. "quiet" asks that nothing else runs: nobody here can see to that, but the
table says how many turns were disturbed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from time import time
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from bench.audit.neighbour import Condition, beside
from bench.audit.precision_figures import FinishedRun, broken, figures
from bench.audit.precision_summary import write_summary
from bench.records.beside import written
from bench.records.results import Results
from bench.records.store import Run, write_json
from bench.run.ceiling import FILE as CEILING
from tasks.errors import UserError

CONDITIONS: dict[str, tuple[Condition, ...]] = {
    "quiet": ("quiet",), "bursts": ("bursts",), "both": ("quiet", "bursts"),
}  # fmt: skip

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def precision(
    runs: Annotated[int, typer.Option(min=1, help="Runs in each condition.")] = 3,
    condition: Annotated[
        Literal["quiet", "bursts", "both"], typer.Option(help="What else the machine does.")
    ] = "both",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the runs are kept.")] = Path(
        "results/precision"
    ),
    options: Annotated[
        list[str] | None, typer.Argument(help="Behind --: further options of `bench run`.")
    ] = None,
) -> None:
    """Make the runs that are missing, and say what they show."""
    if "--out" in (options or ()):
        raise UserError("the runs' folders are in --out of this command; leave it out behind --")
    given = tuple(options or ())
    finished = [
        finished_run(out, each, number, given)
        for number, each in product(range(1, runs + 1), CONDITIONS[condition])
    ]
    finished.sort(key=lambda run: (run.condition != "quiet", run.number))
    shown = [figures(Results.read(Run.open(out / run.name)), run) for run in finished]
    print(write_summary(shown, out))
    if broken(shown):
        raise typer.Exit(1)


def finished_run(
    out: Path, condition: Condition, number: int, options: tuple[str, ...]
) -> FinishedRun:
    """The run of that name, made where it is not there. `UserError` where one of other options is,
    or where it cannot be made."""
    path = out / f"{condition}-{number}"
    note = path.with_suffix(".json")
    if note.exists():
        kept = _noted(note)
        if kept.options != options:
            raise UserError(f"{path} was made with other options; choose another --out")
        return kept
    if (path / "run.json").exists():  # stopped half-way
        with Run(path).locked():  # and not still at work for somebody else
            shutil.rmtree(path)
    started = time()
    command = [sys.executable, "-m", "bench", "run", "--out", str(path), *options]
    print(f"{path.name}: {' '.join(command[1:])}", flush=True)
    with beside(condition):
        code = subprocess.run(command, check=False).returncode
    if code:
        raise UserError(f"bench run ended with status {code}; its folder is {path}")
    made = timed(path, condition, number, options, started, time())
    write_json(note, written(made), indent=1)
    return made


def _noted(note: Path) -> FinishedRun:
    try:
        return FinishedRun.model_validate_json(note.read_bytes())
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(map(str, fault["loc"]))
        raise UserError(f"{note} is no note of a run: {field}: {fault['msg']}") from None


def timed(
    path: Path,
    condition: Condition,
    number: int,
    options: tuple[str, ...],
    started: float,
    ended: float,
) -> FinishedRun:
    """A run that has just ended, with the moments (`time.time`) at which its files were written."""
    ceiling = path / CEILING
    return FinishedRun(
        condition=condition,
        number=number,
        options=options,
        begun=_written(path / "run.json") - started,
        ceiling=_written(ceiling) - started if ceiling.exists() else None,
        records={p.stem: _written(p) - started for p in Run(path).launches.glob("*.json")},
        ended=ended - started,
    )


def _written(path: Path) -> float:
    return path.stat().st_mtime


if __name__ == "__main__":
    try:
        app(prog_name="precision")
    except UserError as error:
        print(f"precision: {error}", file=sys.stderr)
        sys.exit(2)
