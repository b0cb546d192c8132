"""How often is the judge wrong, and what does it see? Measured with real sittings.

``python -m bench.audit.calibrate run`` makes trials. Each is a run of one task in which one
implementation sits as six contenders: itself, two copies of itself, and itself with 2, 3 and 5 %
more work in every timed round. The three pairs of equal ones are *comparisons that must find
nothing*, the nine of a slower one with an equal one *must be found*. How many units of work make
1 % is measured first (bench/audit/calibrate_costs.py). ``--condition`` says what else the machine
does during the sittings: nothing, or a neighbour (bench/audit/neighbour.py). Each trial is judged
as a report judges, by all its sittings and by the first half of them, and by the rules of other
tools on all its samples, and is one line of DIR/trials.jsonl; a stopped campaign goes on where it
was. ``python -m bench.audit.calibrate summary`` prints the table.

A run of one task lends no variance from others, so the judge asks for six sittings before it says
anything; twelve are the default, that half of them be enough.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from bench.audit.calibrate_costs import with_costs
from bench.audit.calibrate_summary import write_summary
from bench.audit.calibrate_trials import CONTENDERS, Campaign, campaign_in, make_trial, trials_in
from bench.audit.extra import NUMPY
from bench.audit.neighbour import Condition
from bench.cli.options import seconds
from bench.judge.verdict import MIN_DF
from bench.records.beside import written
from bench.records.store import write_atomically, write_json
from bench.run.session import default_threads
from tasks.errors import UserError

MEASURED = ("units", "sitting_seconds")  # of a campaign, before its trials
FEWEST = MIN_DF + 1  # sittings of one task, for the judge to know its errors
WORK, RESULTS = Path("runs/calibration"), Path("results/calibration")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
In = Annotated[Condition, typer.Option("--condition", help="What else the machine does.")]
OutFolder = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", help="Where the campaign lives.", show_default=f"{WORK}/CONDITION"
    ),
]
Summary = Annotated[
    Path, typer.Option("--results", metavar="DIR", help="Where CONDITION.md and calibration.md go.")
]


@app.command()
def run(
    condition: In = "quiet",
    out: OutFolder = None,
    results: Summary = RESULTS,
    trials: Annotated[int, typer.Option(min=1, help="Trials in all.")] = 17,
    sittings: Annotated[int, typer.Option(min=FEWEST, help="Sittings a trial.")] = 2 * FEWEST,
    implementation: Annotated[str, typer.Option(help="framework:mode to slow down.")] = NUMPY,
    task: Annotated[str, typer.Option(help="Task.")] = "fnn-binary-20",
    threads: Annotated[int | None, typer.Option(min=1)] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="20m", help="Begin no trial after this time.")
    ] = None,
) -> None:
    """Make the trials that are missing."""
    started = monotonic()
    few = 1 if implementation == NUMPY else default_threads()
    folder = out or WORK / condition
    limit = None if budget is None else seconds(budget, "--budget")
    campaign = _begin(folder, Campaign(implementation, task, threads or few, sittings, condition))
    print(_estimate(campaign, trials), flush=True)
    done = {each.trial for each in trials_in(folder)}
    for trial in (t for t in range(trials) if t not in done):
        if limit is not None and monotonic() - started > limit:
            print(f"the budget is spent at trial {trial} of {trials}; call again to go on")
            break
        made = make_trial(folder, campaign, trial)
        texts = [json.dumps(written(each)) for each in (*trials_in(folder), made)]
        write_atomically(folder / "trials.jsonl", "\n".join(texts) + "\n")
        print(
            f"trial {trial}: {made.disturbed} of {made.turns} turns disturbed, "
            f"{monotonic() - started:.0f} s",
            flush=True,
        )
    write_summary(trials_in(folder), campaign, results)


@app.command()
def summary(condition: In = "quiet", out: OutFolder = None, results: Summary = RESULTS) -> None:
    """Print the table of the trials so far; write CONDITION.md, its .csv and calibration.md."""
    folder = out or WORK / condition
    campaign = campaign_in(folder)
    if campaign is None:
        raise UserError(f"{folder} holds no campaign; begin one with `calibrate run`")
    write_summary(trials_in(folder), campaign, results)


def _begin(out: Path, asked: Campaign) -> Campaign:
    """The campaign in `out`, or a new one with its slow-down measured."""
    kept = campaign_in(out)
    if kept is not None:
        if replace(asked, **{name: getattr(kept, name) for name in MEASURED}) != kept:
            raise UserError(f"{out} holds a campaign with other options; choose another --out")
        return kept
    out.mkdir(parents=True, exist_ok=True)
    campaign = with_costs(out, asked)
    write_json(out / "campaign.json", asdict(campaign), indent=1)
    return campaign


def _estimate(c: Campaign, trials: int) -> str:
    """How long it will take at least, from the sittings that measured the slow-down."""
    units = ", ".join(f"{number:.1f} in {phase}" for phase, number in c.units.items())
    return (
        f"{trials} trials of {c.sittings} sittings with {CONTENDERS} contenders: at least "
        f"{trials * c.sittings * c.sitting_seconds / 60:.0f} minutes; units of work that make "
        f"1 %: {units}"
    )


if __name__ == "__main__":
    try:
        app(prog_name="calibrate")
    except UserError as error:
        sys.exit(f"calibrate: {error}")
