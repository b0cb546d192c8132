"""The meter: what is ours, threads that have ended among it, and what is others'."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from time import thread_time

import pytest

from bench.machine import cores
from bench.machine.meter import Meter

pytestmark = pytest.mark.quiet
COMPUTES = "import time\nwhile time.process_time() < {}: pass\nprint('done', flush=True)\ninput()"
CPU_SECONDS = 0.3
LEAST, MOST = 0.8 * CPU_SECONDS * 1e9, 3 * CPU_SECONDS * 1e9


def compute() -> None:
    end = thread_time() + CPU_SECONDS
    while thread_time() < end:
        pass


@pytest.fixture
def computer() -> Iterator[subprocess.Popen[str]]:
    """A process in a session of its own that has just been started."""
    started = subprocess.Popen(
        [sys.executable, "-c", COMPUTES.format(CPU_SECONDS)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    yield started
    started.kill()
    started.wait()


def test_a_thread_that_has_ended_is_ours() -> None:
    meter = Meter(cores.allowed())
    before = meter.read([])
    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()
    assert meter.read([]).since(before).ours >= LEAST


def test_a_session_of_ours_is_ours(computer: subprocess.Popen[str]) -> None:
    meter = Meter(cores.allowed())
    before = meter.read([computer.pid])
    assert computer.stdout is not None
    computer.stdout.readline()
    found = meter.read([computer.pid]).since(before)
    assert LEAST <= found.ours <= MOST


def test_any_other_is_not(computer: subprocess.Popen[str]) -> None:
    meter = Meter(cores.allowed())
    if not meter.fine:
        pytest.skip("this kernel counts no nanoseconds a core")
    before = meter.read([])
    assert computer.stdout is not None
    computer.stdout.readline()
    found = meter.read([]).since(before)
    assert found.ours < LEAST
    assert found.others >= LEAST
