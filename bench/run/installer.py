"""pip's settings while environments are made: the user's index, proxies and certificates, and
nothing that would send packages elsewhere, leave some out, or let another Python's in."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO

from bench.run import locks
from tasks.errors import UserError

# Of `pip install`, as PIP_ variables or in a pip.conf.
ELSEWHERE = (
    "USER", "TARGET", "PREFIX", "ROOT", "REQUIRE_VIRTUALENV", "DRY_RUN", "NO_DEPS", "REPORT",
    "PYTHON", "PLATFORM", "PYTHON_VERSION", "IMPLEMENTATION", "ABI",
)  # fmt: skip
STRANGE = ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONSTARTUP", "LD_PRELOAD")
SECONDS = 60


def installer_environment() -> dict[str, str]:
    """The variables of a pip process. Its files of settings are read once, and what of them may
    stay is handed on as variables: a file could not be overruled."""
    unwanted = {*STRANGE, *(f"PIP_{name}" for name in ELSEWHERE)}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    settings = _settings(os.environ.get("PIP_CONFIG_FILE", ""))
    return settings | kept | {"PYTHONNOUSERSITE": "1", "PIP_CONFIG_FILE": os.devnull}


@cache
def _settings(file: str) -> dict[str, str]:
    """What the files of settings say, as variables. file: PIP_CONFIG_FILE, where it is set."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    environment = {name: value for name, value in os.environ.items() if name not in STRANGE}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", errors="replace",
            check=False, env=environment, timeout=SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, str] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.partition(".")
        word = name.upper().replace("-", "_")
        if section in ("global", "install") and word not in ELSEWHERE:
            found[f"PIP_{word}"] = _text(value)
    return found


def _text(value: str) -> str:
    """pip prints values as Python writes them."""
    try:
        return str(ast.literal_eval(value))
    except (ValueError, SyntaxError):
        return value


def cleared(place: Path, python: Path, folder: Path) -> None:
    """A folder for an environment: empty, unless an interpreter works there. What is left of a
    half-made one, or of one whose interpreter is gone, would stand in the way. folder: of all.
    `UserError` where it cannot be had."""
    try:
        if not python.exists() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or error
        raise UserError(f"cannot make environments in {folder}: {why}; set BENCH_ENVS") from None


def failed(command: list[str], environment: Mapping[str, str], output: IO[str]) -> bool:
    """Run one step; its words, or why it could not be started, go to the log."""
    try:
        done = subprocess.run(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment, check=False
        )
    except OSError as error:
        output.write(f"error: {command[0]} cannot be started: {error.strerror}\n")
        return True
    return done.returncode != 0


def last_error(log: Path) -> str:
    """The line of a log that says why, at most 300 characters."""
    return error_of(log.read_text(encoding="utf-8", errors="replace"))


def error_of(text: str) -> str:
    """The line of what an installer said that says why, at most 300 characters."""
    if locks.differs(text):
        return f"a file is not the one that was locked, its SHA-256 differs: {locks.whose(text)}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return ((errors or lines)[-1] if lines else "no output")[:300]
