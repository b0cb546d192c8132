"""Every claim of the framework table with its findings and the verdict they add up to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.claims.facts import ClaimFacts, ClaimVerdict, Evidence
from bench.claims.measure import (
    dated,
    dynamics,
    exports,
    groups,
    leading,
    reliability,
    scaling,
    steps,
    sweeps,
    writing,
)
from bench.claims.table import CLAIMS, Claim
from bench.judge.curves import curves

EVIDENCE: dict[str, Evidence] = {
    piece.name: piece
    for module in (leading, steps, scaling, reliability, writing, dynamics, exports, groups, dated)
    for piece in module.EVIDENCE
}


# In a run that is a sweep these stand for those of the same names.
SWEPT: dict[str, Evidence] = {piece.name: piece for piece in sweeps.EVIDENCE}


@dataclass(frozen=True)
class ClaimFinding:
    """What one piece of evidence says of one framework."""

    evidence: Evidence
    verdict: ClaimVerdict
    text: str


@dataclass(frozen=True)
class JudgedClaim:
    """A claim with its findings and the verdict they add up to."""

    claim: Claim
    verdict: ClaimVerdict
    findings: tuple[ClaimFinding, ...]


def judge_all(facts: ClaimFacts) -> list[JudgedClaim]:
    """Every claim of the articles' table, in its order."""
    judged = []
    evidence = EVIDENCE | (SWEPT if curves(facts.results) else {})
    for claim in CLAIMS:
        findings = tuple(_finding(evidence[n], facts, claim.framework) for n in claim.evidence)
        judged.append(JudgedClaim(claim, together([f.verdict for f in findings]), findings))
    return judged


def together(verdicts: Sequence[ClaimVerdict]) -> ClaimVerdict:
    """Evidence that points both ways, or nowhere, leaves a claim undecided."""
    if verdicts and all(verdict == "not measurable here" for verdict in verdicts):
        return "not measurable here"
    decided = {verdict for verdict in verdicts if verdict in ("supported", "contradicted")}
    return decided.pop() if len(decided) == 1 else "undecided"


def _finding(evidence: Evidence, facts: ClaimFacts, framework: str) -> ClaimFinding:
    return ClaimFinding(evidence, *evidence.conclude(facts, framework))
