"""The report of the searches: what each cost, what it found, what building models wasted.

`tables` makes everything as text; the terminal and Markdown only lay it out. Reads records,
writes nothing but trials.csv.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.records import searches, tidy
from bench.records.record import Cell, Record, job_of
from bench.records.searches import PHASES
from bench.records.store import Run
from bench.stats import Estimate
from tasks.catalogue.searches import SEARCHES

MIB = 2**20
WIDE = 150  # characters that the widest table needs
SPLIT = 5  # columns in the first half of a wide table
NAMES = tuple(search.name for search in SEARCHES)
COLUMNS = (
    "task", "implementation", "trial", "units", "learning_rate", "weights", "status", "reason",
    "validation_accuracy", "best_so_far", "seconds", *PHASES, "rss_bytes", "start",
)  # fmt: skip
Found = dict[str, dict[str, Any]]
"""Implementation → its ``search`` key, in the order of the record files."""


@dataclass(frozen=True)
class Grid:
    """One printed table: a heading a column, rows of text, and notes under it."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def trials_frame(run: Run) -> pd.DataFrame:
    """One row a trial of every search, columns `COLUMNS`; seconds and bytes as in the records."""
    rows = []
    for name in NAMES:
        for implementation, search in _found(list(run.records().values()), name).items():
            best = searches.curve(search)
            for trial, so_far in zip(search["trials"], best, strict=True):
                facts = {"task": name, "implementation": implementation, "best_so_far": so_far}
                rows.append(facts | trial | trial["phases"] | {"trial": trial["index"]})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def write_trials(run: Run, out: Path) -> list[Path]:
    """trials.csv into `out` where the run has searches; the paths written."""
    frame = trials_frame(run)
    if frame.empty:
        return []
    path = out / "trials.csv"
    frame.to_csv(path, index=False)
    return [path]


def tables(run: Run) -> list[Grid]:
    """Three tables a search: cost by phase, result, and what building and compiling took."""
    records = list(run.records().values())
    about = run.about()
    grids: list[Grid] = []
    for search in SEARCHES:
        if search.name not in about["request"]["tasks"]:
            continue
        groups = {c: g for c, g in tidy.by_cell(records).items() if c.task == search.name}
        found = _found(records, search.name)
        notes = (
            *_same_trials(search.sampler, found),
            *_pruned(found),
            *_failures(groups, found, about),
        )
        title = f"{search.name}: {search.summary} ({about['datasets'][search.name]['id']})"
        if not found:
            grids.append(Grid(title, ("implementation",), (), notes))
            continue
        grids += [
            _cost(title, found, notes),
            _result(f"{search.name}: what was found", groups, found, records),
            _waste(f"{search.name}: seconds of building and compiling models", found),
        ]
    return grids


def _found(records: list[Record], name: str) -> Found:
    """The searches of that name that have trials, fastest first."""
    found = {
        job_of(record).cell.implementation: record["launch"]["search"]
        for record in records
        if job_of(record).cell.task == name and record["launch"].get("search", {}).get("trials")
    }
    return dict(sorted(found.items(), key=lambda item: searches.seconds(item[1])))


def _cost(title: str, found: Found, notes: tuple[str, ...]) -> Grid:
    headings = ("implementation", "trials", "search s", "trials/min", *PHASES, "accounted")
    rows = []
    for name, search in found.items():
        total = searches.seconds(search)
        count = len(search["trials"])
        shares = [f"{searches.share(search, phase):.1%}" for phase in PHASES]
        least = int(1000 * searches.accounted(search)) / 10  # never rounded up
        pace = f"{60 * count / total:.1f}"
        rows.append((name, _count(search), f"{total:.1f}", pace, *shares, f"≥ {least} %"))
    return Grid(title, headings, tuple(rows), notes)


def _count(search: dict[str, Any]) -> str:
    ends = [trial["status"] for trial in search["trials"]]
    pruned = ends.count("pruned")
    failed = len(ends) - pruned - ends.count("ok")
    parts = [f"{n} {word}" for n, word in ((pruned, "pruned"), (failed, "failed")) if n]
    return f"{len(ends)}" + (f" ({', '.join(parts)})" if parts else "")


def _result(title: str, groups: Any, found: Found, records: list[Record]) -> Grid:
    longest = max(len(search["trials"]) for search in found.values())
    marks = [n for n in (1, 3, 5, 10) if n < longest] + [longest]
    headings = (
        "implementation", "certificate", *(f"best after {n}" for n in marks), "configuration",
        "test accuracy", "peak MiB", "MiB a trial",
    )  # fmt: skip
    peaks = {
        job_of(r).cell.implementation: r["launch"]["peak_rss_bytes"]
        for r in records
        if job_of(r).cell.task == title.split(":")[0] and "search" in r["launch"]
    }
    proofs = {cell.implementation: tidy.certificate_word(groups, cell) for cell in groups}
    rows = []
    for name, search in found.items():
        curve = searches.curve(search)
        best = search.get("best")
        after = [_number(curve[n - 1] if n <= len(curve) else None, ".4f") for n in marks]
        point = f"{best['units']} units, {best['learning_rate']:g}" if best else ""
        score = search.get("retrained", {}).get("test_accuracy")
        growth = _interval(searches.memory_growth(search), 1 / MIB, ".1f")
        peak = f"{peaks[name] / MIB:,.0f}"
        rows.append((name, proofs[name], *after, point, _number(score, ".4f"), peak, growth))
    return Grid(title, headings, tuple(rows))


def _waste(title: str, found: Found) -> Grid:
    headings = (
        "implementation", "of the search", "first trial", "first half, each",
        "second half, each", "growth a trial, ms",
    )  # fmt: skip
    rows = []
    for name, search in found.items():
        parts = [_number(value, ".3f") for value in searches.halves(search)]
        growth = _interval(searches.waste_growth(search), 1e3, ".1f")
        rows.append((name, f"{searches.share(search, 'build', 'compile'):.1%}", *parts, growth))
    note = (
        "Halves: medians, the first trial left out; their units differ. Growth: what each trial "
        "adds at equal units (least squares, 95 % interval); an interval around 0 shows none."
    )
    return Grid(title, headings, tuple(rows), (note,))


def _number(value: float | None, form: str) -> str:
    return "" if value is None or isnan(value) else format(value, form)


def _interval(found: Estimate | None, scale: float, form: str) -> str:
    if found is None:
        return "too few trials"
    value, low, high = (format(scale * x, form) for x in (found.value, found.low, found.high))
    return f"{value} ({low} to {high})"


def _same_trials(sampler: str, found: Found) -> list[str]:
    """Whether the work was the same: asserted of random and grid, told of Bayesian search."""
    if len(found) < 2:
        return []
    (first, reference), *others = found.items()
    total = len(reference["trials"])
    counts = {name: searches.coinciding(reference, search) for name, search in others}
    lengths = {len(search["trials"]) for search in found.values()}
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


def _pruned(found: Found) -> list[str]:
    """What the median pruner saved: epochs not run, at the trial's own seconds an epoch."""
    notes = []
    for name, search in found.items():
        if not search["prune"]:
            continue
        saved, epochs = 0.0, 0
        for trial in search["trials"]:
            done = len(trial["epoch_accuracies"])
            if trial["status"] == "pruned":
                steady = trial["phases"]["train"] + trial["phases"]["evaluate"]
                saved += (search["epochs"] - done) * steady / done
                epochs += search["epochs"] - done
        planned = search["epochs"] * len(search["trials"])
        notes.append(
            f"Median pruner, {name}: {epochs} of {planned} epochs not run, about {saved:.1f} s."
        )
    return notes


def _failures(groups: dict[Cell, list[Record]], found: Found, about: dict[str, Any]) -> list[str]:
    notes = []
    for cell, group in groups.items():
        status, reason = tidy.cell_status(group)
        if status != "ok":
            notes.append(f"{cell.contender}: {status}: {reason}")
            notes.append(f"  repeat it: {tidy.command_for(cell, about)}")
    for name, search in found.items():
        for trial in search["trials"]:
            if trial["status"] not in ("ok", "pruned"):
                what = f"{trial['units']} units, {trial['learning_rate']:g}"
                notes.append(f"{name}, trial {trial['index'] + 1} ({what}): {trial['status']}: "
                             f"{trial['reason']}")  # fmt: skip
    return notes


def print_tables(run: Run, console: Console) -> None:
    """The searches in the terminal; in a narrow one a wide table is printed as two."""
    for one in tables(run):
        console.print(f"\n[bold]{escape(one.title)}[/bold]", highlight=False)
        others = range(1, len(one.headings))
        halves = (others[:SPLIT], others[SPLIT:]) if len(others) > SPLIT + 1 else (others,)
        for columns in (others,) if console.width >= WIDE else halves:
            grid = Table(header_style="bold")
            grid.add_column(one.headings[0], no_wrap=True)
            for index in columns:
                grid.add_column(one.headings[index], justify="right")
            for row in one.rows:
                grid.add_row(row[0], *(row[index] for index in columns))
            console.print(grid)
        for note in one.notes:
            console.print(note, markup=False, highlight=False)


def markdown(run: Run) -> list[str]:
    """The same as lines of GitHub Markdown."""
    lines: list[str] = []
    for one in tables(run):
        lines += [f"## {one.title}", "", _line(one.headings)]
        lines.append("|---" + "|---:" * (len(one.headings) - 1) + "|")
        lines += [_line(row) for row in one.rows]
        lines += ["", *[f"{_plain(note)}  " for note in one.notes], ""]
    return lines


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(_plain, cells)) + " |"


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
