"""A part a search: what each cost, what it found, what building models wasted."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from bench.judge.divisions import contests
from bench.records import searches
from bench.records.parts import SearchRecord, TrialRecord
from bench.records.results import CellResult, Results
from bench.records.searches import PHASES
from bench.report.blocks import Block, Column, Notes, Section, Table, columns, label
from bench.report.context import Context
from bench.stats import Estimate
from tasks.catalogue.searches import SEARCHES

ORDER = 60
MIB = 2**20
NAMES = tuple(search.name for search in SEARCHES)
MARKS = (1, 3, 5, 10)  # trials after which the best is told
Ran = dict[str, tuple[CellResult, SearchRecord]]
"""Implementation → its cell and its search, the fastest first."""
GROWTH = (
    "Halves: medians, the first trial left out; their units differ. Growth: what each trial "
    "adds at equal units (least squares, 95 % interval); an interval around 0 shows none."
)


def sections(results: Results, context: Context) -> list[Section]:
    """None of a run without searches."""
    asked = [s for s in SEARCHES if s.name in results.about.request.tasks]
    parts = tuple(
        _section(own, search.name, search.summary, search.sampler, division)
        for search in asked
        for own, division in _apart(results, search.name)
    )
    return [Section("searches", "Hyper-parameter searches", parts)] if parts else []


def _apart(results: Results, name: str) -> list[tuple[Results, str]]:
    """The run, or, where it has both, each division of this search with its name."""
    if len(results.divisions) < 2:
        return [(results, "")]
    return [(results.of_division(c.division), c.division) for c in contests(results, name)]


def _section(results: Results, name: str, summary: str, sampler: str, division: str) -> Section:
    """Three tables: cost by phase, result, and what building and compiling took."""
    title, key = (f"{name}, {division}", f"{name}-{division}") if division else (name, name)
    found = ran(results, name)
    blocks: list[Block] = []
    if found:
        blocks += [_cost(title, found), _result(title, found), _waste(title, found)]
    notes = (*same_trials(sampler, found), *_pruned(found), *_failures(results, name, found))
    data = results.about.datasets[name].id
    if notes:
        blocks.append(Notes(notes, f"Remarks on {title}"))
    return Section(f"search-{key}", f"{title}: {summary} ({data})", tuple(blocks))


def ran(results: Results, name: str) -> Ran:
    """The searches of that name that have trials."""
    pairs = [
        (result, launch.launch.search)
        for result in results.of_task(name)
        for launch in result.launches
        if launch.launch.search is not None and launch.launch.search.trials
    ]
    pairs.sort(key=lambda pair: searches.seconds(pair[1]))
    return {result.cell.implementation: (result, search) for result, search in pairs}


def _cost(name: str, found: Ran) -> Table:
    headings = ("trials", "search s", "trials/min", *PHASES, "accounted")
    rows = []
    for implementation, (_, search) in found.items():
        total = searches.seconds(search)
        if not total:  # every trial took its process with it: nobody read a clock
            rows.append((implementation, _count(search), *[""] * (len(headings) - 1)))
            continue
        shares = [f"{searches.share(search, phase):.1%}" for phase in PHASES]
        least = int(1000 * searches.accounted(search)) / 10  # never rounded up
        pace = f"{60 * len(search.trials) / total:.1f}"
        rows.append((implementation, _count(search), f"{total:.1f}", pace, *shares, f"≥ {least} %"))
    title = f"{name}: what it took"
    return Table(title, columns("implementation", *headings), tuple(rows))


def _count(search: SearchRecord) -> str:
    ends = [trial.status for trial in search.trials]
    pruned = ends.count("pruned")
    failed = len(ends) - pruned - ends.count("ok")
    parts = [f"{n} {word}" for n, word in ((pruned, "pruned"), (failed, "failed")) if n]
    return f"{len(ends)}" + (f" ({', '.join(parts)})" if parts else "")


def _result(name: str, found: Ran) -> Table:
    longest = max(len(search.trials) for _, search in found.values())
    marks = [n for n in MARKS if n < longest] + [longest]
    headings = (
        label("implementation"), label("certificate"), *(Column(f"best after {n}") for n in marks),
        label("configuration"), Column("test accuracy"), Column("peak MiB"), Column("MiB a trial"),
    )  # fmt: skip
    rows = []
    for implementation, (result, search) in found.items():
        curve = searches.curve(search)
        after = [_number(curve[n - 1] if n <= len(curve) else None, ".4f") for n in marks]
        best, retrained = search.best, search.retrained
        point = f"{best.units} units, {best.learning_rate:g}" if best else ""
        score = _number(retrained.test_accuracy if retrained else None, ".4f")
        growth = _interval(searches.memory_growth(search), 1 / MIB)
        rows.append((implementation, result.proof, *after, point, score, _peak(result), growth))
    return Table(f"{name}: what was found", headings, tuple(rows))


def _peak(result: CellResult) -> str:
    peaks = [x.launch.peak_rss_bytes for x in result.launches if x.launch.search is not None]
    return _number(None if peaks[-1] is None else peaks[-1] / MIB, ",.0f")


def _waste(name: str, found: Ran) -> Table:
    headings = (
        "of the search", "first trial", "first half, each", "second half, each",
        "growth a trial, ms",
    )  # fmt: skip
    rows = []
    for implementation, (_, search) in found.items():
        halves = [_number(value, ".3f") for value in searches.halves(search)]
        growth = _interval(searches.waste_growth(search), 1e3)
        part = _number(searches.share(search, "build", "compile"), ".1%")
        rows.append((implementation, part, *halves, growth))
    title = f"{name}: seconds of building and compiling models"
    return Table(title, columns("implementation", *headings), tuple(rows), GROWTH)


def _number(value: float | None, form: str) -> str:
    return "" if value is None or isnan(value) else format(value, form)


def _interval(estimate: Estimate | None, scale: float) -> str:
    if estimate is None:
        return "too few trials"
    value, low, high = (f"{scale * x:.1f}" for x in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({low} to {high})"


def same_trials(sampler: str, found: Ran) -> list[str]:
    """Whether the work was the same: asserted of random and grid, told of Bayesian search."""
    if len(found) < 2:
        return []
    (first, (_, reference)), *others = found.items()
    total = len(reference.trials)
    counts = {name: searches.coinciding(reference, search) for name, (_, search) in others}
    lengths = {len(search.trials) for _, search in found.values()}
    if lengths == {total} and all(n == total for n, _ in counts.values()):
        return [
            f"Same trials: yes. All {total} trials have the same configuration and the same "
            f"initial weights (digest) in all {len(found)} implementations."
        ]
    if sampler == "tpe":
        told = "; ".join(f"{name} the first {n}, {m} in all" for name, (n, m) in counts.items())
        return [f"Trials that coincide with those of {first}, of {total}: {told}."]
    differ = ", ".join(name for name, (n, _) in counts.items() if n < total) or "their number"
    return [f"Same trials: NO ({differ}). The searches did different work: compare nothing."]


def _pruned(found: Ran) -> list[str]:
    """What the median pruner saved: epochs not run, at the trial's own seconds an epoch."""
    notes = []
    for name, (_, search) in found.items():
        if not search.prune:
            continue
        left = [
            (trial, search.epochs - len(trial.epoch_accuracies))
            for trial in search.trials
            if trial.status == "pruned"
        ]
        saved = sum(epochs * _epoch_seconds(trial) for trial, epochs in left)
        epochs, planned = sum(n for _, n in left), search.epochs * len(search.trials)
        notes.append(
            f"Median pruner, {name}: {epochs} of {planned} epochs not run, about {saved:.1f} s."
        )
    return notes


def _epoch_seconds(trial: TrialRecord) -> float:
    steady = trial.phases.train + trial.phases.evaluate
    return steady / len(trial.epoch_accuracies) if trial.epoch_accuracies else 0.0


def _failures(results: Results, name: str, found: Ran) -> Sequence[str]:
    failed = [r for r in results.of_task(name) if r.failed]
    notes = [f"{r.cell.contender}: {r.status}: {r.reason}" for r in failed]
    for implementation, (_, search) in found.items():
        for trial in search.trials:
            if trial.status not in ("ok", "pruned"):
                what = f"{trial.units} units, {trial.learning_rate:g}"
                which = f"{implementation}, trial {trial.index + 1} ({what})"
                notes.append(f"{which}: {trial.status}: {trial.reason}")
    return notes
