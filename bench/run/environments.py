"""One virtual environment per framework: made with uv or pip, from the first interpreter that its
pins prefer and the machine has, kept between calls, described in a file.

A framework that cannot be installed or imported is not an error here: its description says
``uninstallable`` and why, and every cell that needs it becomes a typed row.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from adapters.base import Implementation
from bench import discover
from bench.records.store import write_atomically
from bench.run import locks, own
from bench.run.adapter_file import unpacked
from bench.run.code import PROJECT, importable, is_checkout
from bench.run.interpreters import NOTHING_SAID, AskedPythons, BasePython, ask, choose, minor_of
from bench.run.locks import Lock
from bench.run.making import interpreter, make_locked
from bench.run.pins import Pins, package, pins, shared_pins
from bench.run.variables import worker_variables
from tasks.data import cache
from tasks.errors import UserError


@dataclass(frozen=True)
class Source:
    """Whose code and pins an environment is for: a checkout of this project, and requirements
    ("torch==2.12.0") that replace those of the same name in its pins. own: environment →
    interpreter, of those that the user has and the suite does not make. commit: of a checkout that
    was unpacked from this project's repository."""

    project: Path = PROJECT
    pins: tuple[str, ...] = ()
    own: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""


HERE = Source()


@dataclass(frozen=True)
class Environment:
    """A framework's environment as it is on disk. `python` is its interpreter, `build` all that
    this says of its version, `project` a folder with the worker that it runs. own: the user made
    it. carried: a folder with what it lacks. lock: SHA-256 of the lock that it was installed from;
    empty where that was its pins alone."""

    framework: str
    status: Literal["ready", "missing", "uninstallable"]
    python: str
    reason: str = ""
    version: str = ""
    requirements: str = ""
    project: str = str(PROJECT)
    own: bool = False
    carried: str = ""
    build: str = ""
    lock: str = ""

    @property
    def interpreter(self) -> str:
        """The version of its Python: "3.12.1"; empty where it has none."""
        return self.build.partition(" ")[0]

    def variables(self) -> dict[str, str]:
        """What its workers get besides a worker's variables: nothing is written into an
        environment of the user's own; an adapter from outside of this tree is found."""
        given = discover.outside_of(self.framework)
        path = [self.project, *([str(unpacked(given))] if given else [])]
        carried = {"BENCH_CARRIED": self.carried} if self.carried else {}
        found = {"PYTHONPATH": os.pathsep.join(path)} if given else {}
        return found | ({"PYTHONDONTWRITEBYTECODE": "1", **carried} if self.own else {})


def folder() -> Path:
    """Where the environments live: $BENCH_ENVS, else .envs of a checkout; those of an installed
    suite in the user's cache."""
    kept = PROJECT / ".envs" if is_checkout() else cache.root() / "envs"
    return Path(os.environ.get("BENCH_ENVS", kept))


def requirements(framework: str, device: str, source: Source = HERE, python: str = "") -> list[str]:
    """The pins of an environment, its CUDA flavour where there is one, the worker's first.

    python: those for that interpreter ("3.12"); all, with their markers, where it is empty.
    `UserError` when the source has no such environment.
    """
    replaced = {package(pin): pin for pin in source.pins}
    theirs = _pins(framework, device, source)
    own = theirs.on(python) if python else theirs.requirements
    return list(dict.fromkeys(replaced.get(package(pin), pin) for pin in own))


def _pins(environment: str, device: str, source: Source) -> Pins:
    """Those of the checkout, or those of an adapter from outside of it and the worker's."""
    given = discover.outside_of(environment)
    if given is None:
        return pins(source.project, environment, device)
    return Pins((*shared_pins(source.project), *given.requirements))


def where(framework: str, device: str, source: Source = HERE) -> Path:
    """The folder of an environment: other pins than the project's own have one of their own."""
    name = f"{framework}-{device}"
    theirs = None if source == HERE else requirements(framework, device, source)
    if theirs is None or theirs == requirements(framework, device):
        return folder() / name
    return folder() / f"{name}-{_digest(sys.version, theirs)}"


def describe(framework: str, device: str, source: Source = HERE) -> Environment:
    """What is on disk for a framework now."""
    if framework in source.own:
        return _own(framework, device, source)
    place = where(framework, device, source)
    python = str(interpreter(place))
    hint = f"run {'`nox -s bench` or ' if is_checkout() else ''}`bench setup --device {device}`"
    try:
        raw = json.loads((place / "environment.json").read_text(encoding="utf-8"))
        kept = {**raw, "python": python, "project": importable(source.project)}
        found = Environment(**(kept | {"build": _build(place)}))
    except (OSError, ValueError, TypeError):
        return Environment(framework, "missing", python, f"not made yet: {hint}")
    pythons = _pins(framework, device, source).pythons
    is_for = found.status != "ready" or not pythons or minor_of(found.build) in pythons
    if found.requirements != digest(framework, device, source) or not is_for:
        return Environment(framework, "missing", python, f"its pins changed: {hint}")
    lock = _lock(framework, device, source, minor_of(found.build)) if found.lock else Lock()
    if found.lock != lock.digest:
        return Environment(framework, "missing", python, f"its lock changed: {hint}")
    if found.status == "ready" and not Path(python).exists():
        return Environment(framework, "missing", python, f"its interpreter is gone: {hint}")
    return found


def _lock(framework: str, device: str, source: Source, python: str) -> Lock:
    """The one for an interpreter: this checkout's, where a revision has the same pins."""
    wanted = requirements(framework, device, source, python)
    return locks.find((PROJECT, source.project), framework, device, python, wanted)


def _build(place: Path) -> str:
    """What the interpreter of the environment in `place` says of its version; this one's where it
    is the same program, which may have been replaced since, and where nothing else is known."""
    try:
        kept = json.loads((place / "environment.json").read_text(encoding="utf-8")).get("build", "")
    except (OSError, ValueError, AttributeError):
        kept = ""
    same = interpreter(place).resolve() == Path(sys.executable).resolve()
    return str(kept) if kept and not same else sys.version


def _own(framework: str, device: str, source: Source) -> Environment:
    """An environment of the user's: looked at, never changed."""
    python, project = source.own[framework], importable(source.project)
    found = Environment(framework, "ready", python, project=project, own=True)
    variables = worker_variables(1, project, keeps=keeps(framework)) | found.variables()
    told, reason = own.look(python, variables)
    reason = reason or own.why_not(python, _module(framework), variables)
    if not reason:
        shared = _pins(framework, device, source).requirements
        carried, reason = own.carried(told["packages"], shared, folder())
    if reason:
        return replace(found, status="uninstallable", reason=reason)
    version = _version(framework, python, variables)
    return replace(
        found, version=version, requirements=own.digest(told), carried=carried, build=told["build"]
    )


def setup(
    frameworks: Iterable[str],
    device: str,
    say: Callable[[str], None] = print,
    source: Source = HERE,
    said: AskedPythons = NOTHING_SAID,
) -> Mapping[str, Environment]:
    """Make what is missing, two at a time; returns all descriptions by framework.

    What is there and fits its pins is kept, whatever Python it has; where the user says something
    of Pythons, what has another than it would be made with now is made anew.
    """
    wanted = list(dict.fromkeys(frameworks))
    before = discover.made_after()
    first = [f for f in wanted if f not in before]
    then = [f for f in wanted if f in before]
    with ThreadPoolExecutor(2) as pool:
        futures = {f: pool.submit(_ensure, f, device, say, source, said) for f in first}

        def after(framework: str) -> Environment:
            if before[framework] in futures:
                futures[before[framework]].result()
            return _ensure(framework, device, say, source, said)

        with ThreadPoolExecutor(max(1, len(then))) as late:
            late_futures = {f: late.submit(after, f) for f in then}
        futures |= late_futures
    return {f: futures[f].result() for f in wanted}


def _ensure(
    framework: str, device: str, say: Callable[[str], None], source: Source, said: AskedPythons
) -> Environment:
    found = describe(framework, device, source)
    if found.own or (found.status == "ready" and not said):
        return found
    pinned = _pins(framework, device, source)
    try:
        base = choose(_preferred(framework, device, source, pinned.pythons), said)
    except UserError as error:
        say(f"{framework}: no environment was made: {error}")
        return replace(found, status="uninstallable", reason=str(error))
    if found.status == "ready" and minor_of(found.build) == base.minor:
        return found
    say(f"making the environment of {framework} ({device}, Python {base.minor})")
    made, how = _make(framework, device, where(framework, device, source), source, base)
    say(f"{framework}: {made.status} {made.version}{made.reason}{how}")
    return made


def _preferred(
    framework: str, device: str, source: Source, pythons: tuple[str, ...]
) -> tuple[str, ...]:
    """The interpreters in order: what is compared with this checkout's has the one of that."""
    here = describe(framework, device) if source != HERE else None
    first = minor_of(here.build) if here and here.status == "ready" else ""
    return tuple(sorted(pythons, key=lambda version: version != first))


def _make(
    framework: str, device: str, place: Path, source: Source, base: BasePython
) -> tuple[Environment, str]:
    """The environment, and how it was installed, for the terminal."""
    python = str(interpreter(place))
    wanted = requirements(framework, device, source, base.minor)
    made = Environment(framework, "ready", python, project=importable(source.project))
    worker = worker_variables(1, made.project, keeps=keeps(framework)) | made.variables()
    lock = _lock(framework, device, source, base.minor)
    reason, lock = make_locked(place, base, lock, wanted, _module(framework), worker)
    build = base.build or (ask(python) or base).build or sys.version
    made = replace(made, build=build, requirements=_digest(build, wanted), lock=lock.digest)
    if reason:
        made = replace(made, status="uninstallable", reason=reason)
    else:
        made = replace(made, version=_version(framework, python))
    facts = {k: v for k, v in asdict(made).items() if k not in ("project", "own", "carried")}
    write_atomically(place / "environment.json", json.dumps(facts, indent=1))
    return made, "" if reason else f", {lock.said()}"


def keeps(environment: str) -> tuple[str, ...]:
    """Variables of the user's shell that an installation needs (its framework's about.py)."""
    every = (one for framework in discover.frameworks() for one in framework.installations)
    return next((one.keeps for one in every if one.environment == environment), ())


def digest(framework: str, device: str, source: Source = HERE) -> str:
    """Of what an environment is made from: its interpreter, this one where it is not made yet, and
    the pins for that."""
    build = _build(where(framework, device, source))
    return _digest(build, requirements(framework, device, source, minor_of(build)))


def _digest(build: str, wanted: Iterable[str]) -> str:
    text = "\n".join([build, *wanted])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _module(framework: str) -> str:
    """The adapter whose import proves that an environment works."""
    return _first(framework).module


def _first(environment: str) -> Implementation:
    return next(i for i in discover.implementations() if i.environment == environment)


def _version(framework: str, python: str, variables: Mapping[str, str] | None = None) -> str:
    package = _first(framework).package
    code = (
        "import importlib.metadata as m; "
        f"print(m.version(m.packages_distributions()[{package!r}][0]))"
    )
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, encoding="utf-8", errors="replace",
        check=False, env=variables,
    )  # fmt: skip
    return done.stdout.strip()
