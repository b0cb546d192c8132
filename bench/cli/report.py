"""``bench report`` and ``bench evidence``: publish a run, and measure what its claims need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.cli.options import PriceOption, chosen, price_of
from bench.records import many
from bench.records.metrics import TARGET
from bench.records.results import Results
from bench.records.store import Run
from bench.report import many_runs
from bench.report import publish as build
from bench.report.layouts import terminal
from bench.run import probes
from tasks.errors import UserError

RunDir = Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.")]
console = Console()


def report_(
    run_dir: RunDir,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where to write the report.", show_default="the run itself"
        ),
    ] = None,
    price: PriceOption = None,
) -> None:
    """Print a run's table; write the page, Markdown, LaTeX, CSV, Parquet and figures. Of a folder
    of runs: what each cell is over all of them, for each type of machine."""
    an_hour = price_of(price)
    if not (run_dir / "run.json").exists() and many.runs_under(run_dir):
        for path in many_runs.write(run_dir, out or run_dir):
            console.print(f"wrote {path}", markup=False, highlight=False)
        return
    results = Results.read(Run.open(run_dir))
    terminal.show(results, console)
    if an_hour is not None:
        terminal.print_rows(console, "Money to the target score", _money(results, an_hour))
    publish(results, out or run_dir, console)


def _money(results: Results, an_hour: float) -> list[dict[str, str]]:
    """Price times the training seconds to the target, interval included; joules of a launch."""
    rows = []
    for result in results.contenders:
        seconds, energy = result.estimate(TARGET), result.estimate("energy")
        money = (
            [x * an_hour / 3600 for x in (seconds.value, seconds.low, seconds.high)]
            if (seconds)
            else []
        )
        rows.append({
            "task": result.cell.task,
            "implementation": result.cell.implementation,
            "money": f"{money[0]:.3g}" if money else "not always reached",
            "95 % interval": f"{money[1]:.3g} to {money[2]:.3g}" if money else "",
            "J a launch": f"{energy.value:.4g}" if energy else "no counter",
        })  # fmt: skip
    return rows


def publish(results: Results, out: Path, console: Console) -> None:
    """Write everything a report consists of; name the page, count the rest."""
    page, *others = build.write(results, out)
    console.print(f"wrote {page} and {len(others)} files beside it", highlight=False, markup=False)


def evidence_(
    run_dir: RunDir,
    again: Annotated[
        str | None,
        typer.Option(metavar="PART", help="Measure these parts anew; commas between several."),
    ] = None,
) -> None:
    """Measure what the framework table needs beside the run's launches; goes on where it was."""
    opened = Run.open(run_dir)
    parts = chosen(again) or []
    if unknown := sorted(set(parts) - set(probes.ALL_PARTS)):
        names = ", ".join(probes.ALL_PARTS)
        raise UserError(f"--again: no part {', '.join(unknown)}; there are {names}")
    with opened.locked():
        answers = probes.measure(opened, lambda line: typer.echo(line, err=True), parts).answers
    failed = {key: e.answer["reason"] for key, e in answers.items() if "reason" in e.answer}
    console.print(f"{len(answers)} answers, {len(failed)} without a result", highlight=False)
    for key, reason in failed.items():
        line = f"  {key.replace('~', ' ')}: {reason}"
        console.print(line, markup=False, highlight=False)
