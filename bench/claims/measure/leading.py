"""Who leads in this run: in speed, in memory, in energy."""

from __future__ import annotations

from collections.abc import Sequence

from bench.claims.facts import MORE_THAN_HALF, ClaimFacts, Conclusion, Evidence
from bench.judge.leads import Lead
from bench.judge.leads import leads as leads_of
from bench.records.metrics import SPEED


def _has(framework: str, contenders: Sequence[str]) -> bool:
    return any(name.startswith(f"{framework}:") for name in contenders)


def _leading(facts: ClaimFacts, framework: str, names: Sequence[str]) -> Conclusion:
    """By the verdicts on these metrics; undecided where the framework met no other contender."""
    leads: list[Lead] = [lead for name in names for lead in leads_of(facts.judged(name))]
    first = sum(_has(framework, lead.leaders) for lead in leads)
    behind = sum(
        _has(framework, lead.others) and not _has(framework, lead.leaders) for lead in leads
    )
    asked = first + behind
    if not asked:
        return Conclusion("undecided", "The run has no other contender beside it.")
    what = " and ".join(name.replace("_", " ") for name in names)
    text = f"In {what} it leads, alone or not told apart, in {first} of {asked} comparisons."
    if first > MORE_THAN_HALF * asked:
        return Conclusion("supported", text)
    return Conclusion("contradicted" if behind > MORE_THAN_HALF * asked else "undecided", text)


def speed(facts: ClaimFacts, framework: str) -> Conclusion:
    return _leading(facts, framework, (SPEED, "infer_throughput"))


def memory(facts: ClaimFacts, framework: str) -> Conclusion:
    return _leading(facts, framework, ("peak_rss",))


def energy(facts: ClaimFacts, framework: str) -> Conclusion:
    measured = [r for r in facts.results.contenders if r.good]
    if not any(r.cell.framework == framework for r in measured):
        return Conclusion("undecided", "The run holds no launch of it.")
    if not any(r.values("energy") for r in measured):
        device = facts.results.about.request.device
        return Conclusion(
            "not measurable here",
            f"No launch of this run has joules: no energy counter of the {device} was read.",
        )
    return _leading(facts, framework, ("energy",))


EVIDENCE = (
    Evidence(
        "speed",
        "Verdicts of this run on training and inference throughput: on how many tasks it "
        "leads or is not told apart from the leader.",
        "Supported when on more than half of the tasks; contradicted when it is slower "
        "beyond doubt on more than half.",
        speed,
    ),
    Evidence(
        "memory",
        "Verdicts of this run on peak memory, counted alike.",
        "Supported when it leads on more than half of the tasks; contradicted when it is "
        "heavier beyond doubt on more than half.",
        memory,
    ),
    Evidence(
        "energy",
        "Verdicts of this run on the joules of a launch, read from the device's own counter, "
        "counted alike.",
        "Supported when it leads on more than half of the tasks; contradicted when it takes "
        "more beyond doubt on more than half; not measurable where no counter can be read, as "
        "on most shared machines.",
        energy,
    ),
)
