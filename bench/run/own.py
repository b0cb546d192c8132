"""A user's own environments: `--env NAME=PYTHON`, an interpreter that has the framework already.

Made by conda, by a site's administrators, or by the vendor of a GPU. Nothing is installed into it
and no file is written there. What a worker needs and it lacks (pytest-benchmark) is carried on a
path of its own, behind everything that the environment has itself.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench import discover
from bench.run import installing
from tasks.errors import UserError

# Names as distributions have them; all are plain Python, so any interpreter can import them.
CARRIED = ("pytest", "pytest-benchmark")
LEAST_PYTHON = (3, 11)
TIMEOUT_SECONDS = 300  # an import from a network's file system can take minutes
LOOK = """
import importlib.metadata as metadata, json, platform, sys
all = [(d.metadata["Name"], d.metadata["Version"]) for d in metadata.distributions() if d.metadata]
names = {str(name).lower(): str(version) for name, version in all if name and version}
found = {"python": platform.python_version(), "build": sys.version, "packages": names}
print(json.dumps(found))
"""


def named(texts: Iterable[str]) -> dict[str, str]:
    """Environment → interpreter, from "NAME=PYTHON". NAME is a framework, for all environments it
    has, or one environment of it. `UserError` for what is neither, or is no program."""
    frameworks: dict[str, str] = {}
    environments: dict[str, str] = {}
    homes = _homes()
    for text in texts:
        name, equals, python = text.partition("=")
        if not equals or not name or not python:
            raise UserError(f"--env {text!r}: write it like pytorch=/opt/site/bin/python")
        program = shutil.which(Path(python).expanduser())
        if program is None:
            raise UserError(f"--env {text!r}: there is no program {python}")
        if name in homes:
            frameworks |= dict.fromkeys(homes[name], str(Path(program).absolute()))
        elif any(name in own for own in homes.values()):
            environments[name] = str(Path(program).absolute())
        else:
            raise UserError(f"--env {text!r}: no framework {name!r}; there are {', '.join(homes)}")
    return frameworks | environments


def _homes() -> dict[str, list[str]]:
    """Framework → its environments."""
    return {
        one.name: list(dict.fromkeys(i.environment for i in (*one.implementations, *one.tuners)))
        for one in discover.frameworks()
    }


def look(python: str, variables: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """What an interpreter says of itself (python, build, packages), or the reason why it cannot be
    used; `variables`: a worker's."""
    try:
        done = _asked([python, "-c", LOOK], variables)
        found: dict[str, Any] = json.loads(done.stdout)
        version = tuple(int(part) for part in found["python"].split(".")[:2])
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired):
        return {}, f"{python} does not answer as a Python of 3.11 or newer does"
    if version < LEAST_PYTHON:
        return {}, f"{python} is Python {found['python']}; 3.11 or newer is needed"
    if "numpy" not in found["packages"]:
        return {}, f"{python} has no NumPy, which its framework needs too"
    return found, ""


def why_not(python: str, module: str, variables: Mapping[str, str]) -> str:
    """Why an adapter's module cannot be imported there, in a line; empty when it can."""
    try:
        done = _asked([python, "-c", f"import {module}"], variables)
    except (OSError, subprocess.TimeoutExpired):
        return f"{python}: importing its framework took over {TIMEOUT_SECONDS} s"
    if not done.returncode:
        return ""
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return f"{python} cannot import its framework: {(said or ['no output'])[-1][:200]}"


def _asked(command: list[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8",
        errors="replace", env=dict(variables), check=False,
        timeout=TIMEOUT_SECONDS, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def digest(found: Mapping[str, Any]) -> str:
    """Of its interpreter and packages: what certificates kept of it hold for."""
    text = json.dumps([found["build"], found["packages"]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def carried(packages: Mapping[str, str], pins: Iterable[str], folder: Path) -> tuple[str, str]:
    """The folder with what this environment lacks ("" where it lacks nothing), and why there is
    none, made on first use."""
    if all(name in packages for name in CARRIED):
        return "", ""
    wanted = [pin for pin in pins if pin.partition("==")[0] in CARRIED]
    place = folder / ("carried-" + hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:12])
    if not place.exists():
        part = place.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        install = [*installing.install(sys.executable), "--target", str(part), *wanted]
        done = subprocess.run(
            install,
            capture_output=True,
            text=True,
            check=False,
            env=installing.variables(),
            encoding="utf-8",
            errors="replace",
        )
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no output"])[-1]
            return "", f"it has no pytest-benchmark, and none could be fetched: {said[:200]}"
        part.rename(place)
    return str(place), ""
