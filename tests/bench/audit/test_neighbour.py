"""The neighbour: its rhythm, that it computes, and that it never outlives its parent."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from itertools import islice

import psutil
import pytest

from bench.audit.neighbour import Kind, beside, schedule
from bench.run.environments import PROJECT


def running() -> list[psutil.Process]:
    """Neighbours that are children of this process or of one that it started."""
    return [
        p
        for p in psutil.Process().children(recursive=True)
        if p.status() != psutil.STATUS_ZOMBIE and "bench.audit.neighbour" in p.cmdline()
    ]


def test_half_is_busy_half_the_time() -> None:
    parts = list(islice(schedule("half", random.Random(0)), 10))
    assert set(parts) == {(0.05, 0.05)}


def test_bursts_last_a_second_and_pauses_a_second_on_average() -> None:
    busy, rest = zip(*islice(schedule("bursts", random.Random(0)), 20_000), strict=True)
    assert set(busy) == {1.0}
    mean = sum(rest) / len(rest)
    assert mean == pytest.approx(1.0, abs=0.03)
    # Of an exponential law the deviation is the mean, and 1 / e lies beyond it.
    assert sum(r > mean for r in rest) / len(rest) == pytest.approx(0.368, abs=0.02)


@pytest.mark.parametrize("kind", ["half", "bursts"])
def test_it_computes_while_we_are_beside_it_and_no_longer(kind: Kind) -> None:
    with beside(kind):
        (neighbour,) = running()
        before = sum(neighbour.cpu_times()[:2])
        ends = time.monotonic() + 30
        while sum(neighbour.cpu_times()[:2]) < before + 0.1:
            assert time.monotonic() < ends, "it does not compute"
            time.sleep(0.05)
    assert not running()


def test_quiet_has_no_neighbour() -> None:
    with beside("quiet"):
        assert not running()


def test_a_neighbour_that_ended_is_no_neighbour() -> None:
    with pytest.raises(RuntimeError, match="had ended"), beside("half"):
        (neighbour,) = running()
        neighbour.kill()
        neighbour.wait(30)


def test_it_ends_with_its_parent_however_that_ends() -> None:
    code = (
        "import time\nfrom bench.audit.neighbour import beside\n"
        "with beside('half'):\n    print('on', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"on\n"
        (neighbour,) = running()
        parent.send_signal(signal.SIGKILL)
    psutil.wait_procs([neighbour], timeout=30)
    assert not neighbour.is_running() or neighbour.status() == psutil.STATUS_ZOMBIE
