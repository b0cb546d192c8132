"""A calibration campaign's trials: what one is, how it is measured, and how it is judged."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from adapters.base import Implementation
from bench.audit.extra import NUMPY, implementation
from bench.audit.other_tools import RULES
from bench.judge import questions
from bench.judge.pairs import Side
from bench.judge.verdict import Decision
from bench.plan.adaptive import next_jobs
from bench.plan.jobs import make_jobs
from bench.plan.request import DataSet, Plan
from bench.records.metrics import SPEED, judged, metric
from bench.records.parts import Count, Phase, Strict
from bench.records.record import CLOSED, Budget, Request
from bench.records.results import CellResult, Results
from bench.records.schema import RunFile
from bench.records.store import Run
from bench.run import environments
from bench.run.environments import Environment
from bench.run.launches import run_jobs
from bench.run.session import about_of
from tasks.errors import UserError
from tasks.spec.form import restored

# Many short rounds: a launch of the NumPy contender works for about 0.3 s and starts in as much.
# Shorter phases cost less, but then one burst of other load covers most of a phase.
BUDGET = Budget(1, 10, 300, 800, 350, 800, 2048, 0.1, 120.0)
GATED_PERCENT = 5
CURVE_PERCENTS = (1, 2, 3, 10)
TIMED: Mapping[str, Phase] = {
    "train_throughput": "train", "infer_throughput": "infer",
    "step_latency_p50": "step", "infer_latency_p50": "latency",
}  # fmt: skip
PROBE_UNITS, PROBE_BLOCKS = 400, 5


@dataclass(frozen=True)
class Campaign:
    """What a campaign is; kept in DIR/campaign.json, so that it goes on as it began."""

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

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


class TrialComparison(Strict):
    """One metric of a contender against the plain one, as `bench compare` judges it.

    percent: the extra work. change: new over base (a score: new less base) and its 95 % interval.
    others: whether each other tool's rule alarms on the same rounds; empty for what is not timed.
    """

    percent: Count
    metric: str
    outcome: Decision
    change: tuple[float, float, float]
    p: float
    launches: Count
    others: dict[str, bool]


class CalibrationTrial(Strict):
    """One line of DIR/trials.jsonl."""

    trial: Count
    blocks: Count
    launches: Count
    comparisons: tuple[TrialComparison, ...]


def trials_in(out: Path) -> list[CalibrationTrial]:
    """The finished trials. `UserError` naming the line that is none."""
    path = out / "trials.jsonl"
    texts = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    trials = []
    for number, text in enumerate(texts, 1):
        try:
            trials.append(CalibrationTrial.model_validate_json(text))
        except ValidationError as error:
            raise UserError(f"{path}, line {number}: no trial: {_first(error)}") from None
    return trials


def campaign_in(out: Path) -> Campaign | None:
    """The campaign begun there, if any. `UserError` where its file is none."""
    path = out / "campaign.json"
    if not path.exists():
        return None
    try:
        return TypeAdapter(Campaign).validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(f"{path} is no campaign: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"


def with_costs(out: Path, c: Campaign) -> Campaign:
    """The campaign with what a unit of work costs: launches without and with many, by block."""
    plain = c.contender("plain")
    loaded = implementation(c.implementation, "loaded", PROBE_UNITS, PROBE_UNITS)
    started = monotonic()
    by_name = _by_name(_measured(out / "probe", c, [plain, loaded], PROBE_BLOCKS, None))
    launch_seconds = (monotonic() - started) / (3 * PROBE_BLOCKS)
    units = {}
    for name in ("step_latency_p50", "infer_throughput"):
        m = metric(name)
        before, after = (Side(i.name, by_name.get(i.name)).values(m) for i in (plain, loaded))
        if not before.keys() & after.keys():
            raise UserError(f"the probing launches failed; their records are in {out / 'probe'}")
        changes = [after[b] / before[b] for b in before.keys() & after.keys()]
        change = float(np.median(changes))
        slower = (change if m.better == "lower" else 1 / change) - 1
        units[name] = PROBE_UNITS / (100 * slower)
    return replace(
        c,
        step_units=units["step_latency_p50"],
        batch_units=units["infer_throughput"],
        launch_seconds=launch_seconds,
    )


def make_trial(out: Path, c: Campaign, trial: int) -> CalibrationTrial:
    """Measure and judge one trial; the launches it already has are kept."""
    plain, copy = c.contender("plain"), c.contender("copy")
    slow = {percent: c.contender(f"slow{percent}", percent) for percent in c.percents(trial)}
    everyone = [plain, copy, *slow.values()]
    results = _measured(out / f"trial{trial:03d}", c, everyone, c.blocks, c.until, trial)
    by_name = _by_name(results)
    base = Side(plain.name, by_name.get(plain.name))
    comparisons: list[TrialComparison] = []
    for percent, other in {0: copy, **slow}.items():
        new = Side(other.name, by_name.get(other.name))
        comparisons += _compared(results, c.task, base, new, percent)
    return CalibrationTrial(
        trial=trial,
        blocks=len(base.values(metric(SPEED))),
        launches=len(results.launches),
        comparisons=tuple(comparisons),
    )


def _compared(
    results: Results, task: str, base: Side, new: Side, percent: int
) -> Iterator[TrialComparison]:
    """One comparison, as a report makes it: all metrics judged together."""
    every = (questions.question(results, task, m, base, new) for m in judged())
    asked = [q for q in every if q is not None]
    for v in questions.answered(results, asked, questions.a_a_questions(results)):
        name = v.question.metric
        yield TrialComparison(
            percent=percent,
            metric=name,
            outcome=v.outcome,
            change=v.change,
            p=v.p,
            launches=v.question.effect.n,
            others=_alarms(base, new, TIMED[name]) if name in TIMED else {},
        )


def _alarms(base: Side, new: Side, phase: Phase) -> dict[str, bool]:
    before, after = (_pooled(side, phase) for side in (base, new))
    return {name: rule(before, after) for name, rule in RULES.items()}


def _pooled(side: Side, phase: Phase) -> np.ndarray:
    launches = side.result.good if side.result else ()
    return np.concatenate([launch.rounds(phase) for launch in launches])


def _by_name(results: Results) -> dict[str, CellResult]:
    """Implementation → its result, without the A/A copy's."""
    return {result.cell.implementation: result for result in results.contenders}


def _measured(
    path: Path,
    c: Campaign,
    contenders: list[Implementation],
    blocks: int,
    until: float | None,
    seed: int = 0,
) -> Results:
    """Launch what is missing in the run directory `path`; all that it holds then."""
    by_name = {i.name: i for i in contenders}
    request = Request(
        "calibrate", (c.task,), tuple(by_name), threads=c.threads, launches=blocks,
        seed=100 * seed, until=until,
    )  # fmt: skip
    begun = (path / "run.json").exists()
    run = Run.open(path) if begun else Run.create(path, about_of(request, BUDGET))
    plan = _plan(run.about(), by_name)
    environment = _environment(c.implementation)
    jobs = [job for job in make_jobs(plan) if job.kind == "measure"]
    while jobs:
        run_jobs(run, jobs, environment)
        jobs = next_jobs(plan, Results.read(run))
        if jobs and jobs[0].block >= c.most_blocks:
            break
    return Results.read(run)


def _plan(about: RunFile, by_name: Mapping[str, Implementation]) -> Plan:
    data = {name: DataSet(facts.folder, facts.target) for name, facts in about.datasets.items()}
    works = {name: restored(facts.definition) for name, facts in about.tasks.items()}
    return Plan(about.request, about.budget, data, by_name, works)


def _environment(wrapped: str) -> dict[str, Environment]:
    framework = wrapped.split(":")[0]
    if wrapped == NUMPY:
        return {framework: Environment(framework, "ready", sys.executable)}
    return {framework: environments.describe(framework, "cpu")}
