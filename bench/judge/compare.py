"""Two runs compared, cell by cell: verdicts, what could not be judged, and the gate's answer.

Pure. Nothing that was not measured can be green: a cell that both
runs were asked for and one did not deliver whole is *unjudged*, and an unjudged cell never passes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from bench.judge import questions, verdict
from bench.judge.questions import Side
from bench.judge.verdict import DEFAULT, MIN_LAUNCHES, Question, Rule, Verdict
from bench.records.metrics import judged
from bench.records.results import CellResult, Results
from bench.records.schema import RunFile

FailOn = Literal["slower", "any", "accuracy"]
_SCOPES: dict[FailOn, frozenset[str]] = {
    "slower": frozenset({"throughput", "latency", "time to target", "cold start"}),
    "any": frozenset(
        {"throughput", "latency", "time to target", "cold start", "memory", "energy", "accuracy"}
    ),
    "accuracy": frozenset({"accuracy"}),
}
_EXIT = {"no regression": 0, "regression": 1, "could not judge": 2}


@dataclass(frozen=True)
class Unjudged:
    """A cell (or one metric of it) that both runs were asked for and that cannot be compared."""

    task: str
    implementation: str
    metric: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """Everything `bench compare` knows; the formats only lay it out."""

    base: str
    new: str
    paired: bool
    verdicts: tuple[Verdict, ...]
    unjudged: tuple[Unjudged, ...]
    notes: tuple[str, ...]
    fail_on: FailOn = "any"

    @property
    def in_scope(self) -> tuple[Verdict, ...]:
        """The verdicts that `fail_on` looks at."""
        return tuple(v for v in self.verdicts if v.question.kind in _SCOPES[self.fail_on])

    @property
    def regressions(self) -> tuple[Verdict, ...]:
        """The verdicts that fail the gate."""
        return tuple(v for v in self.in_scope if v.outcome == "worse")

    @property
    def status(self) -> Literal["no regression", "regression", "could not judge"]:
        """A regression is one even beside unjudged cells. Without any decided verdict, or with
        a cell unjudged, the gate could not judge."""
        if self.regressions:
            return "regression"
        decided = any(v.outcome != "undecided" for v in self.in_scope)
        return "no regression" if decided and not self.unjudged else "could not judge"

    @property
    def exit_code(self) -> int:
        """0 no regression, 1 regression, 2 could not judge."""
        return _EXIT[self.status]


def fingerprint(about: RunFile) -> dict[str, str]:
    """What must be equal before two runs may be compared, as flat text.

    The interpreter's version is left out of the machine: it belongs to the software compared.
    """
    request = about.request
    facts: dict[str, object] = {
        "device": request.device,
        "precision": request.precision,
        "threads": request.threads,
        "measurement version": about.suite.measurement,
    }
    machine = about.machine.model_dump(exclude={"python"})
    facts |= {f"machine {key}": value for key, value in machine.items()}
    facts |= {f"budget {key}": value for key, value in asdict(about.budget).items()}
    facts |= {f"bound of {key}": value for key, value in about.bounds.items()}
    facts |= {f"data of {task}": data.sha256 for task, data in about.datasets.items()}
    facts |= {f"task {task}": about.digest(task) for task in request.tasks}
    return {name: str(value) for name, value in facts.items()}


_OF_A_TASK = ("data of ", "task ")


def differences(base: RunFile, new: RunFile) -> list[str]:
    """Where two runs' fingerprints differ, one line each; of tasks only those that both have."""
    a, b = fingerprint(base), fingerprint(new)
    names = [n for n in a if n in b]
    names += [n for n in sorted(a.keys() ^ b.keys()) if not n.startswith(_OF_A_TASK)]
    return [f"{n}: {a.get(n)} against {b.get(n)}" for n in names if a.get(n) != b.get(n)]


@dataclass(frozen=True)
class _Pair:
    """The two runs and what holds for all questions between them."""

    base: Results
    new: Results
    floors: Mapping[str, float]
    paired: bool


Key = tuple[str, str]


def compare(
    base: Results, new: Results, rule: Rule = DEFAULT, fail_on: FailOn = "any"
) -> Comparison:
    """Judge every cell that both runs were asked for.

    Launches are paired by block when the two runs were measured interleaved (the same `pairing`
    in both run.json), else compared by Welch's test on the launches' logarithms.
    """
    own = [questions.floors(results) for results in (base, new)]
    floors = {n: max(f[n] for f in own if n in f) for n in own[0].keys() | own[1].keys()}
    pairing = base.about.pairing
    pair = _Pair(base, new, floors, bool(pairing) and pairing == new.about.pairing)
    asked: list[Question] = []
    unjudged: list[Unjudged] = []
    common = [key for key in _asked_for(base) if key in _asked_for(new)]
    for key in common:
        found, lacking = _cell(pair, key)
        asked += found
        unjudged += lacking
    notes = _notes(pair, common, all(own))
    verdicts = tuple(verdict.judge(asked, rule))
    return Comparison(
        base.name, new.name, pair.paired, verdicts, tuple(unjudged), tuple(notes), fail_on
    )


def _cell(pair: _Pair, key: Key) -> tuple[list[Question], list[Unjudged]]:
    """The questions of one cell, and what of it cannot be judged."""
    task, implementation = key
    results = [_result(side, key) for side in (pair.base, pair.new)]
    launches = [side.about.request.launches for side in (pair.base, pair.new)]
    reason = _why_not(results, launches)
    unjudged = [Unjudged(task, implementation, "", reason)] if reason else []
    before, after = Side("BASE", results[0]), Side(implementation, results[1])
    asked: list[Question] = []
    for m in judged():
        values = [side.values(m) for side in (before, after)]
        floor, better = pair.floors.get(m.name, float("nan")), pair.new.better(m, task)
        question = questions.question(task, m, before, after, floor, pair.paired, better)
        asked += [question] if question is not None else []
        if not reason and any(values) and (question is None or question.effect.n < MIN_LAUNCHES):
            few = f"{min(map(len, values))} values, {MIN_LAUNCHES} are needed"
            unjudged.append(Unjudged(task, implementation, m.name, few))
    target = questions.target_question(task, before, after)
    return asked + ([target] if target is not None else []), unjudged


def _result(results: Results, key: Key) -> CellResult | None:
    task, implementation = key
    of_task = results.of_task(task)
    return next((r for r in of_task if r.cell.implementation == implementation), None)


def _asked_for(results: Results) -> list[Key]:
    request = results.about.request
    return [(t, i) for t in request.tasks for i in request.implementations]


def _why_not(pair: Sequence[CellResult | None], launches: Sequence[int]) -> str:
    """Why a cell's two sides cannot pass the gate; empty when they can be judged."""
    failed = []
    for word, result, wanted in zip(("BASE", "NEW"), pair, launches, strict=True):
        if result is None or not result.good:
            bad = result.failed if result else ()
            why = f"{bad[0].status}: {bad[0].reason}" if bad else "never run"
            return f"nothing measured in {word} ({why})"
        done = len({x.job.block for x in result.launches if x.kind == "measure"})
        if done < wanted:
            return f"{word} is not finished: {done} of {wanted} launches (bench run --resume)"
        failed.append(len(result.failed))
    if failed[1] > failed[0]:
        return f"{failed[1]} launches failed in NEW, {failed[0]} in BASE"
    return ""


def _notes(pair: _Pair, common: Sequence[Key], floors_known: bool) -> list[str]:
    notes = []
    for word, results in (("BASE", pair.base), ("NEW", pair.new)):
        only = [key for key in _asked_for(results) if key not in common]
        if only:
            notes.append(f"only in {word}: {', '.join(' '.join(key) for key in only)}")
    if not all(r.about.digest(task) for r in (pair.base, pair.new) for task, _ in common):
        notes.append("a run kept no definition of its tasks: that they are the same is not proven")
    if not floors_known:
        notes.append("a run has no A/A pair: its noise floor is unknown")
    if not pair.paired:
        notes.append(
            "measured apart: a change of the machine between the runs would look like a change "
            "of the software; `bench regress` measures both sides interleaved"
        )
    before, after = _versions(pair.base), _versions(pair.new)
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            notes.append(f"{name}: version {before[name]} against {after[name]}")
    return notes


def _versions(results: Results) -> dict[str, str]:
    return {r.cell.implementation: r.version for r in results.contenders if r.version}
