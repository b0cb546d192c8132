"""Whether a framework trains one model on several processes, and what that gains here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from bench.claims.facts import NOT_DISTRIBUTED, ClaimFacts, Conclusion, Evidence
from bench.distributed import gains as groups
from bench.distributed.gains import Scaling
from bench.records.groups import DistributedFile


def distributed(facts: ClaimFacts, framework: str) -> Conclusion:
    file = facts.results.distributed
    schemes = [] if file is None else [s for s in file.schemes if s.split(":")[0] == framework]
    if file is None or not schemes:
        return Conclusion("undecided", NOT_DISTRIBUTED)
    sizes = [size for size in file.sizes if size > 1]
    proofs = {scheme: _proofs(file, scheme, sizes) for scheme in schemes}
    whole = [scheme for scheme, found in proofs.items() if found and all(found)]
    gains = [
        one for one in groups.scalings(file)
        if one.scheme in whole and one.cores and one.over_one is not None and one.over_one.n > 1
    ]  # fmt: skip
    text = " ".join((_certified(proofs, sizes), _gained(gains, file.cores), _lost(file, schemes)))
    if not any(any(found) for found in proofs.values()):
        return Conclusion("contradicted", text)
    if any(one.over_one and one.over_one.low > 1 for one in gains):
        return Conclusion("supported", text)
    slower = bool(gains) and all(one.over_one and one.over_one.high < 1 for one in gains)
    return Conclusion("contradicted" if slower else "undecided", text)


def _proofs(file: DistributedFile, scheme: str, sizes: Sequence[int]) -> list[bool]:
    """Of every task and size that was asked."""
    found = (groups.certified(file, scheme, size, t) for t, size in product(file.tasks, sizes))
    return [proof for proof in found if proof is not None]


def _certified(proofs: dict[str, list[bool]], sizes: Sequence[int]) -> str:
    told = ", ".join(f"{name} {sum(found)}/{len(found)}" for name, found in proofs.items())
    return f"Certificates passed, {' and '.join(map(str, sizes))} processes: {told}."


def _gained(gains: Sequence[Scaling], cores: int) -> str:
    """Only of groups in which each process has a core."""
    told = ", ".join(
        f"{one.task} {one.over_one.value:.2f} ({one.over_one.low:.2f} to {one.over_one.high:.2f}) "
        f"by {one.scheme} on {one.size}"
        for one in gains
        if one.over_one is not None
    )
    if not told:
        return "What it gains was not measured in two launches or more."
    return f"Speed over one process on one core, on a machine with {cores} cores: {told}."


def _lost(file: DistributedFile, schemes: Sequence[str]) -> str:
    told = [
        f"{group.name} {'hangs' if group.lost.ending == 'hang' else 'ends'} "
        f"({group.lost.seconds:.1f} s)"
        for group in file.of("lose")
        if group.name in schemes and group.lost is not None
    ]
    return f"When a peer is killed: {', '.join(told)}." if told else ""


EVIDENCE = (
    Evidence(
        "distributed",
        "Its own data-parallel training in two and four processes on this machine: certificates "
        "that they do the whole batch's work, their speed over one process on one core where each "
        "process has a core, and what becomes of the others when one is killed. Nothing is said of "
        "several machines.",
        "Supported when a scheme passed every certificate and is faster than one process on some "
        "task, the 95 % interval above 1; contradicted when none passed any, or those that passed "
        "all are slower on every task.",
        distributed,
    ),
)
