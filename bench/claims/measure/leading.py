"""Who leads in this run: in speed, in memory, in energy."""

from __future__ import annotations

from collections.abc import Sequence

from bench.claims import programs
from bench.claims.facts import MORE_THAN_HALF, ClaimFacts, Conclusion, Evidence
from bench.judge.leads import Lead
from bench.judge.leads import leads as leads_of
from bench.records.metrics import SPEED


def _leading(facts: ClaimFacts, framework: str, names: Sequence[str]) -> Conclusion:
    """By the verdicts on these metrics of the row that runs the framework's programs, among those
    of its division; undecided where it met no other contender."""
    row = programs.implementation(framework)
    leads: list[Lead] = [
        lead for name in names for lead in leads_of(facts.judged(name))
        if lead.division == "documented"
    ]  # fmt: skip
    first = sum(row in lead.leaders for lead in leads)
    behind = sum(row in lead.others for lead in leads)
    asked = first + behind
    if not asked:
        return Conclusion("undecided", f"Needs {row or 'a documented row'} and others of its kind.")
    what = " and ".join(name.replace("_", " ") for name in names)
    text = f"In {what} {row} leads, alone or not told apart, in {first} of {asked} comparisons."
    if first > MORE_THAN_HALF * asked:
        return Conclusion("supported", text)
    return Conclusion("contradicted" if behind > MORE_THAN_HALF * asked else "undecided", text)


def speed(facts: ClaimFacts, framework: str) -> Conclusion:
    return _leading(facts, framework, (SPEED, "infer_throughput"))


def memory(facts: ClaimFacts, framework: str) -> Conclusion:
    return _leading(facts, framework, ("peak_rss",))


def energy(facts: ClaimFacts, framework: str) -> Conclusion:
    row = programs.implementation(framework)
    measured = [r for r in facts.results.contenders if r.good]
    if not any(r.cell.implementation == row for r in measured):
        return Conclusion("undecided", f"The run holds no launch of {row or 'a documented row'}.")
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
        "Verdicts of this run on training and inference throughput, among documented rows: on how "
        "many tasks the row that runs the programs counted here (adapters/*/programs) leads or is "
        "not told apart from the leader. Tuned rows are nobody's program and have no part in it.",
        "Supported when on more than half of the tasks; contradicted when it is slower "
        "beyond doubt on more than half.",
        speed,
    ),
    Evidence(
        "memory",
        "Verdicts of this run on peak memory of the same rows, counted alike.",
        "Supported when it leads on more than half of the tasks; contradicted when it is "
        "heavier beyond doubt on more than half.",
        memory,
    ),
    Evidence(
        "energy",
        "Verdicts of this run on the joules of a launch of the same rows, read from the device's "
        "own counter, counted alike.",
        "Supported when it leads on more than half of the tasks; contradicted when it takes "
        "more beyond doubt on more than half; not measurable where no counter can be read, as "
        "on most shared machines.",
        energy,
    ),
)
