"""How often is the judge wrong, and what does it see? Measured with real launches.

``python -m bench.audit.calibrate run`` makes trials. In each, one implementation is measured
as four contenders in the suite's own counterbalanced blocks: itself, its A/A copy (the run's
noise floor), another copy (a *comparison that must find nothing*), and itself with 5 % more work
(a *comparison that must be found*); the first trials carry 1, 2, 3 and 10 % too, for the power
curve. How many units of work make 1 % is measured first, in launches of its own. Blocks are
added as `bench run --until` does. Each trial is judged as `bench compare` would, and by the rules
of other tools on the same samples, and is one line of DIR/trials.jsonl; a stopped campaign goes on
where it was. ``python -m bench.audit.calibrate summary`` prints the table.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from bench.audit.calibrate_summary import write_summary
from bench.audit.calibrate_trials import Campaign, campaign_in, make_trial, trials_in, with_costs
from bench.audit.extra import NUMPY
from bench.cli.options import fraction, seconds
from bench.records.beside import written
from bench.records.store import write_atomically, write_json
from bench.run.session import default_threads
from tasks.errors import UserError

MEASURED = ("step_units", "batch_units", "launch_seconds")  # of a campaign, before its trials

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
OutFolder = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the campaign lives.")]
Summary = Annotated[
    Path, typer.Option(metavar="DIR", help="Where calibration.md and calibration.csv go.")
]
WORK, RESULTS = Path("runs/calibration"), Path("results/calibration")


@app.command()
def run(
    out: OutFolder = WORK,
    results: Summary = RESULTS,
    trials: Annotated[int, typer.Option(min=1, help="Trials in all.")] = 40,
    curve_trials: Annotated[int, typer.Option(min=0, help="Trials with 1, 2, 3, 10 %.")] = 8,
    blocks: Annotated[int, typer.Option(min=3, help="Blocks a trial, at least.")] = 8,
    most_blocks: Annotated[int, typer.Option(min=3, help="Blocks a trial, at most.")] = 16,
    until: Annotated[str, typer.Option(metavar="2%", help="Half-width to stop at.")] = "2%",
    implementations: Annotated[str, typer.Option(help="framework:mode to slow down.")] = NUMPY,
    task: Annotated[str, typer.Option(help="Task.")] = "fnn-binary-20",
    threads: Annotated[int | None, typer.Option(min=1)] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="20m", help="Begin no trial after this time.")
    ] = None,
) -> None:
    """Make the trials that are missing."""
    started = monotonic()
    few = 1 if implementations == NUMPY else default_threads()
    asked = Campaign(
        implementations, task, threads or few, blocks, most_blocks,
        fraction(until, "--until"), curve_trials,
    )  # fmt: skip
    campaign = _begin(out, asked)
    limit = None if budget is None else seconds(budget, "--budget")
    print(_estimate(campaign, trials))
    done = {each.trial for each in trials_in(out)}
    for trial in (t for t in range(trials) if t not in done):
        if limit is not None and monotonic() - started > limit:
            print(f"the budget is spent at trial {trial} of {trials}; call again to go on")
            break
        made = make_trial(out, campaign, trial)
        texts = [json.dumps(written(each)) for each in (*trials_in(out), made)]
        write_atomically(out / "trials.jsonl", "\n".join(texts) + "\n")
        print(f"trial {trial}: {made.blocks} blocks, {monotonic() - started:.0f} s", flush=True)
    write_summary(trials_in(out), campaign, results)


@app.command()
def summary(out: OutFolder = WORK, results: Summary = RESULTS) -> None:
    """Print the table of the trials so far; write calibration.md and calibration.csv."""
    campaign = campaign_in(out)
    if campaign is None:
        raise UserError(f"{out} holds no campaign; begin one with `calibrate run`")
    write_summary(trials_in(out), campaign, results)


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
    """How long it will take, from the launches that measured the slow-down."""
    contenders = sum(3 + len(c.percents(t)) for t in range(trials))
    low, high = (contenders * n * c.launch_seconds / 60 for n in (c.blocks, c.most_blocks))
    return (
        f"{trials} trials, {contenders * c.blocks} to {contenders * c.most_blocks} launches of "
        f"{c.launch_seconds:.2f} s: {low:.0f} to {high:.0f} minutes; 1 % is {c.step_units:.1f} "
        f"units a step, {c.batch_units:.1f} a batch"
    )


if __name__ == "__main__":
    try:
        app(prog_name="calibrate")
    except UserError as error:
        sys.exit(f"calibrate: {error}")
