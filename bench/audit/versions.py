"""What the newest releases of the pinned packages are: the table of adapters/newest.toml, anew.

``python -m bench.audit.versions [PACKAGE ...]`` asks pip for each package that an environment pins
(or for those named), once for the interpreter that runs and once for any, and prints the lines of
the table. It needs a package index; tests compare the pins with the table alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator

from bench.discover import implementations, tuners
from bench.run.code import PROJECT
from bench.run.pins import Pins, package, pins

TABLE = PROJECT / "adapters" / "newest.toml"
OLDEST, LATEST = "3.11", "3.99"  # interpreters
TIMEOUT_SECONDS = 60


def pinned() -> dict[str, set[str]]:
    """Package → the requirements of it that environments on a CPU have."""
    found: dict[str, set[str]] = {}
    for environment in {row.environment for row in (*implementations(), *tuners())}:
        for requirement in pins(PROJECT, environment, "cpu").requirements:
            found.setdefault(package(requirement), set()).add(requirement)
    return found


def kept() -> dict[str, tuple[str, str]]:
    """Package → its newest release, and the newest for the oldest interpreter of the pins."""
    return {
        name: (newest, installable)
        for name, (newest, installable) in tomllib.loads(TABLE.read_text())["newest"].items()
    }


def reasons() -> dict[str, str]:
    """Requirement → why it is not the newest that its interpreters can install."""
    found: dict[str, str] = tomllib.loads(TABLE.read_text())["behind"]
    return found


def behind(found: dict[str, set[str]], newest: dict[str, tuple[str, str]]) -> Iterator[str]:
    """The requirements, without markers, that are older than what their interpreters can install:
    those for all of them than what the oldest can, those for later ones than the newest of all."""
    for name, requirements in sorted(found.items()):
        both = Pins(tuple(requirements))
        oldest, latest = both.on(OLDEST), both.on(LATEST)
        for pin in sorted({*oldest, *latest}):
            able = newest[name][1 if pin in oldest else 0]
            if pin.partition("==")[2] != able:
                yield pin


def ask(name: str, *options: str) -> str:
    """The newest release of a package that pip would install. Raises where pip has no answer."""
    words = [sys.executable, "-m", "pip", "index", "versions", name, *options]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True
    )
    return answered(name, done.stdout)


def answered(name: str, text: str) -> str:
    """The release that pip's answer begins with: "torch (2.15.0)"."""
    match = re.match(rf"{re.escape(name)} \(([^)]+)\)", text)
    if match is None:
        raise ValueError(f"pip answers otherwise than expected: {text[:80]!r}")
    return match[1]


def main(words: list[str]) -> None:
    """Print the lines."""
    for name in words or sorted(pinned()):
        print(f'{name} = ["{ask(name, "--ignore-requires-python")}", "{ask(name)}"]', flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
