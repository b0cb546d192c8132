"""Every claim of the framework table with its findings and the verdict they add up to. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.claims import from_probes, from_run
from bench.claims.facts import Answer, Facts, Word
from bench.claims.table import CLAIMS, EVIDENCE, Claim, Evidence


@dataclass(frozen=True)
class Finding:
    """What one piece of evidence says of one framework."""

    evidence: Evidence
    verdict: Word
    text: str


@dataclass(frozen=True)
class Judged:
    """A claim with its findings and the verdict they add up to."""

    claim: Claim
    verdict: Word
    findings: tuple[Finding, ...]


JUDGES: dict[str, Callable[[Facts, str], Answer]] = {
    "own_step": from_run.own_step,
    "certified": from_run.certified,
    "threads": from_probes.threads,
    "batches": from_probes.batches,
    "endings": from_run.endings,
    "seeds": from_run.seeds,
    "program_longest": from_probes.program_longest,
    "program_shortest": from_probes.program_shortest,
    "shape_error": from_probes.shape_error,
    "branch": from_probes.branch,
    "lengths": from_probes.lengths,
    "fewer_formats": from_probes.fewer_formats,
    "formats": from_probes.formats,
    "backends": from_run.backends,
    "custom_step": from_probes.custom_step,
    "speed": from_run.speed,
    "memory": from_run.memory,
    "energy": from_run.energy,
    "distributed": from_run.distributed,
    "releases": from_run.releases,
    "retired": from_run.retired,
}


def judge_all(facts: Facts) -> list[Judged]:
    """Every claim of the articles' table, in its order."""
    found = []
    for claim in CLAIMS:
        findings = tuple(_finding(name, facts, claim.framework) for name in claim.evidence)
        found.append(Judged(claim, together([f.verdict for f in findings]), findings))
    return found


def together(words: Sequence[Word]) -> Word:
    """Evidence that points both ways, or nowhere, leaves a claim undecided."""
    if words and all(word == "not measurable here" for word in words):
        return "not measurable here"
    decided = {word for word in words if word in ("supported", "contradicted")}
    return decided.pop() if len(decided) == 1 else "undecided"


def _finding(name: str, facts: Facts, framework: str) -> Finding:
    verdict, text = JUDGES[name](facts, framework)
    return Finding(EVIDENCE[name], verdict, text)
