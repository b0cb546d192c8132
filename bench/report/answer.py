"""The first screen: what a run says, in words, by rules. Pure: verdicts in, sentences out.

Who leads is told by `bench.judge.leads`. What several lead is said to be undecided ("not told
apart"), or equal where two one-sided tests proved it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.judge.leads import Judged, Lead, leads
from bench.judge.questions import Groups
from bench.judge.verdict import Verdict
from bench.records import tidy
from bench.records.metrics import metric
from tasks.catalogue.every import TASKS

FAMILIES = {
    "fnn": "small feed-forward networks",
    "cnn": "small convolutional networks",
    "rnn": "simple recurrent networks",
    "lstm": "LSTMs",
    "other": "other tasks",
}
_FAMILY = {task.name: task.family for task in TASKS}
QUESTIONS = (("train_throughput", "Training"), ("infer_throughput", "Inference"))


@dataclass(frozen=True)
class Sentence:
    """`about`: what it concerns, as a short heading. `lines`: plain sentences, one a line."""

    about: str
    lines: tuple[str, ...]


def sentences(groups: Groups, about: dict[str, Any], judged: Judged) -> list[Sentence]:
    """What this run says, most important first; a run without verdicts says that instead."""
    order = {task: place for place, task in enumerate(about["request"]["tasks"])}
    speeds = {
        words: sorted(leads(judged(name)), key=lambda x: order.get(x.task, len(order)))
        for name, words in QUESTIONS
    }
    found = []
    if overall := tuple(_overall(words, mine) for words, mine in speeds.items() if len(mine) > 1):
        found.append(Sentence("Over all tasks", overall))
    for family, title in FAMILIES.items():
        lines = tuple(
            f"{words}: {_family(mine)}."
            for words, whole in speeds.items()
            if (mine := [lead for lead in whole if _FAMILY.get(lead.task, "other") == family])
        )
        if lines:
            found.append(Sentence(title, lines))
    learned, started = _scores(judged("test_score")), _start(groups, judged("cold_start"))
    for title, text in (("What was learned", learned), ("Starting up", started)):
        if text:
            found.append(Sentence(title, (text,)))
    found.append(Sentence("Coverage", (coverage(groups),)))
    return found


def _overall(words: str, found: list[Lead]) -> str:
    """On how many tasks each contender leads, alone or beside others; and how often alone."""
    first, alone = Counter[str](), Counter[str]()
    for lead in found:
        first.update(lead.leaders)
        alone.update(lead.leaders if len(lead.leaders) == 1 else ())
    counts = [
        f"{name} on {count}" + (f" ({alone[name]} alone)" if alone[name] else "")
        for name, count in first.most_common()
    ]
    return (
        f"{words}: the fastest, or not told apart from it, of {len(found)} tasks: {_list(counts)}."
    )


def _family(found: list[Lead]) -> str:
    """One metric of one family: contenders that lead alone first, then what stays open."""
    parts = []
    for name in dict.fromkeys(lead.leaders[0] for lead in found if len(lead.leaders) == 1):
        mine = [x for x in found if x.leaders == (name,)]
        least = min(x.least for x in mine)
        whole = len(mine) == len(found) > 1
        where = "every task" if whole else _list(x.task for x in mine)
        parts.append(f"{name} is fastest on {where}, at least {least:.2f} times any other")
    shared: dict[tuple[tuple[str, ...], bool], list[str]] = {}
    for lead in found:
        if len(lead.leaders) > 1:
            shared.setdefault((tuple(sorted(lead.leaders)), lead.equal), []).append(lead.task)
    for (names, equal), tasks in shared.items():
        how = "equal within the margin" if equal else "not told apart"
        parts.append(f"{_list(names)} lead, {how}, on {_list(tasks)}")
    return "; ".join(parts)


def _scores(found: Mapping[str, Sequence[Verdict]]) -> str:
    """Whether the contenders learned alike: every task's scores against its best one."""
    worse = [v for group in found.values() for v in group if v.outcome == "worse"]
    if not found:
        return ""
    equal = sum(all(v.outcome == "equivalent" for v in group) for group in found.values())
    if worse:
        named = _list(f"{v.question.new} on {v.question.task}" for v in worse)
        return f"Below the task's best score beyond doubt: {named}."
    return (
        f"No contender's score differs beyond doubt on any of {len(found)} tasks; on {equal} of "
        "them all scores are equivalent within the margin."
    )


def _start(groups: Groups, judged: Mapping[str, Sequence[Verdict]]) -> str:
    """Who starts up fastest, and the range of seconds of each."""
    found = leads(judged)
    if not found:
        return ""
    seconds: dict[str, list[float]] = {}
    for cell, group in groups.items():
        e = tidy.estimate(metric("cold_start"), group)
        if e is not None and not cell.label:
            seconds.setdefault(cell.implementation, []).append(e.value)
    ranges = [f"{n} {_range(s)}" for n, s in sorted(seconds.items(), key=lambda x: min(x[1]))]
    alone = [lead for lead in found if len(lead.leaders) == 1]
    names = {lead.leaders[0] for lead in alone}
    first = ""
    if len(alone) == len(found) and len(names) == 1:
        first = f"{names.pop()} is first to finish a step in a fresh process on every task. "
    return f"{first}Import, build and first step take (s): {', '.join(ranges)}."


def _range(seconds: list[float]) -> str:
    low, high = min(seconds), max(seconds)
    return f"{low:.1f}" if high - low < 0.1 else f"{low:.1f} to {high:.1f}"


def coverage(groups: Groups) -> str:
    """How many cells ended well, and that the others are listed."""
    cells = [cell for cell in groups if not cell.label]
    well = sum(bool(tidy.good(groups[cell])) for cell in cells)
    if well == len(cells):
        return f"All {len(cells)} cells (task × implementation) were certified and measured."
    return (
        f"{well} of {len(cells)} cells (task × implementation) were measured; the others are "
        "listed with their reasons."
    )


def _list(names: Any) -> str:
    found = list(names)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
