"""What `nox -s tests` runs: lint, types and tests, and beside them conformance.

``python -m bench.audit.everything [pytest's words]``. Most of pytest's time is one thread's, or is
spent waiting for processes. So the environments are made, and conformance is asked of every
framework in them, meanwhile: at a low priority, so that the tests lose little, and with what is
printed kept until the tests have ended. Tests marked `quiet` judge what a clock reads: they come
last, with nothing beside them. Exit status 1 when anything failed; lint and types end it at once.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import IO

import psutil

Words = tuple[str, ...]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
FIRST: tuple[Words, ...] = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",))
BESIDE: tuple[Words, ...] = (
    # On one Python, whichever others there are: what was tested yesterday is tested today.
    ("bench", "setup", "--implementations", "*", "--python", PYTHON),
    ("bench.audit.conform",),
)
NICENESS = 10  # of what goes on beside: a tenth of a core that both want
NOTHING_LEFT = 5  # pytest's exit status where all tests were deselected


@dataclass(frozen=True)
class Meanwhile:
    """Commands that run while others do. output: what they print."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]

    def ended(self) -> int:
        """Their exit status, once they have ended and all that they printed is printed."""
        status = self.process.wait()
        self.output.seek(0)
        print(self.output.read().decode(errors="replace"), flush=True)
        return status


@contextmanager
def beside(commands: Sequence[Words]) -> Iterator[Meanwhile]:
    """Run these modules of this Python one after the other, up to one that fails. None of their
    processes outlives the block."""
    line = " && ".join(shlex.join([sys.executable, "-m", *words]) for words in commands)
    nice = ["nice", "-n", str(NICENESS), "sh", "-c", line]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(nice, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield Meanwhile(process, output)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it has started."""
    if process.poll() is not None:
        return
    leader = psutil.Process(process.pid)
    family = [leader, *leader.children(recursive=True)]
    for each in family:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait()
    psutil.wait_procs(family, timeout=10)


def module(*words: str) -> int:
    """Run a module of this Python; its exit status."""
    started = monotonic()
    status = subprocess.run([sys.executable, "-m", *words], check=False).returncode
    print(f"{shlex.join(words)}: {monotonic() - started:.0f} s, exit status {status}", flush=True)
    return status


def everything(
    words: Sequence[str], first: Sequence[Words] = FIRST, others: Sequence[Words] = BESIDE
) -> int:
    """first: what must be right before anything is tested; words: pytest's; others: what runs
    beside it. 0 when nothing failed, else 1."""
    with beside(others) as conformance:
        for check in first:
            if module(*check):
                return 1
        tests = module("pytest", "-m", "not quiet", *words)
        print("environments and conformance:", flush=True)
        failed = conformance.ended()
    quiet = module("pytest", "-m", "quiet", *words)
    # A choice of tests may have some of one part only.
    fine = {0, NOTHING_LEFT} if words else {0}
    neither = tests == quiet == NOTHING_LEFT
    return int(bool(failed) or neither or not {tests, quiet} <= fine)


def _stop(number: int, frame: object) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)  # so that what runs beside ends too
    sys.exit(everything(sys.argv[1:]))
