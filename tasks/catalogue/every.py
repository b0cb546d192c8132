"""All there is in this folder, in order. No framework is imported here.

A module of this folder has `TASKS` or `SEARCHES`, and `ORDER`: its place in lists. `CATALOGUE` is
what the commands offer: the tasks, and the searches, whose trials are tasks.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from tasks.spec.network import Task
from tasks.spec.search import Search

_MODULES = sorted(
    (
        import_module(f"tasks.catalogue.{found.name}")
        for found in iter_modules([str(Path(__file__).parent)])
        if found.name != "every"
    ),
    key=lambda module: (module.ORDER, module.__name__),
)
TASKS: tuple[Task, ...] = tuple(t for m in _MODULES for t in getattr(m, "TASKS", ()))
SEARCHES: tuple[Search, ...] = tuple(s for m in _MODULES for s in getattr(m, "SEARCHES", ()))
CATALOGUE: tuple[Task | Search, ...] = TASKS + SEARCHES
