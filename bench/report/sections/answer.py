"""The first screen: what a run says, in words, by rules. Pure: verdicts in, sentences out.

Who leads is told by `bench.judge.leads`. What several lead is said to be undecided ("not told
apart"), or equal where two one-sided tests proved it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from adapters.base import Division
from bench.judge import divisions
from bench.judge.divisions import MEANINGS
from bench.judge.leads import Against, Lead, leads
from bench.records import searches
from bench.records.metrics import SCORE
from bench.records.results import Results
from bench.report import several
from bench.report.blocks import Facts, Note, Section
from bench.report.context import Context
from bench.report.sections.searches import NAMES, ran
from tasks.catalogue.every import TASKS

ORDER = 10
FAMILIES = {
    "fnn": "small feed-forward networks",
    "cnn": "small convolutional networks",
    "rnn": "simple recurrent networks",
    "lstm": "LSTMs",
    "transformer": "Transformers",
    "resnet": "residual networks",
    "autoencoder": "autoencoders",
    "gan": "adversarial networks",
    "transfer": "transfer learning",
    "other": "other tasks",
}
_FAMILY: dict[str, str] = {task.name: task.family for task in TASKS}
QUESTIONS = (("train_throughput", "Training"), ("infer_throughput", "Inference"))
TIMES = {"train_throughput": "trains", "infer_throughput": "infers"}
RULES = (
    "Sentences are made from verdicts by rules: an advantage is the least that the 95 % intervals "
    "admit, and what is not beyond doubt (p ≤ 1 % over the whole table, and above the margin) is "
    "called undecided. Other models and other machines may say otherwise."
)
APART = (
    "Two divisions are judged apart and never ranked together. Documented: "
    f"{MEANINGS['documented']}. Tuned: {MEANINGS['tuned']}. “What tuning gains” holds a "
    "framework's tuned mode against its own documented one."
)


def sections(results: Results, context: Context) -> list[Section]:
    """What this run says, most important first; a run without verdicts says that instead."""
    facts = Facts(tuple(sentences(results, context).items()), wide=True)
    notes = (Note(APART),) if len(results.divisions) > 1 else ()
    return [Section("answer", "On this machine", (*notes, facts, Note(RULES, small=True)))]


def _family_of(results: Results, name: str) -> str:
    """Of a task of the suite, or of the user's own."""
    own = results.about.task(name)
    return _FAMILY.get(name) or (own.family if own else "other")


def sentences(results: Results, context: Context) -> dict[str, tuple[str, ...]]:
    """What is spoken of → its sentences."""
    speeds = {
        f"{words}{_named(results, division)}": _led(results, context.judged(name), division)
        for division in results.divisions
        for name, words in QUESTIONS
    }
    said: dict[str, tuple[str, ...]] = {}
    if overall := tuple(_overall(words, led) for words, led in speeds.items() if len(led) > 1):
        said["Over all tasks"] = overall
    for family, title in FAMILIES.items():
        lines = tuple(
            f"{words}: {_family(led)}."
            for words, every in speeds.items()
            if (led := [lead for lead in every if _family_of(results, lead.task) == family])
        )
        if lines:
            said[title] = lines
    if learned := _each(results, lambda own: _scores(_within(context.judged(SCORE), own))):
        said["What was learned"] = learned
    start = context.judged("cold_start")
    if started := _each(results, lambda own: _start(own, _within(start, own))):
        said["Starting up"] = started
    if searched := _searches(results):
        said["Hyper-parameter searches"] = searched
    if gained := _gains(results):
        said["What tuning gains"] = gained
    if results.distributed is not None:
        said["Several processes"] = several.sentences(results.distributed)
    if results.cells or results.distributed is None:
        said["Coverage"] = (coverage(results),)
    return said


def _named(results: Results, division: Division) -> str:
    """A division's name behind what is said of it; none where the run has one division only."""
    return f", {division}" if len(results.divisions) > 1 else ""


def _led(results: Results, judged: Against, division: Division) -> list[Lead]:
    """A division's leads, in the order of the tasks asked for."""
    order = {task: place for place, task in enumerate(results.about.request.tasks)}
    own = (lead for lead in leads(judged) if lead.division == division)
    return sorted(own, key=lambda lead: order.get(lead.task, len(order)))


def _each(results: Results, say: Callable[[Results], str]) -> tuple[str, ...]:
    """What is said of each division's part of the run, under its name where there are two."""
    said = ((one, say(results.of_division(one))) for one in results.divisions)
    both = len(results.divisions) > 1
    return tuple(f"{one.capitalize()}: {line}" if both else line for one, line in said if line)


def _within(judged: Against, own: Results) -> Against:
    """The verdicts on these results' divisions."""
    return {c: verdicts for c, verdicts in judged.items() if c.division in own.divisions}


def _overall(words: str, led: Sequence[Lead]) -> str:
    """On how many tasks each contender leads, alone or beside others; and how often alone."""
    first, alone = Counter[str](), Counter[str]()
    for lead in led:
        first.update(lead.leaders)
        alone.update(lead.leaders if len(lead.leaders) == 1 else ())
    counts = [
        f"{name} on {count}" + (f" ({alone[name]} alone)" if alone[name] else "")
        for name, count in first.most_common()
    ]
    return f"{words}: the fastest, or not told apart from it, of {len(led)} tasks: {_list(counts)}."


def _family(led: Sequence[Lead]) -> str:
    """One metric of one family: contenders that lead alone first, then what stays open."""
    parts = []
    for name in dict.fromkeys(lead.leaders[0] for lead in led if len(lead.leaders) == 1):
        alone = [lead for lead in led if lead.leaders == (name,)]
        least = min(lead.least for lead in alone)
        everywhere = len(alone) == len(led) > 1
        where = "every task" if everywhere else _list(lead.task for lead in alone)
        parts.append(f"{name} is fastest on {where}, at least {least:.2f} times any other")
    shared: dict[tuple[tuple[str, ...], bool], list[Lead]] = {}
    for lead in led:
        if len(lead.leaders) > 1:
            shared.setdefault((tuple(sorted(lead.leaders)), lead.equal), []).append(lead)
    for (names, equal), alike in shared.items():
        how = "equal within the margin" if equal else f"not told apart ({_open(alike)})"
        parts.append(f"{_list(names)} lead, {how}, on {_list(lead.task for lead in alike)}")
    return "; ".join(parts)


def _open(alike: Sequence[Lead]) -> str:
    """How far apart several leaders are so far, and what would tell."""
    spread, more = max(lead.spread for lead in alike), max(lead.more for lead in alike)
    would = f"; about {more} more sitting{'s' if more > 1 else ''} would tell" if more else ""
    return f"the best of them {spread:.2f} times the last so far{would}"


def _scores(judged: Against) -> str:
    """Whether the contenders learned alike: every task's scores against its best one."""
    worse = [v for verdicts in judged.values() for v in verdicts if v.outcome == "worse"]
    if not judged:
        return ""
    if worse:
        named = _list(f"{v.question.new} on {v.question.task}" for v in worse)
        return f"Below the task's best score beyond doubt: {named}."
    equal = sum(all(v.outcome == "equivalent" for v in verdicts) for verdicts in judged.values())
    return (
        "No contender's score differs beyond doubt from its task's best (tasks judged: "
        f"{len(judged)}; all scores equivalent within the margin in {equal})."
    )


def _start(results: Results, judged: Against) -> str:
    """Who starts up fastest, and the range of seconds of each."""
    led = leads(judged)
    if not led:
        return ""
    seconds: dict[str, list[float]] = {}
    for result in results.contenders:
        if (estimate := result.estimate("cold_start")) is not None:
            seconds.setdefault(result.cell.implementation, []).append(estimate.value)
    ranges = [f"{n} {_range(s)}" for n, s in sorted(seconds.items(), key=lambda x: min(x[1]))]
    alone = [lead for lead in led if len(lead.leaders) == 1]
    names = {lead.leaders[0] for lead in alone}
    first = ""
    if len(alone) == len(led) and len(names) == 1:
        first = f"{names.pop()} is first to finish a step in a fresh process on every task. "
    return f"{first}Import, build and first step take (s): {', '.join(ranges)}."


def _searches(results: Results) -> tuple[str, ...]:
    """What each search took. A contender searches once, so there is no verdict to tell."""
    lines = []
    for name in NAMES:
        for division in results.divisions:
            found = ran(results.of_division(division), name)
            took = [f"{who} {searches.seconds(search):.1f}" for who, (_, search) in found.items()]
            if took:
                lines.append(
                    f"{name}{_named(results, division)}: all trials take (s): {', '.join(took)}; "
                    "one search each, unjudged."
                )
    return tuple(lines)


def _gains(results: Results) -> tuple[str, ...]:
    """Of each tuned mode and its framework's documented one: how many times as fast, over tasks."""
    of_pair: dict[tuple[str, str], dict[str, list[float]]] = {}
    for gain in divisions.gains(results):
        found = of_pair.setdefault((gain.tuned, gain.documented), {})
        for metric, ratio in gain.ratios.items():
            found.setdefault(metric, []).append(ratio.value)
    lines = []
    for (tuned, documented), found in of_pair.items():
        times = (f"{TIMES[name]} {_times(values)} times as fast" for name, values in found.items())
        lines.append(f"{tuned} beside {documented}: {', '.join(times)} ({_tasks(found)}).")
    return tuple(lines)


def _tasks(found: Mapping[str, Sequence[float]]) -> str:
    count = max(map(len, found.values()))
    return f"{count} task{'s' if count > 1 else ''}"


def _times(values: Sequence[float]) -> str:
    low, high = f"{min(values):.2g}", f"{max(values):.2g}"
    return low if low == high else f"{low} to {high}"


def _range(seconds: Sequence[float]) -> str:
    low, high = min(seconds), max(seconds)
    return f"{low:.1f}" if high - low < 0.1 else f"{low:.1f} to {high:.1f}"


def coverage(results: Results) -> str:
    """How many cells ended well, and that the others are listed."""
    cells = results.contenders
    well = sum(bool(result.good) for result in cells)
    if well == len(cells):
        return f"All {len(cells)} cells (task × implementation) were certified and measured."
    return (
        f"{well} of {len(cells)} cells (task × implementation) were measured; the others are "
        "listed with their reasons."
    )


def _list(names: Iterable[str]) -> str:
    named = list(names)
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
