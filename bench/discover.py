"""What there is: a thing is found because its file stands in a folder, and nowhere is a list.

Frameworks are the folders of `adapters` with a module ``about``; tasks, searches, devices, figures
and the rest are the modules of one package. Nothing here imports a framework.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Literal

import adapters
from adapters.base import Framework, Implementation
from tasks.errors import UserError

Divisions = Literal["documented", "tuned", "both"]
UNASKED: Divisions = "documented"  # what users ask about: the programs that they would write


def members(package: str) -> list[ModuleType]:
    """The modules of a package, imported, in order of their names."""
    home = import_module(package)
    names = sorted(found.name for found in iter_modules(home.__path__))
    return [import_module(f"{package}.{name}") for name in names]


@cache
def frameworks() -> tuple[Framework, ...]:
    """What every framework's folder says of itself, in the order they ask for.

    A folder of `adapters` without an about.py is no framework. `UserError` when one is broken.
    """
    files = [path for home in adapters.__path__ for path in Path(home).glob("*/about.py")]
    return tuple(sorted(map(_framework, files), key=lambda one: (one.order, one.name)))


def _framework(about: Path) -> Framework:
    name = about.parent.name
    try:
        framework = import_module(f"adapters.{name}.about").FRAMEWORK
    except Exception as error:  # whatever the file does, the user must hear which file it was
        raise UserError(f"{about}: {type(error).__name__}: {error}") from error
    if not isinstance(framework, Framework):
        raise UserError(f"{about}: FRAMEWORK is no adapters.base.Framework")
    rows = (*framework.implementations, *framework.tuners)
    if wrong := sorted({framework.name, *(row.framework for row in rows)} - {name}):
        raise UserError(f"{about}: it names the framework {wrong[0]}, its folder is {name}")
    if not framework.implementations:
        raise UserError(f"{about}: the framework has no implementation")
    return framework


@cache
def implementations() -> tuple[Implementation, ...]:
    """The implementations of all frameworks, tuners apart, in order."""
    return tuple(row for framework in frameworks() for row in framework.implementations)


@cache
def tuners() -> tuple[Implementation, ...]:
    """Frameworks' own tuners: a second row of their framework in the searches they can do."""
    return tuple(row for framework in frameworks() for row in framework.tuners)


def usual(among: Sequence[Implementation], division: Divisions = UNASKED) -> list[Implementation]:
    """What of these is measured when nobody names implementations.

    tuned: the usual tuned rows. documented: one documented row a framework, the first that its
    about.py has. both: these and those.
    """
    documented: dict[str, Implementation] = {}
    for row in among:
        if row.division == "documented":
            documented.setdefault(row.framework, row)
    tuned = [row for row in among if row.division == "tuned" and row.usual]
    first = [*documented.values()]
    return {"documented": first, "tuned": tuned, "both": [*first, *tuned]}[division]


def does(implementation: str, task: str) -> bool:
    """Whether the implementation of that name is a contender of the task of that name."""
    return all(tuner.does(task) for tuner in tuners() if tuner.name == implementation)
