"""Evidence that the run itself holds: verdicts, certificates, how launches ended; and dated facts.

One function a piece of evidence, each following its rule in `bench/claims/table.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.claims.facts import MORE_THAN_HALF, Answer, Facts, Word, count, each
from bench.claims.table import FACTS
from bench.judge import questions
from bench.judge.leads import leads as leads_of
from bench.records import tidy
from bench.records.metrics import metric
from bench.records.record import Record, job_of


def own_step(facts: Facts, framework: str) -> Answer:
    pair = ("tensorflow:graph", "keras:tensorflow")
    mine = {
        cell: group for cell, group in facts.groups.items()
        if cell.implementation in pair and not cell.label
    }  # fmt: skip
    found = [v for group in questions.against_best(mine).values() for v in group]
    if not found:
        return "undecided", "Needs tensorflow:graph and keras:tensorflow in the run."
    slower = sum(v.question.new == pair[0] and v.outcome == "worse" for v in found)
    faster = sum(v.question.new == pair[1] and v.outcome == "worse" for v in found)
    word: Word = "undecided"
    if not slower and faster:
        word = "supported"
    elif slower > MORE_THAN_HALF * len(found):
        word = "contradicted"
    return word, (
        f"Against Keras's fit the own step is faster on {faster} and slower on {slower} of "
        f"{len(found)} tasks; the others are not decided."
    )


def certified(facts: Facts, framework: str) -> Answer:
    passed: dict[str, list[bool]] = {}
    for cell, group in facts.groups.items():
        if not cell.label and (word := tidy.certificate_word({cell: group}, cell)):
            passed.setdefault(cell.implementation.split(":")[0], []).append(word == "passed")
    mine = passed.get(framework, [])
    if not mine:
        return "undecided", "The run holds no certificate of it."
    others = [all(p) for name, p in passed.items() if name != framework]
    text = f"{sum(mine)} of {len(mine)} certificates passed ({each(passed, count)})."
    if all(mine):
        return "supported", text
    return ("contradicted" if any(others) else "undecided"), text


def endings(facts: Facts, framework: str) -> Answer:
    ends: dict[str, list[bool]] = {}
    for cell, group in facts.groups.items():
        for record in group:
            ends.setdefault(cell.implementation.split(":")[0], []).append(_ended_well(record))
    if framework not in ends:
        return "undecided", "The run holds no launch of it."
    text = f"Launches that ended well: {each(ends, count)}."
    if all(ends[framework]):
        return "supported", text
    others = [all(e) for name, e in ends.items() if name != framework]
    return ("contradicted" if any(others) else "undecided"), text


def _ended_well(record: Record) -> bool:
    return bool(record["launch"]["status"] == "ok")


def seeds(facts: Facts, framework: str) -> Answer:
    found = facts.judged("test_score")
    mine = [
        v for group in found.values() for v in group
        if v.question.new.startswith(f"{framework}:")
    ]  # fmt: skip
    if not found:
        return "undecided", "The run has no two contenders with scores."
    worse = [v.question.task for v in mine if v.outcome == "worse"]
    if worse:
        return "contradicted", f"Its score is below the best beyond doubt on {', '.join(worse)}."
    seeds = max(len({job_of(r).seed for r in group}) for group in facts.groups.values())
    return "supported", (
        f"Over {seeds} seeds its score is below the task's best beyond doubt on none of "
        f"{len(found)} tasks (nor is any other framework's, unless it says so there)."
    )


def backends(facts: Facts, framework: str) -> Answer:
    names = facts.implementations(framework)
    if not names:
        return "undecided", "The run holds no launch of it."
    text = f"Certified and measured here: {', '.join(names)}."
    return ("supported" if len(names) > 1 else "undecided"), text


def _leading(facts: Facts, framework: str, names: Sequence[str]) -> Answer:
    leads = [lead for name in names for lead in leads_of(facts.judged(name))]
    first = sum(any(x.startswith(f"{framework}:") for x in lead.leaders) for lead in leads)
    behind = sum(
        any(x.startswith(f"{framework}:") for x in lead.others)
        and not any(x.startswith(f"{framework}:") for x in lead.leaders)
        for lead in leads
    )
    if not first + behind:
        return "undecided", "The run has no other contender beside it."
    what = " and ".join(metric(name).name.replace("_", " ") for name in names)
    asked = first + behind
    text = f"In {what} it leads, alone or not told apart, in {first} of {asked} comparisons."
    if first > MORE_THAN_HALF * asked:
        return "supported", text
    return ("contradicted" if behind > MORE_THAN_HALF * asked else "undecided"), text


def speed(facts: Facts, framework: str) -> Answer:
    return _leading(facts, framework, ("train_throughput", "infer_throughput"))


def memory(facts: Facts, framework: str) -> Answer:
    return _leading(facts, framework, ("peak_rss",))


def energy(facts: Facts, framework: str) -> Answer:
    return "not measurable here", "No energy counter was read."


def distributed(facts: Facts, framework: str) -> Answer:
    return "not measurable here", "One machine, and no task that scales over several."


def _facts_text(framework: str) -> str:
    return " ".join(
        f"{fact.text} ({fact.source}, seen {fact.seen})"
        for fact in FACTS
        if fact.framework == framework
    )


def releases(facts: Facts, framework: str) -> Answer:
    said = facts.answer("package", framework)
    own = ""
    if said is not None:
        pythons = said["pythons"]
        span = f"Python {pythons[0]} to {pythons[-1]}" if pythons else "no Python versions"
        own = f"The package here, {said['distribution']} {said['version']}, names {span}. "
    return "undecided", own + _facts_text(framework)


def retired(facts: Facts, framework: str) -> Answer:
    retired = any(fact.retired for fact in FACTS if fact.framework == framework)
    return ("supported" if retired else "undecided"), _facts_text(framework)
