"""Whether late work is seen after short calls, and an honest wait believed."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from time import sleep

import pytest

from bench.worker.waiting import SECONDS, TRIES, Late, after_bursts, persistent

STEP = 2e-3


class Queued:
    """Steps of `STEP` seconds in a thread; `wait` waits for them or does not."""

    def __init__(self, waits: bool) -> None:
        self.waits = waits
        self.pool = ThreadPoolExecutor(1)
        self.running: list[Future[None]] = []

    def step(self) -> None:
        self.running.append(self.pool.submit(sleep, STEP))
        self.wait()

    def wait(self) -> None:
        if self.waits:
            self.weights()

    def weights(self) -> None:
        while self.running:
            self.running.pop().result()


@pytest.mark.parametrize("waits", [True, False])
def test_queued_single_steps_are_seen(waits: bool) -> None:
    """By the clock a queued step takes microseconds, and one alone leaves no more than noise."""
    adapter = Queued(waits)
    late = after_bursts(adapter, adapter.step, STEP if waits else 1e-5)
    assert bool(late.reason) is not waits
    if not waits:
        assert late.seconds > 30 * STEP


def test_noise_is_no_late_work() -> None:
    assert Late(0.9 * SECONDS, 1e-3).reason == ""
    assert Late(0.09, 1.0).reason == ""
    assert "0.110 s" in Late(0.11, 1.0).reason


@pytest.mark.parametrize(
    ("seconds", "tried", "late"),
    [([0.0], 1, False), ([0.02, 0.02, 0.0], 3, False), ([0.02] * TRIES, TRIES, True)],
)
def test_only_what_is_late_each_time_is_late_work(
    seconds: list[float], tried: int, late: bool
) -> None:
    found = iter(Late(one, 0.01) for one in seconds)
    asked: list[Late] = []

    def again() -> Late:
        asked.append(next(found))
        return asked[-1]

    assert bool(persistent(again(), again).reason) is late
    assert len(asked) == tried
