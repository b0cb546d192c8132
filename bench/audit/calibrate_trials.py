"""A calibration campaign's trials: what one is, how it is measured, and how it is judged."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from adapters.base import Implementation
from bench.audit.extra import NUMPY, WORKED, implementation
from bench.audit.neighbour import Condition, beside
from bench.audit.other_tools import RULES
from bench.judge import questions
from bench.judge.verdict import Decision, Verdict
from bench.plan.jobs import make_jobs, pending
from bench.plan.request import DataSet, Plan
from bench.records.metrics import judged
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

BUDGET = Budget(1, 10, 2048, 8, 0.02, 120.0)  # many short rounds: eight turns of 20 ms a phase
EQUAL = ("plain", "copy1", "copy2")
PERCENTS = (2, 3, 5)
CONTENDERS = len(EQUAL) + len(PERCENTS) + 1  # of a sitting, with the A/A copy that every run has
TIMED: Mapping[str, Phase] = {
    "train_throughput": "train", "step_latency_p50": "step",
    "infer_throughput": "infer", "infer_latency_p50": "latency",
}  # fmt: skip
TURNED: Mapping[Decision, Decision] = {"better": "worse", "worse": "better"}


@dataclass(frozen=True)
class Campaign:
    """What a campaign is; kept in DIR/campaign.json, so that it goes on as it began.

    units: of extra work that make one per cent, by timed phase. sitting_seconds: about what one
    sitting of a trial takes. Both are measured before the first trial.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

    implementation: str
    task: str
    threads: int
    sittings: int
    condition: Condition
    units: dict[str, float] = field(default_factory=dict)
    sitting_seconds: float = 0.0

    def contender(self, name: str, percent: float = 0.0) -> Implementation:
        """The implementation with `percent` more work in every timed phase."""
        units = {phase: round(percent * self.units.get(phase, 0.0)) for phase in WORKED}
        return implementation(self.implementation, name, units)


class TrialComparison(Strict):
    """One metric of one contender against another, as a report judges it.

    percent: the extra work of `new`; `base` has none. outcome: `new` against `base`; half: the same
    by the first half of the sittings. change: new over base (a score: new less base) and its 95 %
    interval. void: why it could not be judged. others: whether each other tool's rule alarms on
    the same rounds; empty for what is not timed.
    """

    percent: Count
    base: str
    new: str
    metric: str
    outcome: Decision
    half: Decision
    change: tuple[float, float, float]
    p: float
    sittings: Count
    void: str = ""
    others: dict[str, bool]


class CalibrationTrial(Strict):
    """One line of DIR/trials.jsonl. turns: all that were taken; disturbed: those with a cause."""

    trial: Count
    sittings: Count
    turns: Count
    disturbed: Count
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


def make_trial(out: Path, c: Campaign, trial: int) -> CalibrationTrial:
    """Measure and judge one trial; the sittings it already has are kept."""
    contenders = [c.contender(name) for name in EQUAL]
    contenders += [c.contender(f"slow{percent}", percent) for percent in PERCENTS]
    results = measured(out / f"trial{trial:03d}", c, contenders, c.sittings, c.condition, trial)
    names = {i.name: i.mode.split(".")[2] for i in contenders}
    turns = {
        (launch.job.block, turn.number): turn
        for launch in results.launches
        for turn in launch.launch.turns
    }
    return CalibrationTrial(
        trial=trial,
        sittings=c.sittings,
        turns=len(turns),
        disturbed=sum(bool(turn.cause) for turn in turns.values()),
        comparisons=tuple(_compared(results, names, c.sittings)),
    )


def _compared(
    results: Results, names: Mapping[str, str], sittings: int
) -> Iterator[TrialComparison]:
    """All comparisons with a contender that has no extra work. names: implementation → short."""
    earlier = [x for x in results.launches if x.job.block < sittings // 2]
    halves = {
        _key(v, names): _turned(v, names).outcome for v in _verdicts(results.with_launches(earlier))
    }
    cells = {names[r.cell.implementation]: r for r in results.contenders}
    for v in (_turned(v, names) for v in _verdicts(results)):
        q = v.question
        base, new = names[q.base], names[q.new]
        if base not in EQUAL:
            continue
        yield TrialComparison(
            percent=int(new.removeprefix("slow")) if new not in EQUAL else 0,
            base=base,
            new=new,
            metric=q.metric,
            outcome=v.outcome,
            half=halves[_key(v, names)],
            change=v.change,
            p=v.p,
            sittings=q.effect.n,
            void=q.void,
            others=_alarms(cells[base], cells[new], TIMED[q.metric]) if q.metric in TIMED else {},
        )


def _verdicts(results: Results) -> list[Verdict]:
    """All pairs of a trial, as a report judges a run: each metric a table of its own, its errors
    checked by the run's A/A pair."""
    a_a = questions.a_a_questions(results)
    return [
        v
        for m in judged()
        for v in questions.answered(
            results, [q for _, q in questions.pairs_of(results, m.name)], a_a
        )
    ]


def _key(v: Verdict, names: Mapping[str, str]) -> tuple[str, frozenset[str]]:
    q = v.question
    return q.metric, frozenset((names[q.base], names[q.new]))


def _turned(v: Verdict, names: Mapping[str, str]) -> Verdict:
    """The verdict on the contender with more work, or the later copy."""
    order = [*EQUAL, *(f"slow{percent}" for percent in PERCENTS)]
    q = v.question
    if order.index(names[q.base]) < order.index(names[q.new]):
        return v
    return Verdict(q.turned(), TURNED.get(v.outcome, v.outcome), v.p, v.more_launches)


def _alarms(base: CellResult, new: CellResult, phase: Phase) -> dict[str, bool]:
    before, after = (np.concatenate([x.rounds(phase) for x in r.good]) for r in (base, new))
    return {name: rule(before, after) for name, rule in RULES.items()}


def measured(
    path: Path,
    c: Campaign,
    contenders: Sequence[Implementation],
    sittings: int,
    condition: Condition,
    seed: int = 0,
) -> Results:
    """Hold the sittings that are missing in the run directory `path`; all that it holds then.
    `UserError` where one did not end well: what is compared must be whole."""
    by_name = {i.name: i for i in contenders}
    request = Request(
        "calibrate",
        (c.task,),
        tuple(by_name),
        threads=c.threads,
        launches=sittings,
        seed=100 * seed,
    )
    begun = (path / "run.json").exists()
    run = Run.open(path) if begun else Run.create(path, about_of(request, BUDGET))
    jobs = [job for job in make_jobs(_plan(run.about(), by_name)) if job.kind == "measure"]
    if pending(jobs, run.records()):
        with beside(condition):
            run_jobs(run, jobs, _environment(c.implementation))
    results = Results.read(run)
    for launch in results.launches:
        if launch.status != "ok":
            raise UserError(f"a launch in {path} failed ({launch.status}: {launch.reason})")
    return results


def _plan(about: RunFile, by_name: Mapping[str, Implementation]) -> Plan:
    data = {name: DataSet(facts.folder, facts.target) for name, facts in about.datasets.items()}
    works = {name: restored(facts.definition) for name, facts in about.tasks.items()}
    return Plan(about.request, about.budget, data, by_name, works)


def _environment(wrapped: str) -> dict[str, Environment]:
    framework = wrapped.split(":")[0]
    if wrapped == NUMPY:
        return {framework: Environment(framework, "ready", sys.executable)}
    return {framework: environments.describe(framework, "cpu")}
