"""What a run was begun from (code, pins, environments): kept in run.json, so that it is gone on
with from exactly the same, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from bench.records.schema import RunFile
from bench.run import environments, kept, revisions
from bench.run.environments import Source
from tasks.errors import UserError

MEASURING = (*kept.CODE, "bench/machine")  # what decides the numbers of a launch
ALL = ("adapters", "bench", "tasks")


def facts(source: Source, names: Iterable[str], device: str) -> dict[str, Any]:
    """As run.json holds it. names: environments, of which those of the user's own are left out."""
    made = sorted(set(names) - set(source.own))
    return {
        "pins": list(source.pins),
        "commit": source.commit,
        "code": kept.code(str(source.project), MEASURING),
        "environments": {name: environments.digest(name, device, source) for name in made},
        "locks": {name: lock for name in made if (lock := _lock(name, device, source))},
    }


def _lock(name: str, device: str, source: Source) -> str:
    """The digest of the lock that an environment was installed from; empty where of none."""
    return environments.describe(name, device, source).lock


def restored(about: RunFile, own: Mapping[str, str]) -> Source:
    """The source that a run was begun with. own: the user's environments, given again.

    `UserError` where it is not what it was, or cannot be had any more.
    """
    begun = about.source
    source = revisions.of_commit(begun.commit) if begun.commit else environments.HERE
    source = replace(source, pins=begun.pins, own=own)
    if not begun.code:  # of a run from before November 2026
        return source
    again = facts(source, begun.environments, about.request.device)
    if again["code"] != begun.code:
        raise UserError(
            "it was begun with other code (adapters, tasks or worker, revision "
            f"{about.suite.revision or 'unknown'}); check that out, or start a new run"
        )
    for name, digest in begun.environments.items():
        if name not in own and again["environments"][name] != digest:
            raise UserError(f"it was begun with other pins of {name}; start a new run")
    return source


def same(a: Source, b: Source, names: Iterable[str], device: str) -> bool:
    """Whether two sources would measure the same: code and requirements."""
    if kept.code(str(a.project), ALL) != kept.code(str(b.project), ALL):
        return False
    return all(
        environments.requirements(name, device, a) == environments.requirements(name, device, b)
        for name in names
    )
