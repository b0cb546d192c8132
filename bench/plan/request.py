"""What a user can ask for: profiles, globs, and the request they are resolved to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from typing import Any, get_args

from adapters.base import Division, Implementation
from bench.discover import UNASKED, Divisions, implementations, tuners, usual
from bench.records.record import Budget, Request
from tasks.catalogue.every import CATALOGUE
from tasks.errors import UserError
from tasks.spec.form import definition
from tasks.spec.network import Task
from tasks.spec.search import Search


@dataclass(frozen=True)
class Profile:
    """A size of run. `tasks`: globs of the tasks it covers when none are asked for. `launches`:
    sittings that every task gets. `budget_seconds`: until then more are added where doubt is left;
    None: none are. `margin`: the relative difference that matters."""

    name: str
    summary: str
    launches: int
    tasks: tuple[str, ...]
    budget: Budget
    budget_seconds: float | None = None
    margin: float = 0.02


PROFILES: dict[str, Profile] = {
    "smoke": Profile(
        "smoke",
        "one short sitting: does everything work?",
        1,
        ("fnn-mnist",),
        Budget(1, 25, 512, 4, 0.02, 1200.0),
    ),
    "quick": Profile(
        "quick",
        "one task of each family, three sittings each, and more where doubt is left in ten minutes",
        3,
        ("fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-forecast"),
        Budget(2, 125, 2048, 8, 0.04, 1200.0),
        600.0,
        0.05,
    ),
    "full": Profile(
        "full",
        "every model, five sittings each; the searches (tune-*) are asked for by name",
        5,
        ("fnn-*", "cnn-*", "rnn-*", "lstm-*"),
        Budget(None, None, 2048, 20, 0.05, 1800.0),
    ),
}


@dataclass(frozen=True)
class DataSet:
    """What a job needs to know of its data: `folder` relative to the cache, and the target."""

    folder: str
    target: float | None = None


@dataclass(frozen=True)
class Plan:
    """What jobs are made from: the request, how long a launch works, and, by name, the data sets,
    the contenders, and the works (tasks and searches) as the run keeps them."""

    request: Request
    budget: Budget
    data: Mapping[str, DataSet]
    contenders: Mapping[str, Implementation]
    works: Mapping[str, Task | Search]

    @cached_property
    def definitions(self) -> dict[str, dict[str, Any]]:
        """What its jobs carry of each work; one copy for all of them."""
        return {name: definition(work) for name, work in self.works.items()}


def matching_tasks(
    globs: Iterable[str], among: Sequence[Task | Search] = CATALOGUE
) -> list[Task | Search]:
    """The tasks whose names match any glob, in catalogue order; `UserError` when none does."""
    globs = list(globs)
    found = [task for task in among if any(fnmatch(task.name, g) for g in globs)]
    if not found:
        raise UserError(_nothing("task", globs, [task.name for task in among]))
    return found


def matching_implementations(
    globs: Iterable[str] | None,
    among: Sequence[Implementation] | None = None,
    division: Divisions | None = None,
) -> list[Implementation]:
    """As `matching_tasks`, by ``framework:mode`` or by framework alone; None: the usual ones.

    among: those to choose from; None for all that there are, tuners among them. division: with
    globs, what they match of it; without, the usual rows of it (None: documented)."""
    among = implementations() + tuners() if among is None else among
    if globs is None:
        return usual(among, division or UNASKED)
    globs = list(globs)
    if division in get_args(Division):
        among = [x for x in among if x.division == division]
    found = [x for x in among if any(fnmatch(x.name, g) or fnmatch(x.framework, g) for g in globs)]
    if not found:
        raise UserError(_nothing("implementation", globs, [x.name for x in among]))
    return found


def contenders(
    globs: Iterable[str] | None, tasks: Sequence[str], division: Divisions | None = None
) -> list[Implementation]:
    """The matching implementations that are for any of these tasks; `UserError` when none is.
    None: the usual ones. division: as in `matching_implementations`."""
    found = matching_implementations(globs, division=division)
    able = [x for x in found if any(x.does(task) for task in tasks)]
    if not able:
        raise UserError(f"{found[0].name} is for {', '.join(found[0].only)} only; add --tasks")
    return able


def _nothing(kind: str, globs: list[str], names: list[str]) -> str:
    return f"no {kind} matches {', '.join(map(repr, globs))}; choose from: {', '.join(names)}"
