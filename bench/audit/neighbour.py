"""A neighbour as on a shared machine: one process that computes now and then.

``python -m bench.audit.neighbour --kind half|bursts``. "half" computes for 50 ms and rests for as
long; "bursts" computes for a second and rests for a time that is exponentially distributed, a
second on average. It may run on every core that its parent may, and ends with its parent. Standard
library only, so that it starts fast and is nothing but its load.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep
from typing import Literal, get_args

Kind = Literal["half", "bursts"]
Condition = Literal["quiet", "half", "bursts"]
"""What else the machine does while something is measured: nothing, or a neighbour of a kind."""
HALF_SECONDS = 0.05
BURST_SECONDS = PAUSE_SECONDS = 1.0
SET_PARENT_DEATH_SIGNAL = 1  # prctl(2)


def schedule(kind: Kind, chance: random.Random) -> Iterator[tuple[float, float]]:
    """For ever: seconds of work, and of rest after them."""
    while True:
        if kind == "half":
            yield HALF_SECONDS, HALF_SECONDS
        else:
            yield BURST_SECONDS, chance.expovariate(1 / PAUSE_SECONDS)


def compute(seconds: float) -> None:
    """Keep one core busy for so long."""
    ends = perf_counter() + seconds
    while perf_counter() < ends:
        sum(range(1000))


@contextmanager
def beside(condition: Condition) -> Iterator[None]:
    """The neighbour of that condition runs inside; none when it is "quiet".

    RuntimeError at the end when it ended before: what was measured was then not beside it.
    """
    if condition == "quiet":
        yield
        return
    command = [sys.executable, "-m", "bench.audit.neighbour", "--kind", condition]
    project = str(Path(__file__).resolve().parents[2])
    variables = os.environ | {"PYTHONPATH": project}
    # A session of its own: Ctrl-C is for us, and we tell it.
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            if not process.stdout.readline():  # it says when it begins
                raise RuntimeError("the neighbour did not start")
            yield
            if process.poll() is not None:
                raise RuntimeError(f"the neighbour had ended, with status {process.returncode}")
        finally:
            process.kill()


def _end_with(parent: int) -> None:
    """Linux: killed when the parent ends, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above
        sys.exit(0)


def main() -> None:
    """Entry point; never returns by itself."""
    parent = os.getppid()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=get_args(Kind), required=True)
    arguments = parser.parse_args()
    _end_with(parent)
    print("computing", flush=True)
    for busy, rest in schedule(arguments.kind, random.Random()):
        compute(busy)
        sleep(rest)


if __name__ == "__main__":
    main()
