"""What there is: a thing is found because its file stands in a folder, and nowhere is a list.

Frameworks are the folders of `adapters` with a module ``about``; tasks, searches, devices, figures
and the rest are the modules of one package. Installed packages add to them by entry points of the
groups ``framework_bench.adapters``, ``.tasks``, ``.figures`` and ``.exports``: the plug-ins. A
broken one is a warning with its name. Nothing here imports a framework.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Literal

import adapters
from adapters import outside
from adapters.base import Framework, Implementation
from adapters.deployment import Runtime
from adapters.outside import OutsideAdapter
from tasks.catalogue.every import CATALOGUE
from tasks.errors import UserError
from tasks.own.check import checked_task
from tasks.spec.network import Task
from tasks.spec.search import Search

Divisions = Literal["documented", "tuned", "both"]
UNASKED: Divisions = "documented"  # what users ask about: the programs that they would write


PluginKind = Literal["adapters", "tasks", "figures", "exports"]
GROUP = "framework_bench."


def members(
    package: str, plugins: PluginKind | None = None, parts: Sequence[str] = ()
) -> list[ModuleType]:
    """The modules of a package, imported, in order of their names; then those of plug-ins of that
    kind that have all of `parts`, and no NAME that is taken."""
    home = import_module(package)
    names = sorted(found.name for found in iter_modules(home.__path__))
    modules = [import_module(f"{package}.{name}") for name in names]
    for plugin in plugins_of(plugins) if plugins else ():
        with blamed(plugin):
            module = import_module(plugin.module)
            if lacking := [part for part in parts if not hasattr(module, part)]:
                raise AttributeError(f"{plugin.module} has no {lacking[0]}")
            if module.NAME in (getattr(one, "NAME", None) for one in modules):
                raise ValueError(f"there is a {module.NAME!r} already")
            modules.append(module)
    return modules


@dataclass(frozen=True)
class Plugin:
    """An entry point of an installed package: its kind, its name, and the module that it names."""

    kind: str
    name: str
    module: str

    @property
    def file(self) -> Path:
        """Where the module stands, without importing it. ImportError where there is none."""
        spec = find_spec(self.module)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"No module named {self.module!r}")
        return Path(spec.origin)


@cache
def plugins_of(kind: PluginKind) -> tuple[Plugin, ...]:
    """Those of all installed packages, in order of their names."""
    found = metadata.entry_points(group=GROUP + kind)
    return tuple(sorted({Plugin(kind, p.name, p.module) for p in found}, key=lambda p: p.name))


@contextmanager
def blamed(thing: Plugin | ModuleType) -> Iterator[None]:
    """Whatever a plug-in does wrong inside is a warning with its name, and it is left out. A module
    of the suite's own is no plug-in: what it raises goes on."""
    plugin = thing if isinstance(thing, Plugin) else _plugin_of(thing)
    try:
        yield
    except (Exception, SystemExit) as error:
        if plugin is None:
            raise
        warn(f"plug-in {plugin.name} ({GROUP}{plugin.kind}) is left out: {in_words(error)}")


def _plugin_of(module: ModuleType) -> Plugin | None:
    every = [plugin for kind in ("figures", "exports") for plugin in plugins_of(kind)]
    return next((plugin for plugin in every if plugin.module == module.__name__), None)


def in_words(error: BaseException) -> str:
    """An exception as one line."""
    text = " ".join(str(error).split())[:300]
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"


@cache
def warn(text: str) -> None:
    """A line on stderr, once."""
    print(f"bench: warning: {text}", file=sys.stderr)


@cache
def plugin_tasks() -> dict[str, tuple[Task, Path]]:
    """Name → the task of a plug-in, and the file that brings its data (tasks.own)."""
    found: dict[str, tuple[Task, Path]] = {}
    for plugin in plugins_of("tasks"):
        with blamed(plugin):
            task = checked_task(getattr(import_module(plugin.module), "TASK", None))
            if task.name in found or task.name in (work.name for work in CATALOGUE):
                raise ValueError(f"there is a task {task.name!r} already")
            found[task.name] = (task, plugin.file)
    return found


def works() -> tuple[Task | Search, ...]:
    """The tasks and searches of the catalogue, then the tasks of plug-ins."""
    return (*CATALOGUE, *(task for task, _ in plugin_tasks().values()))


_given: dict[str, OutsideAdapter] = {}  # by framework: files that the user named
_outside: dict[str, OutsideAdapter] = {}  # by environment: these, and those of plug-ins


@cache
def frameworks() -> tuple[Framework, ...]:
    """What every framework's folder says of itself, in the order they ask for.

    A folder of `adapters` without an about.py is no framework. `UserError` when one is broken.
    """
    files = [path for home in adapters.__path__ for path in Path(home).glob("*/about.py")]
    found = {one.name: one for one in map(_framework, files)}
    for plugin in plugins_of("adapters"):
        with blamed(plugin):
            read = outside.read(plugin.file)
            if read.framework.name in found:
                raise ValueError(f"there is a framework {read.framework.name!r} already")
            found[read.framework.name] = read.framework
            _outside[read.environment] = read
    found |= {one.framework.name: one.framework for one in _given.values()}
    return tuple(sorted(found.values(), key=lambda one: (one.order, one.name)))


def add_adapter(path: Path) -> OutsideAdapter:
    """Take an adapter file for one more framework from here on. `UserError`, a line that begins
    with the file, where it is none, or where its framework is there already."""
    try:
        read = outside.read(path)
        there = {one.name for one in frameworks()} - set(_given)
        if read.framework.name in there:
            raise UserError(f"there is a framework {read.framework.name!r} already; rename yours")
    except UserError as error:
        raise UserError(f"--adapter {path}: {error}") from None
    _given[read.framework.name] = _outside[read.environment] = read
    for each in (frameworks, implementations, tuners):
        each.cache_clear()
    return read


def outside_of(environment: str) -> OutsideAdapter | None:
    """The adapter file whose framework is installed in that environment; None for those of the
    suite's own."""
    frameworks()  # also those of plug-ins
    return _outside.get(environment)


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


@cache
def runtimes() -> tuple[Runtime, ...]:
    """The runtimes that exported files are loaded in: the modules of `adapters.runtimes`."""
    modules = members("adapters.runtimes")
    return tuple(module.ABOUT for module in modules if hasattr(module, "ABOUT"))


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


def made_after() -> dict[str, str]:
    """Environment → another that is made before it, where its framework asks for one."""
    return {
        installation.environment: installation.after
        for framework in frameworks()
        for installation in framework.installations
        if installation.after
    }
