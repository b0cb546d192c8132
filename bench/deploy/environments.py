"""The environments that write files and read them: made with pip, on first use, and kept.

One may be laid over a framework's own (`over` in adapters/runtimes/pins.toml): its packages are
then found behind this one's, and only what is lacking is installed.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.records.store import write_atomically
from bench.run import environments, locks
from bench.run.code import PROJECT
from bench.run.environments import folder
from bench.run.installer import error_of, installer_environment
from bench.run.interpreters import minor_of
from bench.run.locks import Lock
from bench.run.pins import package
from tasks.errors import UserError

PINS = PROJECT / "adapters" / "runtimes" / "pins.toml"
STAMP = "environment.json"


@dataclass(frozen=True)
class DeployPlace:
    """An environment. reason: why it cannot be used; empty where it can. over: the framework's
    environment below it."""

    name: str
    python: str
    reason: str = ""
    over: str = ""


def tables() -> dict[str, dict[str, Any]]:
    """Environment → its table of pins.toml."""
    try:
        return tomllib.loads(PINS.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{PINS}: {error}") from error


def describe(name: str) -> DeployPlace:
    """What is on disk now."""
    table = tables()[name]
    over = str(table.get("over", ""))
    place = folder() / f"deploy-{name}"
    python = str(place / "bin" / "python")
    if over and (reason := environments.describe(over, "cpu").reason):
        return DeployPlace(name, python, f"it needs the environment of {over}: {reason}", over)
    try:
        kept = json.loads((place / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return DeployPlace(name, python, "not made yet: run `bench deploy --setup`", over)
    if kept.get("digest") != _digest(name):
        return DeployPlace(name, python, "its pins changed: run `bench deploy --setup`", over)
    if kept.get("lock") and kept["lock"] != _lock(name).digest:
        return DeployPlace(name, python, "its lock changed: run `bench deploy --setup`", over)
    return DeployPlace(name, python, str(kept.get("reason", "")), over)


def setup(names: Iterable[str], say: Callable[[str], None] = print) -> Mapping[str, DeployPlace]:
    """Make what is missing, one after the other; those below first."""
    wanted = list(dict.fromkeys(names))
    below = [over for name in wanted if (over := str(tables()[name].get("over", "")))]
    environments.setup(below, "cpu", say)
    found = {}
    for name in wanted:
        if describe(name).reason.startswith(("not made", "its pins", "its lock")):
            say(f"making the environment {name}")
            _make(name, say)
        found[name] = describe(name)
        if found[name].reason:
            say(f"{name}: {found[name].reason}")
    return found


def _make(name: str, say: Callable[[str], None]) -> None:
    table, place = tables()[name], folder() / f"deploy-{name}"
    place.mkdir(parents=True, exist_ok=True)
    python = place / "bin" / "python"
    wanted = requirements(name)
    over = str(table.get("over", ""))  # packages of another Python could not be imported
    maker = environments.describe(over, "cpu").python if over else sys.executable
    lock = _lock(name)
    reason = _ran([maker, "-m", "venv", "--clear", str(place)])
    if not reason:
        _lay_over(name, python)
        install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        reason = _ran([*install, *lock.words(wanted)])
        if lock.path and locks.absent(reason):
            lock = Lock(reason=f"no index here has all that {lock.path.name} names")
            reason = _ran([*install, *wanted])
    facts = {"digest": _digest(name), "reason": reason and f"pip could not install it: {reason}"}
    write_atomically(place / STAMP, json.dumps(facts | {"lock": lock.digest}, indent=1))
    if not reason:
        say(f"{name}: ready, {lock.said()}")


def requirements(name: str) -> list[str]:
    """All that it is installed from: its own pins, and those of what it is laid over."""
    return [*tables()[name]["cpu"], *_kept_versions(name)]


def _lock(name: str) -> Lock:
    """The one that it would be installed from now."""
    over = str(tables()[name].get("over", ""))
    below = environments.describe(over, "cpu").interpreter if over else ""
    python = minor_of(below or sys.version)
    return locks.find((PROJECT,), name, "cpu", python, requirements(name))


def _lay_over(name: str, python: Path) -> None:
    """A .pth file, by which Python's own `site` finds the packages below."""
    over = str(tables()[name].get("over", ""))
    if not over:
        return
    below = Path(environments.describe(over, "cpu").python).parents[1]
    (packages,) = below.glob("lib/python*/site-packages")
    (own,) = python.parents[1].glob("lib/python*/site-packages")
    (own / "over.pth").write_text(f"{packages}\n", encoding="utf-8")


def _kept_versions(name: str) -> list[str]:
    """What the environment below pins holds here too."""
    over = str(tables()[name].get("over", ""))
    if not over:
        return []
    below = environments.requirements(over, "cpu")
    own = {package(pin) for pin in tables()[name]["cpu"]}
    return [pin for pin in below if package(pin) not in own]


def _ran(command: list[str]) -> str:
    """The line of what went wrong that says why; empty where nothing did."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env=locks.settings(installer_environment(), command),
    )
    if not done.returncode:
        return ""
    return error_of(done.stdout + done.stderr)


def _digest(name: str) -> str:
    table = tables()[name]
    over = str(table.get("over", ""))
    below = environments.requirements(over, "cpu") if over else []
    text = "\n".join([sys.version, over, *below, *table["cpu"]])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
