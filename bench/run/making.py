"""The making of one virtual environment: removed first, then step by step, with a log of its own.

What fails is a reason in one line, which begins with what was tried.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.run import installing, locks
from bench.run.installer import cleared, failed, last_error
from bench.run.interpreters import BasePython
from bench.run.locks import Lock

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
        (
            [*installing.install(python), *wanted],
            locks.settings(installers, wanted),
            "it could not be installed",
        ),
        ([python, "-c", f"import {module}"], worker, "it is installed but cannot be imported"),
    )
    log = place / LOG
    with open(log, "w", encoding="utf-8") as output:
        for command, variables, failure in steps:
            if failed(command, variables, output):
                output.flush()
                return f"{failure} on Python {base.minor}: {last_error(log)}"
    return ""


def make_locked(
    place: Path,
    base: BasePython,
    lock: Lock,
    wanted: Sequence[str],
    module: str,
    worker: Mapping[str, str],
) -> tuple[str, Lock]:
    """As `make`, from a lock where one serves; from the pins alone where no index has what it
    names. Returns the reason, and the lock that it was made from."""
    reason = make(place, base, lock.words(wanted), module, worker)
    if not reason or lock.path is None:
        return reason, lock
    if not locks.absent((place / LOG).read_text(encoding="utf-8", errors="replace")):
        return reason, lock
    none = Lock(reason=f"no index here has all that {lock.path.name} names")
    return make(place, base, wanted, module, worker), none


def emptied(place: Path) -> None:
    """An empty folder: what is left of another environment would stand in the way. `UserError`
    where it cannot be had."""
    cleared(place, interpreter(place), place.parent)
    for path in place.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
