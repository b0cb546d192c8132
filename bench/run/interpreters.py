"""Which Python an environment is made from: of those its pins are for, the first on this machine.

It is looked for where the user names it (`--python`), in the interpreter that runs the suite, on
the path, in pyenv's folder and in uv's own. Where there is none, uv fetches one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bench.run import installing
from tasks.errors import UserError

TIMEOUT_SECONDS = 60
ASK = """
import json, platform, sys, sysconfig
from importlib.util import find_spec
able = find_spec("venv") is not None and find_spec("ensurepip") is not None
plain = platform.python_implementation() == "CPython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
print(json.dumps({"build": sys.version, "able": able, "plain": plain}))
"""  # noqa: E501


@dataclass(frozen=True)
class BasePython:
    """What an environment is made from. program: an interpreter, or a version ("3.12") that uv is
    to fetch. build: all that it says of its version; empty before it is there."""

    program: str
    build: str = ""

    @property
    def minor(self) -> str:
        """As pins name it: "3.12"."""
        return minor_of(self.build) if self.build else self.program


@dataclass(frozen=True)
class AskedPythons:
    """What the user says by `--python`. programs: version → interpreter, further ones to be found.
    versions: the only ones that may be used; all where it is empty."""

    programs: Mapping[str, str] = field(default_factory=dict)
    versions: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.programs or self.versions)


NOTHING_SAID = AskedPythons()


def minor_of(build: str) -> str:
    """ "3.12.1 (main, …" → "3.12"."""
    return ".".join(build.split()[0].split(".")[:2])


def wanted(texts: Iterable[str]) -> AskedPythons:
    """From "3.12=/opt/bin/python" and "3.12". `UserError` for what is neither, and for a program
    that is no such interpreter."""
    programs: dict[str, str] = {}
    versions: list[str] = []
    for text in texts:
        version, equals, place = text.partition("=")
        if not re.fullmatch(r"3\.[0-9]{1,2}", version) or bool(equals) != bool(place):
            raise UserError(f"--python {text!r}: write it like 3.12=/opt/bin/python, or 3.12")
        if not equals:
            versions.append(version)
            continue
        program = shutil.which(Path(place).expanduser())
        answer = ask(program) if program else None
        if program is None or answer is None:
            raise UserError(f"--python {text!r}: {place} is no CPython that can make environments")
        if answer.minor != version:
            raise UserError(f"--python {text!r}: it is Python {answer.build.split()[0]}")
        programs[version] = str(Path(program).absolute())
    return AskedPythons(programs, tuple(versions))


def choose(pythons: Sequence[str], said: AskedPythons = NOTHING_SAID) -> BasePython:
    """The first of these versions that there is; where none is, the first that uv may fetch.

    pythons: empty for the one that runs. `UserError` where there is none.
    """
    order = list(pythons) or [minor_of(sys.version)]
    allowed = [version for version in order if not said.versions or version in said.versions]
    if not allowed:
        raise UserError(f"its pins are for Python {', '.join(order)}, which --python leaves out")
    for version in allowed:
        named = said.programs.get(version)
        there = ask(named) if named else find(version)
        if there is not None:
            return there
    if installing.uv():
        return BasePython(allowed[0])
    raise UserError(
        f"its pins are for Python {', '.join(allowed)}; this machine has none of them: name one by "
        f"`bench setup --python {allowed[0]}=PATH`, or install uv, which fetches it"
    )


@cache
def find(version: str) -> BasePython | None:
    """An interpreter of a version on this machine; None where there is none that works."""
    answers = map(ask, _programs(version))
    return next((one for one in answers if one is not None and one.minor == version), None)


def _programs(version: str) -> Iterator[str]:
    """Where it may be: this one, the path, pyenv's folder, uv's; the newest first."""
    if minor_of(sys.version) == version:
        yield getattr(sys, "_base_executable", sys.executable)
    if program := shutil.which(f"python{version}"):
        yield program
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions"
    data = Path(os.environ.get("XDG_DATA_HOME", home / ".local" / "share"))
    uvs = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", data / "uv" / "python"))
    for place, pattern in ((pyenv, f"{version}.*"), (uvs, f"cpython-{version}.*")):
        for folder in sorted(place.glob(pattern), key=_number, reverse=True):
            yield str(folder / "bin" / f"python{version}")


def _number(folder: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", folder.name)]


@cache
def ask(program: str) -> BasePython | None:
    """What an interpreter says of itself; None where it does not start, is no ordinary CPython, or
    can make no environment."""
    try:
        done = subprocess.run(
            [program, "-I", "-c", ASK], capture_output=True, text=True, check=True,
            encoding="utf-8", errors="replace", timeout=TIMEOUT_SECONDS, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        said = json.loads(done.stdout)
        able = said["able"] or bool(installing.uv())
        return BasePython(program, said["build"]) if able and said["plain"] else None
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
        return None
