"""One virtual environment per framework: made with pip, kept between calls, described in a file.

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
from bench.run import own
from bench.run.adapter_file import unpacked
from bench.run.installer import cleared, failed, installer_environment, last_error
from bench.run.pins import Pins, package, pins, shared_pins
from bench.run.variables import worker_variables

PROJECT = Path(__file__).resolve().parents[2]


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
    """A framework's environment as it is on disk. `python` is its interpreter, `project` the
    checkout whose worker it runs. own: the user made it. carried: a folder with what it lacks."""

    framework: str
    status: Literal["ready", "missing", "uninstallable"]
    python: str
    reason: str = ""
    version: str = ""
    requirements: str = ""
    project: str = str(PROJECT)
    own: bool = False
    carried: str = ""

    def variables(self) -> dict[str, str]:
        """What its workers get besides a worker's variables: nothing is written into an
        environment of the user's own; an adapter from outside of this tree is found."""
        given = discover.outside_of(self.framework)
        path = [self.project, *([str(unpacked(given))] if given else [])]
        carried = {"BENCH_CARRIED": self.carried} if self.carried else {}
        found = {"PYTHONPATH": os.pathsep.join(path)} if given else {}
        return found | ({"PYTHONDONTWRITEBYTECODE": "1", **carried} if self.own else {})


def folder() -> Path:
    """Where the environments live: $BENCH_ENVS, else .envs beside the project's files."""
    return Path(os.environ.get("BENCH_ENVS", PROJECT / ".envs"))


def requirements(framework: str, device: str, source: Source = HERE) -> list[str]:
    """The pins of an environment, its CUDA flavour where there is one, the worker's first.

    `UserError` when the source has no such environment.
    """
    replaced = {package(pin): pin for pin in source.pins}
    own = _pins(framework, device, source).requirements
    return [replaced.get(package(pin), pin) for pin in own]


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
    same = theirs is None or theirs == requirements(framework, device)
    return folder() / (name if same else f"{name}-{digest(framework, device, source)}")


def describe(framework: str, device: str, source: Source = HERE) -> Environment:
    """What is on disk for a framework now."""
    if framework in source.own:
        return _own(framework, device, source)
    place = where(framework, device, source)
    python = str(_python(place))
    hint = f"run `nox -s bench` or `bench setup --device {device}`"
    try:
        raw = json.loads((place / "environment.json").read_text(encoding="utf-8"))
        kept = {**raw, "python": python, "project": str(source.project)}
        found = Environment(**kept)
    except (OSError, ValueError, TypeError):
        return Environment(framework, "missing", python, f"not made yet: {hint}")
    if found.requirements != digest(framework, device, source):
        return Environment(framework, "missing", python, f"its pins changed: {hint}")
    if found.status == "ready" and not Path(python).exists():
        return Environment(framework, "missing", python, f"its interpreter is gone: {hint}")
    return found


def _own(framework: str, device: str, source: Source) -> Environment:
    """An environment of the user's: looked at, never changed."""
    python, project = source.own[framework], str(source.project)
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
    return replace(found, version=version, requirements=own.digest(told), carried=carried)


def setup(
    frameworks: Iterable[str],
    device: str,
    say: Callable[[str], None] = print,
    source: Source = HERE,
) -> Mapping[str, Environment]:
    """Make what is missing, two at a time; returns all descriptions by framework."""
    wanted = list(dict.fromkeys(frameworks))
    before = _before()
    first = [f for f in wanted if f not in before]
    then = [f for f in wanted if f in before]
    with ThreadPoolExecutor(2) as pool:
        futures = {f: pool.submit(_ensure, f, device, say, source) for f in first}

        def after(framework: str) -> Environment:
            if before[framework] in futures:
                futures[before[framework]].result()
            return _ensure(framework, device, say, source)

        with ThreadPoolExecutor(max(1, len(then))) as late:
            late_futures = {f: late.submit(after, f) for f in then}
        futures |= late_futures
    return {f: futures[f].result() for f in wanted}


def _before() -> dict[str, str]:
    """Environment → another that is made before it, where its framework asks for one."""
    return {
        installation.environment: installation.after
        for framework in discover.frameworks()
        for installation in framework.installations
        if installation.after
    }


def _ensure(framework: str, device: str, say: Callable[[str], None], source: Source) -> Environment:
    found = describe(framework, device, source)
    if found.status == "ready":
        return found
    say(f"making the environment of {framework} ({device})")
    made = _make(framework, device, where(framework, device, source), source)
    say(f"{framework}: {made.status} {made.version}{made.reason}")
    return made


def _make(framework: str, device: str, place: Path, source: Source) -> Environment:
    cleared(place, _python(place), folder())
    log = place / "setup.log"
    python = str(_python(place))
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    pip = installer_environment()
    made = Environment(framework, "ready", python, project=str(source.project))
    worker = worker_variables(1, made.project, keeps=keeps(framework)) | made.variables()
    importing = [python, "-c", f"import {_module(framework)}"]
    steps = (
        ([sys.executable, "-m", "venv", str(place)], pip, "cannot make a virtual environment"),
        ([*install, *requirements(framework, device, source)], pip, "pip could not install it"),
        (importing, worker, "it is installed but cannot be imported"),
    )
    wanted = digest(framework, device, source)
    made = Environment(framework, "ready", python, requirements=wanted)
    with open(log, "w", encoding="utf-8") as output:
        for command, environment, failure in steps:
            if failed(command, environment, output):
                reason = f"{failure}: {last_error(log)}{_other_python(framework, device, source)}"
                made = Environment(
                    framework, "uninstallable", python, reason, "", made.requirements
                )
                break
    if made.status == "ready":
        made = Environment(
            framework, "ready", python, "", _version(framework, python), made.requirements
        )
    facts = {k: v for k, v in asdict(made).items() if k not in ("project", "own", "carried")}
    write_atomically(place / "environment.json", json.dumps(facts, indent=1))
    return replace(made, project=str(source.project))


def keeps(environment: str) -> tuple[str, ...]:
    """Variables of the user's shell that an installation needs (its framework's about.py)."""
    return next(
        (
            installation.keeps
            for framework in discover.frameworks()
            for installation in framework.installations
            if installation.environment == environment
        ),
        (),
    )


def digest(framework: str, device: str, source: Source = HERE) -> str:
    """Of what an environment is made from: the interpreter and the pins."""
    text = "\n".join([sys.version, *requirements(framework, device, source)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _python(place: Path) -> Path:
    return place / "bin" / "python"


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
        [python, "-c", code],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env=variables,
    )
    return done.stdout.strip()


def _other_python(environment: str, device: str, source: Source) -> str:
    """A word on the interpreter, where the pins are for others than the one that runs."""
    meant = _pins(environment, device, source).pythons
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not meant or running in meant:
        return ""
    return f" (its pins are for Python {', '.join(meant)}; this is {running})"
