"""Two runs compared, cell by cell: verdicts, what could not be judged, and the gate's answer.

Pure. Nothing that was not measured can be green, nor what was measured too coarsely to be seen: a
cell that both runs were asked for and one did not deliver whole is *unjudged*, and what is green is
decided by bounds (bench/judge/gate.py), never by the lack of a verdict.

Runs measured apart also differ by what the machine was that day, which no number of launches
shows: with a shift of 2 % between runs and 3 % noise a test that ignores it errs in 5 to 15 % of
the cases. The standard deviation of such shifts is added to every error of a time; where nobody
knows it, `ASSUMED_BETWEEN_RUNS` is taken for regressions and the gate is never green.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log1p, sqrt
from pathlib import Path
from typing import Literal

from bench.judge import gate, questions, verdict
from bench.judge.borrowing import borrow
from bench.judge.gate import Primary, Tolerance
from bench.judge.pairs import Side
from bench.judge.validity import checked, checks
from bench.judge.verdict import DEFAULT, MIN_DF, Question, Rule, Verdict
from bench.records.metrics import judged
from bench.records.results import CellResult, Results

FailOn = Literal["slower", "any", "accuracy"]
_SCOPES: dict[FailOn, frozenset[str]] = {
    "slower": frozenset({"throughput", "latency", "time to target", "cold start"}),
    "any": frozenset(
        {"throughput", "latency", "time to target", "cold start", "memory", "energy", "accuracy"}
    ),
    "accuracy": frozenset({"accuracy"}),
}
_EXIT = {"no regression": 0, "regression": 1, "could not judge": 2}
ASSUMED_BETWEEN_RUNS = 0.05  # of times, where nobody knows what runs of the same code differ by
APART = (
    "measured apart: a change of the machine between the runs would look like a change of the "
    "software; `bench regress` measures both sides interleaved (or say what runs of the same "
    "code differ by: --between-runs)"
)


@dataclass(frozen=True)
class Unjudged:
    """A cell (or one metric of it) that BASE was asked for and that cannot be compared."""

    task: str
    implementation: str
    metric: str
    reason: str


@dataclass(frozen=True)
class Gate:
    """What the gate is asked: where to look, what passes, and what runs of the same code differ
    by (standard deviation, a fraction; None: unknown)."""

    fail_on: FailOn = "any"
    tolerance: Tolerance = gate.DEFAULT
    between_runs: float | None = None

    def looks_at(self, kind: str) -> bool:
        """Whether a kind of question is in scope."""
        return kind in _SCOPES[self.fail_on]


@dataclass(frozen=True)
class Comparison:
    """Everything `bench compare` knows; the formats only lay it out.

    primaries: the means over tasks that must be green. blind: why it cannot be green whatever they
    say. void: why nothing at all can be said.
    """

    base: str
    new: str
    paired: bool
    verdicts: tuple[Verdict, ...]
    unjudged: tuple[Unjudged, ...]
    notes: tuple[str, ...]
    rule: Rule
    gate: Gate
    primaries: tuple[Primary, ...]
    blind: tuple[str, ...] = ()
    void: tuple[str, ...] = ()

    @property
    def in_scope(self) -> tuple[Verdict, ...]:
        """The verdicts that the gate looks at."""
        return tuple(v for v in self.verdicts if self.gate.looks_at(v.question.kind))

    @property
    def regressions(self) -> tuple[Verdict, ...]:
        """The verdicts that fail the gate."""
        return tuple(v for v in self.in_scope if v.outcome == "worse" and not self.void)

    @property
    def status(self) -> Literal["no regression", "regression", "could not judge"]:
        """A regression is one even beside unjudged cells. Green is only what was shown."""
        if self.regressions:
            return "regression"
        shown = bool(self.primaries) and all(p.green for p in self.primaries)
        judged_all = not (self.unjudged or self.blind or self.void)
        return "no regression" if shown and judged_all else "could not judge"

    @property
    def exit_code(self) -> int:
        """0 no regression, 1 regression, 2 could not judge."""
        return _EXIT[self.status]

    @property
    def seen(self) -> str:
        """What the intervals exclude: "no regression above X"; empty without a question."""
        return gate.seen(self.primaries, [v.question for v in self.in_scope])

    @property
    def unseen(self) -> list[str]:
        """What keeps it from being green, a line each."""
        wide = gate.unseen(self.primaries, self.rule, len(self.in_scope))
        return [*self.void, *self.blind, *wide]


Key = tuple[str, str]


def compare(
    base: Results,
    new: Results,
    rule: Rule = DEFAULT,
    asked: Gate | None = None,
    differing: Sequence[str] = (),
) -> Comparison:
    """Judge every cell that both runs were asked for.

    Launches are paired by block when the two runs were measured interleaved (the same `pairing`
    in both run.json), scores by seed; else they are compared by Welch's test. differing: where the
    fingerprints differ, if they are compared all the same; that is never judged.
    """
    asked = asked or Gate()
    paired = bool(base.about.pairing) and base.about.pairing == new.about.pairing
    common = [key for key in _asked_for(base) if key in _asked_for(new)]
    own = [q for key in common for q in _questions(base, new, key, paired)]
    a_a = questions.a_a_questions(base) + questions.a_a_questions(new)
    sure = checked(borrow(own), checks(a_a))
    shift = 0.0 if paired else _shift(asked)
    shifted = [_shifted(q, shift) for q in sure]
    judged_sure = [q for q in sure if asked.looks_at(q.kind) and q.enough]
    return Comparison(
        base.name,
        new.name,
        paired,
        tuple(_verdicts(shifted, rule, asked)),
        (
            *_dropped(base, new),
            *(u for key in common for u in _unjudged(base, new, key, sure, asked)),
        ),
        tuple(_notes(base, new, common)),
        rule,
        asked,
        tuple(gate.primaries(judged_sure, asked.tolerance, shift)),
        _blind(judged_sure, paired, asked),
        _void(base, new, differing),
    )


def _shift(asked: Gate) -> float:
    """Standard deviation of what two runs differ by, on the log scale."""
    known = asked.between_runs
    return sqrt(2) * log1p(ASSUMED_BETWEEN_RUNS if known is None else known)


def _shifted(q: Question, shift: float) -> Question:
    return replace(q, effect=q.effect.widened(shift=shift)) if gate.timed(q.kind) else q


def _verdicts(asked: Sequence[Question], rule: Rule, of: Gate) -> list[Verdict]:
    """In the order of the questions; what the gate looks at is judged by itself, so that what it
    does not look at neither dilutes nor helps."""
    inside = [q for q in asked if of.looks_at(q.kind)]
    outside = [q for q in asked if not of.looks_at(q.kind)]
    gated = iter(gate.answered(verdict.judge(inside, rule), rule))
    others = iter(verdict.judge(outside, rule))
    return [next(gated) if of.looks_at(q.kind) else next(others) for q in asked]


def _blind(asked: Sequence[Question], paired: bool, of: Gate) -> tuple[str, ...]:
    if paired or of.between_runs is not None or not any(gate.timed(q.kind) for q in asked):
        return ()
    return (APART,)


def _dropped(base: Results, new: Results) -> list[Unjudged]:
    """What BASE has and NEW was not even asked for: it may have stopped working."""
    missing = [key for key in _asked_for(base) if key not in _asked_for(new)]
    return [Unjudged(*key, "", "was not asked for in NEW") for key in missing]


def _void(base: Results, new: Results, differing: Sequence[str]) -> tuple[str, ...]:
    reasons = [f"another machine, task or way of measuring: {one}" for one in differing]
    if base.path != Path() and base.path.resolve() == new.path.resolve():
        return (*reasons, "BASE and NEW are the same folder: a run says nothing of itself")
    twice = [
        name
        for name, launch in base.by_id.items()
        if launch.benchmarks
        and (other := new.by_id.get(name)) is not None
        and (launch.datetime, launch.benchmarks) == (other.datetime, other.benchmarks)
    ]
    if twice:
        reasons.append(f"{len(twice)} launches are in both runs, the first is {twice[0]}")
    return tuple(reasons)


def _questions(base: Results, new: Results, key: Key, paired: bool) -> list[Question]:
    task, implementation = key
    before = Side("BASE", _result(base, key))
    after = Side(implementation, _result(new, key))
    found = [questions.question(new, task, m, before, after, paired) for m in judged()]
    found.append(questions.target_question(task, before, after, paired))
    return [q for q in found if q is not None]


def _unjudged(
    base: Results, new: Results, key: Key, sure: Sequence[Question], asked: Gate
) -> list[Unjudged]:
    """What of a cell cannot be judged: the cell, or else metrics in scope."""
    task, implementation = key
    results = [_result(side, key) for side in (base, new)]
    if reason := _why_not(results, [side.about.request.launches for side in (base, new)]):
        return [Unjudged(task, implementation, "", reason)]
    own = {q.metric: q for q in sure if (q.task, q.new) == key}
    unjudged = []
    for m in judged():
        values = [len(r.values(m)) if r else 0 for r in results]
        if m.kind is not None and asked.looks_at(m.kind) and any(values) and m.name not in own:
            few = f"{values[0]} values in BASE, {values[1]} in NEW, none in common"
            unjudged.append(Unjudged(task, implementation, m.name, few))
    for q in own.values():
        if asked.looks_at(q.kind) and not q.enough:
            few = (
                f"{q.effect.n} launches leave its error {q.effect.df:.0f} degrees of freedom, "
                f"{MIN_DF} are needed"
            )
            unjudged.append(Unjudged(task, implementation, q.metric, q.void or few))
    return unjudged


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
    for word, result, own in zip(("BASE", "NEW"), pair, launches, strict=True):
        if result is None or not result.good:
            bad = result.failed if result else ()
            why = f"{bad[0].status}: {bad[0].reason}" if bad else "never run"
            return f"nothing measured in {word} ({why})"
        done = len({x.job.block for x in result.launches if x.kind == "measure"})
        if done < own:
            return f"{word} is not finished: {done} of {own} launches (bench run --resume)"
        if done < max(launches):
            return f"{word} has {done} launches, the other run was asked for {max(launches)}"
        failed.append(len(result.failed))
    if failed[1] > failed[0]:
        return f"{failed[1]} launches failed in NEW, {failed[0]} in BASE"
    return ""


def _notes(base: Results, new: Results, common: Sequence[Key]) -> list[str]:
    notes = []
    only = [key for key in _asked_for(new) if key not in common]
    if only:
        notes.append(f"only in NEW: {', '.join(' '.join(key) for key in only)}")
    if not all(r.about.digest(task) for r in (base, new) for task, _ in common):
        notes.append("a run kept no definition of its tasks: that they are the same is not proven")
    if not (base.twins() and new.twins()):
        notes.append("a run has no A/A pair: its errors are not checked")
    before, after = _versions(base), _versions(new)
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            notes.append(f"{name}: version {before[name]} against {after[name]}")
    return notes


def _versions(results: Results) -> dict[str, str]:
    return {r.cell.implementation: r.version for r in results.contenders if r.version}
