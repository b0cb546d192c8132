"""The campaign of `bench.audit.mutants` as a table, and whether it holds."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from adapters.mutants.catalogue import CORRECT, FAULTS
from adapters.mutants.mutant import Mutant

Verdicts = list[dict[str, Any]]


def write_summary(folder: Path, out: Path) -> int:
    """OUT/mutants.md from all JSON files of a folder. 1 when the campaign does not hold, else 0."""
    verdicts = read(folder)
    out.mkdir(parents=True, exist_ok=True)
    (out / "mutants.md").write_text("\n".join(document(verdicts)) + "\n")
    wrong = [*holes(verdicts), *wronged(verdicts), *untried(verdicts)]
    for line in wrong:
        print(line)
    return int(bool(wrong))


def read(folder: Path) -> Verdicts:
    """All verdicts, each with its implementation."""
    found = []
    for path in sorted(folder.glob("*.json")):
        known = json.loads(path.read_text())
        found += [v | {"implementation": known["implementation"]} for v in known["verdicts"]]
    return found


def holes(verdicts: Verdicts) -> list[str]:
    """The faults that passed though they could be seen, each in words."""
    visible = {m.name for m in FAULTS if not m.unseeable}
    return [f"passed: {_where(v)}" for v in verdicts if v["mutant"] in visible and _passed(v)]


def wronged(verdicts: Verdicts) -> list[str]:
    """The correct variants that were refused, each in words."""
    names = {m.name for m in CORRECT}
    return [
        f"refused, though correct: {_where(v)} by {v['refused_by']}"
        for v in verdicts
        if v["mutant"] in names and v["refused_by"]
    ]


def untried(verdicts: Verdicts) -> list[str]:
    """What no file holds a verdict on: a table without it would claim too much."""
    tried = {v["mutant"] for v in verdicts if not v["unsupported"]}
    return [f"not tried: {m.name}" for m in (*FAULTS, *CORRECT) if m.name not in tried]


def document(verdicts: Verdicts) -> list[str]:
    """The lines of the Markdown page."""
    by_mutant: dict[str, Verdicts] = defaultdict(list)
    for verdict in verdicts:
        by_mutant[verdict["mutant"]].append(verdict)
    return [
        "# What the proof sees",
        "",
        "Each fault was planted in the implementations named, on small tasks; the table says what "
        "refused it. Below, the correct variants, which must pass.",
        "",
        *_totals(verdicts),
        "",
        "| kind | fault | tried in | refused by | passed in |",
        "|---|---|---|---|---|",
        *(_row(mutant, by_mutant[mutant.name]) for mutant in FAULTS),
        "",
        "| correct variant | tried in | refused in |",
        "|---|---|---|",
        *(_variant(mutant, by_mutant[mutant.name]) for mutant in CORRECT),
        "",
        *_unseeable(),
    ]


def _totals(verdicts: Verdicts) -> list[str]:
    visible = {m.name for m in FAULTS if not m.unseeable}
    kinds = {m.name: m.kind for m in FAULTS}
    tried = [v for v in verdicts if v["mutant"] in visible and not v["unsupported"]]
    lines = ["| kind | faults | trials | refused |", "|---|---:|---:|---:|"]
    for kind in dict.fromkeys(kinds.values()):
        of_kind = [v for v in tried if kinds[v["mutant"]] == kind]
        count = sum(m.kind == kind for m in FAULTS)
        refused = sum(bool(v["refused_by"]) for v in of_kind)
        lines.append(f"| {kind} | {count} | {len(of_kind)} | {refused} |")
    refused = sum(bool(v["refused_by"]) for v in tried)
    return [*lines, f"| all | {len(FAULTS)} | {len(tried)} | {refused} |"]


def _row(mutant: Mutant, verdicts: Verdicts) -> str:
    by = Counter(_check(v) for v in verdicts if v["refused_by"])
    checks = ", ".join(f"{check} ({times})" for check, times in by.most_common())
    cells = [mutant.kind, mutant.name, _places(_tried(verdicts)), checks]
    return _cells(*cells, _places([v for v in verdicts if _passed(v)]))


def _variant(mutant: Mutant, verdicts: Verdicts) -> str:
    refused = [v for v in verdicts if v["refused_by"]]
    by = ", ".join(f"{v['implementation']}: {_check(v)}" for v in refused)
    return _cells(mutant.name, _places(_tried(verdicts)), by)


def _unseeable() -> list[str]:
    """The faults nothing can see, with the reason."""
    known = [m for m in FAULTS if m.unseeable]
    return [
        "Not to be seen by any certificate:",
        "",
        *(f"- {m.name}: {m.unseeable}" for m in known),
    ]


def _check(verdict: dict[str, Any]) -> str:
    """What refused it, short enough for a table: of an error only its kind."""
    text = str(verdict["refused_by"])
    return text if verdict["error"] is not None else text.split(":")[0]


def _tried(verdicts: Verdicts) -> Verdicts:
    return [v for v in verdicts if not v["unsupported"]]


def _places(verdicts: Verdicts) -> str:
    return ", ".join(dict.fromkeys(str(v["implementation"]) for v in verdicts))


def _passed(verdict: dict[str, Any]) -> bool:
    return not verdict["refused_by"] and not verdict["unsupported"]


def _where(verdict: dict[str, Any]) -> str:
    place = f"{verdict['implementation']}, {verdict['task']}, seed {verdict['seed']}"
    return f"{verdict['mutant']} ({place})"


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
