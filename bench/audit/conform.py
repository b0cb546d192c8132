"""The conformance of every implementation, each in its framework's own environment, two at a time.

``python -m bench.audit.conform [--all]``: without ``--all`` what is marked `long` is left out, and
of the modes that are neither usual nor documented only the quick part is asked. Exit status 1 when
any of them failed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Any

FILES = ("tests/adapters/conformance.py", "tests/adapters/test_unknown_layer.py")
# Of a mode that shares its code with a row that is tested whole.
QUICK = "settings or survive or every_row or small-fnn or unknown"
AT_ONCE = 2


@dataclass(frozen=True)
class Conformance:
    """How the tests of one implementation ended."""

    implementation: str
    status: int
    seconds: float
    output: str


def rows() -> list[dict[str, Any]]:
    """What `bench list` says of the implementations."""
    words = [sys.executable, "-m", "bench", "list", "--json"]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return list(json.loads(text)["implementations"])


def whole(row: dict[str, Any]) -> bool:
    """Whether all of conformance is asked of it."""
    return bool(row["usual"]) or row.get("division") == "documented"


def ask(row: dict[str, Any], everything: bool) -> Conformance:
    """Run the tests of one implementation."""
    words = [row["python"], "-m", "pytest", "-q", "-p", "no:cacheprovider", *FILES]
    if not everything:
        words += ["-m", "not long"]
    if not row["usual"]:  # faults are planted around the usual mode of each framework
        words += ["-k", "not mutants" if everything or whole(row) else QUICK]
    words += [*row["tests"], "--implementation", row["implementation"]]
    # Thread pools that spin would take the other process's cores.
    quiet = os.environ | {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}
    started = monotonic()
    done = subprocess.run(words, capture_output=True, text=True, env=quiet, check=False)
    seconds = monotonic() - started
    return Conformance(row["implementation"], done.returncode, seconds, done.stdout + done.stderr)


def say(found: Conformance) -> None:
    """One line each; of a failure all that it printed."""
    last = (found.output.strip().splitlines() or ["no output"])[-1]
    print(f"{found.implementation} ({found.seconds:.0f} s): {last}", flush=True)
    if found.status:
        print(found.output, flush=True)


def main(words: list[str]) -> int:
    """Entry point."""
    ready = []
    for row in rows():
        if row["status"] == "ready":
            ready.append(row)
        else:
            print(f"{row['implementation']} not tested: {row['reason']}", flush=True)
    # What takes longest first, so that at the end both finish together.
    ready.sort(key=lambda row: (not row["usual"], not whole(row)))
    failed = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for found in pool.map(lambda row: ask(row, "--all" in words), ready):
            say(found)
            failed += bool(found.status)
    print(f"conformance: {len(ready) - failed} of {len(ready)} implementations", flush=True)
    return int(failed > 0 or not ready)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
