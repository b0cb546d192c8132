"""Known weaknesses of all packages that the locks name and of the suite's own, by pip-audit.

``python -m bench.audit.weaknesses [WORDS FOR pip-audit ...]`` asks a public database about each
version once, and says for each finding which environments have it. Exit status 0: none is known, 1:
some are, 2: not all could be asked about, which pip-audit itself would call no finding.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from bench.run import locks
from bench.run.code import PROJECT
from bench.run.pins import package
from tasks.errors import UserError

SUITE = "the suite"
OURS = "framework-bench"
MOST_NAMED = 5  # environments in one line
TIMEOUT_SECONDS = 900

Release = tuple[str, str]  # a package and its version


@dataclass(frozen=True)
class Findings:
    """What the database answered. known: release → the names of its weaknesses, none for most.
    unasked: release → why nothing is known of it."""

    known: Mapping[Release, tuple[str, ...]]
    unasked: Mapping[Release, str]


def releases() -> dict[Release, list[str]]:
    """Each release → who has it: locks by their files' names, and the suite as it is installed."""
    found = defaultdict(list)
    for path in sorted(PROJECT.glob(f"adapters/*/{locks.FOLDER}/*.txt")):
        for name, version in locks.versions(path).items():
            found[public(name, version)].append(path.stem)
    for one in distributions():
        if package(one.name) != OURS:
            found[public(one.name, one.version)].append(SUITE)
    return {release: list(dict.fromkeys(whose)) for release, whose in found.items()}


def public(name: str, version: str) -> Release:
    """As a database knows it: a build with a local version (2.13.0+cpu) is of that release."""
    return package(name), version.partition("+")[0]


def groups(every: Iterable[Release]) -> Iterator[list[Release]]:
    """The releases in groups that hold no package twice, which pip-audit would refuse."""
    versions: dict[str, list[Release]] = defaultdict(list)
    for release in sorted(every):
        versions[release[0]].append(release)
    for index in range(max(map(len, versions.values()), default=0)):
        yield [found[index] for found in versions.values() if len(found) > index]


def answered(text: str, asked: Iterable[Release]) -> Findings:
    """pip-audit's JSON. What was asked about and is not in it counts as unasked."""
    known: dict[Release, tuple[str, ...]] = {}
    unasked: dict[Release, str] = dict.fromkeys(asked, "no answer")
    try:
        rows: list[dict[str, Any]] = json.loads(text)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Findings(known, unasked)
    skipped = {
        package(row["name"]): str(row["skip_reason"]) for row in rows if "skip_reason" in row
    }
    for row in rows:
        release = public(row["name"], row.get("version", ""))
        if "vulns" in row and release in unasked:
            known[release] = tuple(weakness["id"] for weakness in row["vulns"])
            del unasked[release]
    return Findings(known, {r: skipped.get(r[0], reason) for r, reason in unasked.items()})


def ask(group: list[Release], words: list[str]) -> Findings:
    """One call of pip-audit, which installs nothing. `UserError` where it says nothing but why it
    failed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "releases.txt")
        file.write_text("".join(f"{name}=={version}\n" for name, version in group))
        command = [
            sys.executable, "-m", "pip_audit", "-r", str(file), "--disable-pip", "--no-deps",
            "--format", "json", "--progress-spinner", "off", *words,
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise UserError(f"pip-audit has no answer after {TIMEOUT_SECONDS} s") from None
    if not done.stdout.strip():
        lines = done.stderr.strip().splitlines() or ["no output"]
        raise UserError(f"pip-audit has no answer: {lines[-1][:300]}")
    return answered(done.stdout, group)


def told(every: Mapping[Release, list[str]], found: Findings) -> list[str]:
    """The lines that are printed: one a weak release, then what could not be asked about."""
    lines = []
    for (name, version), weaknesses in sorted(found.known.items()):
        if weaknesses:
            whose = every[name, version]
            more = f" and {len(whose) - MOST_NAMED} more" if len(whose) > MOST_NAMED else ""
            where = ", ".join(whose[:MOST_NAMED]) + more
            lines.append(f"{name} {version}: {', '.join(weaknesses)}\n  in {where}")
    weak = len(lines)
    reasons = list(found.unasked.values())
    for reason in dict.fromkeys(reasons[:1]):
        lines.append(f"{len(reasons)} releases could not be asked about, as: {reason}")
    return [*lines, f"{len(found.known)} of {len(every)} releases asked about: {weak} are weak"]


def main(words: list[str]) -> int:
    """Ask about all; the exit status."""
    every = releases()
    known: dict[Release, tuple[str, ...]] = {}
    unasked: dict[Release, str] = {}
    try:
        for group in groups(every):
            found = ask(group, words)
            known |= found.known
            unasked |= found.unasked
    except UserError as error:
        print(error)
        return 2
    for line in told(every, Findings(known, unasked)):
        print(line)
    return 1 if any(known.values()) else 2 if unasked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
