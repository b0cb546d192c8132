"""Versions of one framework against one another: of `bench regress` and `bench history`.

A folder that holds `base` and `new`, two runs measured interleaved, is one comparison. A history
has values without verdicts: they are shown beside, and nothing is concluded from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.history import store
from bench.history.series import series_of
from bench.judge.compare import Comparison, compare
from bench.judge.verdict import Verdict
from bench.records.fingerprint import differences
from bench.records.results import Results
from tasks.errors import UserError

SIDES = ("base", "new")


def split(runs: Mapping[str, Results]) -> tuple[dict[str, Results], dict[str, dict[str, Results]]]:
    """Runs that stand alone, and pairs of `bench regress`: their folder → its two sides."""
    folders: dict[str, dict[str, Results]] = {}
    for place, results in runs.items():
        folder, _, side = place.rpartition("/")
        if side in SIDES and results.about.pairing:
            folders.setdefault(folder, {})[side] = results
    pairs = {f: sides for f, sides in folders.items() if _is_pair(sides)}
    of_pairs = {f"{folder}/{side}" for folder in pairs for side in SIDES}
    return {place: r for place, r in runs.items() if place not in of_pairs}, pairs


def _is_pair(sides: Mapping[str, Results]) -> bool:
    return len(sides) == 2 and sides["base"].about.pairing == sides["new"].about.pairing


def changes(pairs: Mapping[str, Mapping[str, Results]]) -> list[dict[str, Any]]:
    """One row a verdict, in the order of the dates: who, from which version to which, by how much.
    A pair that could not be judged has one row, with the reason."""
    found = []
    for folder, sides in sorted(pairs.items(), key=lambda pair: pair[1]["new"].about.created):
        base, new = sides["base"], sides["new"]
        judged = compare(base, new, differing=differences(base.about, new.about))
        found += list(_rows(folder, base, new, judged))
    return found


def _rows(folder: str, base: Results, new: Results, judged: Comparison) -> Iterable[dict[str, Any]]:
    common = {
        "place": folder, "created": new.about.created, "status": judged.status,
        "machine": f"{new.about.machine.cpu}, {new.about.machine.cores} cores",
        "threads": str(new.about.request.threads),
    }  # fmt: skip
    before, after = _versions(base), _versions(new)
    for verdict in judged.verdicts:
        name = verdict.question.new
        versions = {"from": before.get(name, "?"), "to": after.get(name, "?")}
        yield common | versions | _verdict(verdict, judged)
    for lost in judged.unjudged:
        name = lost.implementation
        yield common | {
            "from": before.get(name, "?"), "to": after.get(name, "?"), "task": lost.task,
            "implementation": name, "metric": lost.metric, "word": "not judged",
            "change": None, "reason": lost.reason, "worse": False,
        }  # fmt: skip


def _verdict(verdict: Verdict, judged: Comparison) -> dict[str, Any]:
    q = verdict.question
    void = judged.void[0] if judged.void else ""
    return {
        "task": q.task, "implementation": q.new, "metric": q.metric,
        "word": "not judged" if void else verdict.word, "reason": void or q.void,
        "change": [float(f"{x:.5g}") if x == x else None for x in verdict.change],
        "ratio": q.ratio, "worse": verdict.outcome == "worse" and not void,
    }  # fmt: skip


def _versions(results: Results) -> dict[str, str]:
    """Implementation → the framework's version, or the revision of this suite without one."""
    return {
        r.cell.implementation: r.version or results.about.suite.revision for r in results.contenders
    }


def kept(folder: Path) -> list[dict[str, Any]]:
    """A history's series: their values run by run. `UserError` where the folder holds none."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder of a history; `bench history add` makes one")
    return [
        {
            "name": one.name, "metric": one.metric,
            "points": [[p.created, p.value] for p in one.points],
        }
        for one in series_of(store.load(folder))
    ]  # fmt: skip
