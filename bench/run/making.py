"""The making of one virtual environment: removed first, then step by step, with a log of its own.

What fails is a reason in one line, which begins with what was tried.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.run import installing
from bench.run.installer import cleared, failed, last_error
from bench.run.interpreters import BasePython

LOG = "setup.log"


def interpreter(place: Path) -> Path:
    """That of the environment in `place`."""
    return place / "bin" / "python"


def make(
    place: Path,
    base: BasePython,
    wanted: Sequence[str],
    module: str,
    worker: Mapping[str, str],
) -> str:
    """An environment with these requirements, in which `module` can be imported; the reason why
    there is none, empty where all went well. worker: the variables of its workers."""
    emptied(place)
    python = str(interpreter(place))
    installers = installing.variables()
    virtual = installing.virtual_environment(place, base.program)
    steps = (
        (virtual, installers, "cannot make a virtual environment"),
        ([*installing.install(python), *wanted], installers, "it could not be installed"),
        ([python, "-c", f"import {module}"], worker, "it is installed but cannot be imported"),
    )
    log = place / LOG
    with open(log, "w", encoding="utf-8") as output:
        for command, variables, failure in steps:
            if failed(command, variables, output):
                output.flush()
                return f"{failure} on Python {base.minor}: {last_error(log)}"
    return ""


def emptied(place: Path) -> None:
    """An empty folder: what is left of another environment would stand in the way. `UserError`
    where it cannot be had."""
    cleared(place, interpreter(place), place.parent)
    for path in place.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
