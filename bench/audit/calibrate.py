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
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import numpy as np
import typer

from adapters.base import Implementation
from bench.audit.calibrate_summary import write_summary
from bench.audit.extra import NUMPY, implementation
from bench.audit.other_tools import RULES
from bench.cli.options import fraction, seconds
from bench.judge import questions, verdict
from bench.judge.questions import JUDGED, Side
from bench.plan.adaptive import next_jobs
from bench.plan.jobs import make_jobs
from bench.plan.request import DataSet, Request
from bench.records import tidy
from bench.records.metrics import metric, rounds
from bench.records.record import Budget, Job, Record
from bench.records.store import Run, write_atomically
from bench.run import environments
from bench.run.environments import Environment
from bench.run.launches import run_jobs
from bench.run.session import default_threads
from tasks.catalogue.every import TASKS
from tasks.data import prepare
from tasks.errors import UserError

# Many short rounds: a launch of the NumPy contender works for about 0.3 s and starts in as much.
# Shorter phases cost less, but then one burst of other load covers most of a phase.
BUDGET = Budget(1, 10, 300, 800, 350, 800, 2048, 0.1, 120.0)
GATED_PERCENT = 5
CURVE_PERCENTS = (1, 2, 3, 10)
TIMED = {"train_throughput": "train", "infer_throughput": "infer",
         "step_latency_p50": "step", "infer_latency_p50": "latency"}  # fmt: skip
PROBE_UNITS, PROBE_BLOCKS = 400, 5

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the campaign lives.")]
Results = Annotated[
    Path, typer.Option(metavar="DIR", help="Where calibration.md and calibration.csv go.")
]
WORK, RESULTS = Path("runs/calibration"), Path("results/calibration")


@dataclass(frozen=True)
class Campaign:
    """What a campaign is; kept in DIR/campaign.json, so that it goes on as it began."""

    implementation: str
    task: str
    threads: int
    blocks: int
    most_blocks: int
    until: float
    curve_trials: int
    step_units: float = 0.0  # that make one per cent
    batch_units: float = 0.0
    launch_seconds: float = 0.0

    def contender(self, name: str, percent: float = 0.0) -> Implementation:
        """The implementation with `percent` more work."""
        units = round(percent * self.step_units), round(percent * self.batch_units)
        return implementation(self.implementation, name, *units)

    def percents(self, trial: int) -> tuple[int, ...]:
        """The slow-downs of one trial."""
        return (GATED_PERCENT, *(CURVE_PERCENTS if trial < self.curve_trials else ()))


@app.command()
def run(
    out: Out = WORK,
    results: Results = RESULTS,
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
    done = {line["trial"] for line in lines(out)}
    for trial in (t for t in range(trials) if t not in done):
        if limit is not None and monotonic() - started > limit:
            print(f"the budget is spent at trial {trial} of {trials}; call again to go on")
            break
        line = make_trial(out, campaign, trial)
        texts = [json.dumps(each) for each in (*lines(out), line)]
        write_atomically(out / "trials.jsonl", "\n".join(texts) + "\n")
        print(f"trial {trial}: {line['blocks']} blocks, {monotonic() - started:.0f} s", flush=True)
    write_summary(lines(out), asdict(campaign), results)


@app.command()
def summary(out: Out = WORK, results: Results = RESULTS) -> None:
    """Print the table of the trials so far; write calibration.md and calibration.csv."""
    campaign = json.loads((out / "campaign.json").read_text())
    write_summary(lines(out), campaign, results)


def lines(out: Path) -> list[dict[str, Any]]:
    """The finished trials."""
    path = out / "trials.jsonl"
    return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []


def _begin(out: Path, asked: Campaign) -> Campaign:
    """The campaign in `out`, or a new one with its slow-down measured."""
    path = out / "campaign.json"
    if path.exists():
        kept = Campaign(**json.loads(path.read_text()))
        measured = {k: getattr(kept, k) for k in ("step_units", "batch_units", "launch_seconds")}
        if replace(asked, **measured) != kept:
            raise UserError(f"{out} holds a campaign with other options; choose another --out")
        return kept
    out.mkdir(parents=True, exist_ok=True)
    campaign = _probe(out, asked)
    write_atomically(path, json.dumps(asdict(campaign), indent=1))
    return campaign


def _probe(out: Path, c: Campaign) -> Campaign:
    """Measure what a unit of work costs: launches without and with many, paired by block."""
    plain = c.contender("plain")
    loaded = implementation(c.implementation, "loaded", PROBE_UNITS, PROBE_UNITS)
    started = monotonic()
    groups = _groups(_measure(out / "probe", c, [plain, loaded], PROBE_BLOCKS, None))
    launch_seconds = (monotonic() - started) / (3 * PROBE_BLOCKS)
    units = {}
    for name in ("step_latency_p50", "infer_throughput"):
        before, after = (Side(i.name, groups[i.name]).values(metric(name)) for i in (plain, loaded))
        if not before.keys() & after.keys():
            raise UserError(f"the probing launches failed; their records are in {out / 'probe'}")
        changes = [after[b] / before[b] for b in before.keys() & after.keys()]
        change = float(np.median(changes))
        slower = (change if metric(name).better == "lower" else 1 / change) - 1
        units[name] = PROBE_UNITS / (100 * slower)
    return replace(
        c,
        step_units=units["step_latency_p50"],
        batch_units=units["infer_throughput"],
        launch_seconds=launch_seconds,
    )


def make_trial(out: Path, c: Campaign, trial: int) -> dict[str, Any]:
    """Measure and judge one trial; the launches it already has are kept."""
    plain, copy = c.contender("plain"), c.contender("copy")
    slow = {percent: c.contender(f"slow{percent}", percent) for percent in c.percents(trial)}
    everyone = [plain, copy, *slow.values()]
    records = _measure(out / f"trial{trial:03d}", c, everyone, c.blocks, c.until, trial)
    groups = tidy.by_cell(records)
    floor = questions.floors(groups)
    by_name = _groups(records)
    base = Side(plain.name, by_name[plain.name])
    found = []
    for percent, other in {0: copy, **slow}.items():
        new = Side(other.name, by_name[other.name])
        found += list(_compare(c.task, base, new, floor, percent))
    blocks = len(base.values(metric("train_throughput")))
    return {"trial": trial, "blocks": blocks, "launches": len(records), "comparisons": found}


def _compare(
    task: str, base: Side, new: Side, floors: dict[str, float], percent: int
) -> Iterator[dict[str, Any]]:
    """One comparison, as `bench compare` makes it: all metrics judged together."""
    asked = [
        questions.question(task, name, kind, base, new, floors.get(name, float("nan")), True)
        for name, kind in JUDGED
    ]
    for v in verdict.judge([q for q in asked if q is not None]):
        name = v.question.metric
        line = {"percent": percent, "metric": name, "outcome": v.outcome, "change": v.change}
        line |= {"p": v.p, "floor": v.question.floor, "launches": v.question.effect.n}
        if name in TIMED:
            heaps = (_heap(side, TIMED[name]) for side in (base, new))
            line["others"] = _alarms(*heaps)
        yield line


def _alarms(base: np.ndarray, new: np.ndarray) -> dict[str, bool]:
    return {name: rule(base, new) for name, rule in RULES.items()}


def _heap(side: Side, phase: str) -> np.ndarray:
    return np.concatenate([rounds(r, phase) for r in tidy.good(list(side.records))])


def _groups(records: list[Record]) -> dict[str, list[Record]]:
    """Implementation → its records, without the A/A copy's."""
    cells = tidy.by_cell(records)
    return {cell.implementation: group for cell, group in cells.items() if not cell.label}


def _measure(
    path: Path,
    c: Campaign,
    contenders: list[Implementation],
    blocks: int,
    until: float | None,
    seed: int = 0,
) -> list[Record]:
    """Launch what is missing in the run directory `path`; all its records."""
    by_name = {i.name: i for i in contenders}
    request = Request(
        "calibrate", (c.task,), tuple(by_name), threads=c.threads, launches=blocks,
        seed=100 * seed, until=until,
    )  # fmt: skip
    prepared = prepare.prepare(next(t for t in TASKS if t.name == c.task).data)
    folders = {c.task: DataSet(str(prepared.folder))}
    run = (
        Run(path)
        if (path / "run.json").exists()
        else Run.create(path, {"request": asdict(request)})
    )
    environment = _environment(c.implementation)
    jobs = [j for j in make_jobs(request, BUDGET, folders, by_name) if j.kind == "measure"]
    while jobs:
        run_jobs(run, jobs, environment)
        jobs = _more(request, folders, by_name, run, c.most_blocks)
    return list(run.records().values())


def _more(
    request: Request,
    folders: dict[str, DataSet],
    by_name: dict[str, Implementation],
    run: Run,
    most: int,
) -> list[Job]:
    jobs = next_jobs(request, BUDGET, folders, by_name, run.records())
    return jobs if jobs and jobs[0].block < most else []


def _environment(wrapped: str) -> dict[str, Environment]:
    framework = wrapped.split(":")[0]
    if wrapped == NUMPY:
        return {framework: Environment(framework, "ready", sys.executable)}
    return {framework: environments.describe(framework, "cpu")}


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
