"""Locks: every package that an environment is made of, what those need too, each with the SHA-256
of the files that may be installed for it.

    adapters/sklearn/locks/sklearn-cpu-3.11-linux-x86_64.txt

    # of pins 0f3a…           which requirements it was resolved from
    joblib==1.5.3 --hash=sha256:5fc3…
    numpy==2.4.6 --hash=sha256:89cd…

``python -m bench.audit.locks`` writes them. One serves the pins, the interpreter and the kind of
machine that it was made for; with any other, packages are installed from the pins alone.
"""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

FOLDER = "locks"
SYSTEM = f"{sys.platform}-{platform.machine()}"
OF_PINS = "# of pins "
HASHES = "--require-hashes"
# Settings that limit versions: a lock has decided them, and uv takes no limits without hashes.
LIMITS = ("PIP_CONSTRAINT", "UV_CONSTRAINT")
# What pip and uv say when no index has a package that was asked for.
ABSENT = ("No matching distribution found", "No solution found")


@dataclass(frozen=True)
class Lock:
    """path: the file; None where there is none that serves, for the `reason`. digest: its
    SHA-256."""

    path: Path | None = None
    digest: str = ""
    reason: str = ""

    def words(self, wanted: Sequence[str]) -> list[str]:
        """What an installer is asked for: the lock, or else what is `wanted`."""
        if self.path is None:
            return list(wanted)
        return [HASHES, "-r", str(self.path)]

    def said(self) -> str:
        """How an environment was installed, for the terminal."""
        if self.path is None:
            return f"from its pins, without hashes ({self.reason})"
        return f"every file by its hash (lock {self.digest[:12]})"


def file_name(environment: str, device: str, python: str, system: str = SYSTEM) -> str:
    """That of a lock. python: "3.12". system: "linux-x86_64", this machine's by default."""
    return f"{environment}-{device}-{python}-{system}.txt"


def digest_of(wanted: Iterable[str]) -> str:
    """What a lock says of the requirements that it was resolved from."""
    return hashlib.sha256("\n".join(wanted).encode()).hexdigest()


def find(
    projects: Iterable[Path], environment: str, device: str, python: str, wanted: Sequence[str]
) -> Lock:
    """The first of these checkouts' locks that serves. wanted: the pins on that interpreter.

    An environment with no flavour for GPUs has the lock of its only one.
    """
    reason = f"no lock for Python {python} on {SYSTEM}"
    names = [file_name(environment, flavour, python) for flavour in dict.fromkeys((device, "cpu"))]
    for project, name in product(dict.fromkeys(projects), names):
        for path in sorted((project / "adapters").glob(f"*/{FOLDER}/{name}")):
            content = path.read_bytes()
            if pins_of(content.decode("utf-8", errors="replace")) == digest_of(wanted):
                return Lock(path, hashlib.sha256(content).hexdigest())
            reason = f"{path.name} is of other pins"
    return Lock(reason=reason)


def pins_of(text: str) -> str:
    """The digest of the pins that a lock was resolved from; empty where it says none."""
    lines = [line for line in text.splitlines() if line.startswith(OF_PINS)]
    return lines[0].removeprefix(OF_PINS).strip() if lines else ""


def settings(variables: Mapping[str, str], words: Sequence[str]) -> Mapping[str, str]:
    """An installer's variables for what it is asked: without limits where that is a lock."""
    if HASHES not in words:
        return variables
    return {name: value for name, value in variables.items() if name not in LIMITS}


def absent(text: str) -> bool:
    """Whether an installer failed because its indexes lack a package, as a build for CPUs alone
    that only some have. A file that is there and is another is never that."""
    return any(words in text for words in ABSENT) and not differs(text)


def whose(text: str) -> str:
    """The file or package that differs, as pip or uv names it."""
    found = re.search(r"mismatch for `([^`]+)`|^\s*(\S+==\S+) from ", text, re.MULTILINE)
    return (found[1] or found[2]) if found else "the log says which"


def differs(text: str) -> bool:
    """Whether an installer failed because a file is not the one that was locked."""
    lower = text.lower()
    return "do not match the hashes" in lower or "hash mismatch" in lower


def versions(path: Path) -> dict[str, str]:
    """Package → the version that a lock names."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split(" ", 1)[0].split("==") for line in lines if "--hash=" in line)
    return {name: version for name, version in pairs}
