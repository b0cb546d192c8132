"""In which Python a user's program runs."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from bench import discover
from bench.port.program import Program
from bench.records.store import write_atomically
from bench.run import environments, installing
from bench.run.environments import Source
from tasks.errors import UserError


@dataclass(frozen=True)
class Interpreter:
    """A Python, the environment's name as it is printed, and variables that it needs."""

    python: str
    name: str
    keeps: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)


def interpreter(program: Program, source: Source, say: Callable[[str], None]) -> Interpreter:
    """The user's own for its framework (`--env`), else what its header asks for, else the suite's
    environment of the first framework that it imports, else the suite's own Python.

    `UserError` where there is none.
    """
    named = _environments(program)
    for environment in named:
        if environment in source.own:
            keeps = environments.keeps(environment)
            unwritten = {"PYTHONDONTWRITEBYTECODE": "1"}
            return Interpreter(source.own[environment], environment, keeps, unwritten)
    if program.requirements is not None:
        return _made(program, program.requirements, say)
    if not named:
        return Interpreter(sys.executable, "NumPy")
    return _suites(program, named)


def _environments(program: Program) -> list[str]:
    """The environments of the frameworks that a program imports, in its order."""
    rows = [i for p in program.packages for i in discover.implementations() if i.package == p]
    return list(dict.fromkeys(row.environment for row in rows))


def _suites(program: Program, named: list[str]) -> Interpreter:
    """The first that is ready and has all that the program imports."""
    ready = [e for e in (environments.describe(n, "cpu") for n in named) if e.status == "ready"]
    for environment in ready:
        site = Path(environment.python).parent.parent / "lib"
        if all(any(site.glob(f"python*/site-packages/{p}")) for p in program.packages):
            keeps = environments.keeps(environment.framework)
            return Interpreter(environment.python, environment.framework, keeps)
    if ready:
        wanted = " and ".join(program.packages)
        raise UserError(
            f"{program.name}: no environment of the suite has {wanted} together; give the file a "
            "script header (PEP 723), or an environment of your own by --env"
        )
    reason = environments.describe(named[0], "cpu").reason
    raise UserError(f"{program.name}: the environment of {named[0]} is not ready ({reason})")


def _made(program: Program, wanted: tuple[str, ...], say: Callable[[str], None]) -> Interpreter:
    """An environment with what a header asks for, made once by pip and kept."""
    _possible(program, wanted)
    digest = hashlib.sha256("\n".join([sys.version, *sorted(wanted)]).encode()).hexdigest()[:12]
    place = environments.folder() / f"port-{digest}"
    python, mark = place / "bin" / "python", place / "port.json"
    if not (mark.exists() and python.exists()):
        say(f"making an environment for {program.name}: {', '.join(wanted) or 'nothing but NumPy'}")
        place.mkdir(parents=True, exist_ok=True)
        install = [*installing.install(str(python)), "numpy", *wanted]
        for command in (installing.virtual_environment(place, sys.executable), install):
            done = subprocess.run(
                command, env=installing.variables(), capture_output=True, text=True,
                encoding="utf-8", errors="replace", check=False,
            )  # fmt: skip
            if done.returncode:
                lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
                raise UserError(f"{program.name}: its header cannot be installed: {lines[-1]}")
        write_atomically(mark, json.dumps({"requirements": wanted}))
    keeps = tuple(word for e in _environments(program) for word in environments.keeps(e))
    return Interpreter(str(python), "its header", keeps)


def _possible(program: Program, wanted: tuple[str, ...]) -> None:
    try:
        for word in wanted:
            Requirement(word)
        pythons = SpecifierSet(program.pythons)
    except (InvalidRequirement, InvalidSpecifier) as error:
        words = str(error).splitlines()[0]
        raise UserError(f"{program.name}: its script header: {words}") from error
    if platform.python_version() not in pythons:
        raise UserError(
            f"{program.name}: its script header asks for Python {program.pythons}; this is "
            f"{platform.python_version()}: name another by --env"
        )
