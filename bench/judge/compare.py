"""Two runs compared, cell by cell: verdicts, what could not be judged, and the gate's answer.

Pure but for reading the two runs. Nothing that was not measured can be green: a cell that both
runs were asked for and one did not deliver whole is *unjudged*, and an unjudged cell never passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from bench.judge import questions, verdict
from bench.judge.questions import JUDGED, Side
from bench.judge.verdict import DEFAULT, MIN_LAUNCHES, Question, Rule, Verdict
from bench.records import tidy
from bench.records.metrics import metric
from bench.records.record import Record, job_of
from bench.records.store import Run

FailOn = Literal["slower", "any", "accuracy"]
_SCOPES: dict[FailOn, frozenset[str]] = {
    "slower": frozenset({"throughput", "latency", "time to target", "cold start"}),
    "any": frozenset(
        {"throughput", "latency", "time to target", "cold start", "memory", "accuracy"}
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


def fingerprint(about: dict[str, Any]) -> dict[str, str]:
    """What must be equal before two runs may be compared, as flat text.

    The interpreter's version is left out of the machine: it belongs to the software compared.
    """
    request = about.get("request", {})
    found = {name: request.get(name) for name in ("device", "precision", "threads")}
    found |= {f"machine {k}": v for k, v in about.get("machine", {}).items() if k != "python"}
    found |= {f"budget {k}": v for k, v in about.get("budget", {}).items()}
    found |= {f"data of {t}": d.get("sha256", d["id"]) for t, d in about["datasets"].items()}
    return {name: str(value) for name, value in found.items()}


def differences(base: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Where two runs' fingerprints differ, one line each; data sets of common tasks only."""
    a, b = fingerprint(base), fingerprint(new)
    names = [n for n in a if n in b] + [
        n for n in sorted(a.keys() ^ b.keys()) if not n.startswith("data of ")
    ]
    return [f"{n}: {a.get(n)} against {b.get(n)}" for n in names if a.get(n) != b.get(n)]


def compare(base: Run, new: Run, rule: Rule = DEFAULT, fail_on: FailOn = "any") -> Comparison:
    """Judge every cell that both runs were asked for.

    Launches are paired by block when the two runs were measured interleaved (the same `pairing`
    in both run.json), else compared by Welch's test on the launches' logarithms.
    """
    sides = [_cells(run) for run in (base, new)]
    about = base.about(), new.about()
    pairing = about[0].get("pairing", ""), about[1].get("pairing", "")
    paired = bool(pairing[0]) and pairing[0] == pairing[1]
    floors = [questions.floors(tidy.by_cell(list(run.records().values()))) for run in (base, new)]
    asked: list[Question] = []
    unjudged: list[Unjudged] = []
    common = [key for key in _asked_for(about[0]) if key in _asked_for(about[1])]
    for task, implementation in common:
        pair = [side.get((task, implementation), []) for side in sides]
        reason = _why_not(pair, [a["request"]["launches"] for a in about])
        if reason:
            unjudged.append(Unjudged(task, implementation, "", reason))
        before, after = Side("BASE", pair[0]), Side(implementation, pair[1])
        for name, kind in JUDGED:
            values = [side.values(metric(name)) for side in (before, after)]
            floor = max((f[name] for f in floors if name in f), default=float("nan"))
            one = questions.question(task, name, kind, before, after, floor, paired)
            if one is not None:
                asked.append(one)
            if not reason and any(values) and (one is None or one.effect.n < MIN_LAUNCHES):
                few = f"{min(map(len, values))} values, {MIN_LAUNCHES} are needed"
                unjudged.append(Unjudged(task, implementation, name, few))
        target = questions.target_question(task, before, after)
        asked += [target] if target is not None else []
    return Comparison(
        base.path.name,
        new.path.name,
        paired,
        tuple(verdict.judge(asked, rule)),
        tuple(unjudged),
        tuple(_notes(base, new, common, floors, paired)),
        fail_on,
    )


def _cells(run: Run) -> dict[tuple[str, str], list[Record]]:
    found: dict[tuple[str, str], list[Record]] = {}
    for record in run.records().values():
        cell = job_of(record).cell
        if not cell.label:
            found.setdefault((cell.task, cell.implementation), []).append(record)
    return found


def _asked_for(about: dict[str, Any]) -> list[tuple[str, str]]:
    request = about["request"]
    return [(t, i) for t in request["tasks"] for i in request["implementations"]]


def _why_not(pair: list[list[Record]], launches: list[int]) -> str:
    """Why a cell's two sides cannot pass the gate; empty when they can be judged."""
    failed = []
    for word, records, wanted in zip(("BASE", "NEW"), pair, launches, strict=True):
        bad = [r["launch"] for r in records if r["launch"]["status"] != "ok"]
        done = len({job_of(r).block for r in records if job_of(r).kind == "measure"})
        if not tidy.good(records):
            why = f"{bad[0]['status']}: {bad[0]['reason']}" if bad else "never run"
            return f"nothing measured in {word} ({why})"
        if done < wanted:
            return f"{word} is not finished: {done} of {wanted} launches (bench run --resume)"
        failed.append(len(bad))
    if failed[1] > failed[0]:
        return f"{failed[1]} launches failed in NEW, {failed[0]} in BASE"
    return ""


def _notes(
    base: Run,
    new: Run,
    common: list[tuple[str, str]],
    floors: list[dict[str, float]],
    paired: bool,
) -> list[str]:
    notes = []
    for word, run in (("BASE", base), ("NEW", new)):
        only = [key for key in _asked_for(run.about()) if key not in common]
        if only:
            notes.append(f"only in {word}: {', '.join(' '.join(key) for key in only)}")
    if not all(floors):
        notes.append("a run has no A/A pair: its noise floor is unknown")
    if not paired:
        notes.append(
            "measured apart: a change of the machine between the runs would look like a change "
            "of the software; `bench regress` measures both sides interleaved"
        )
    versions = [_versions(run) for run in (base, new)]
    for name in sorted(versions[0].keys() & versions[1].keys()):
        if versions[0][name] != versions[1][name]:
            notes.append(f"{name}: version {versions[0][name]} against {versions[1][name]}")
    return notes


def _versions(run: Run) -> dict[str, str]:
    return {
        implementation: str(r["launch"]["settings"]["version"])
        for (_, implementation), records in _cells(run).items()
        for r in records
        if r["launch"].get("settings", {}).get("version")
    }
