"""Whether `wait` waits: work that goes on after it has returned was timed by nobody."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, sleep
from typing import Any

# Late work under a tenth of what was timed, or this, is a reading's own noise.
SHARE, SECONDS = 0.1, 2e-3
# Calls one after the other before the weights are read: what a short call leaves adds up.
MOST_CALLS, FEWEST_CALLS, BURST_SECONDS = 64, 2, 0.1
BURSTS = 2
TRIES = 5  # before work that went on is believed
REST_SECONDS = 0.05  # longer than any single call of what is tried


def work_after_wait(adapter: Any, call: Callable[[], object]) -> float:
    """Seconds by which reading the weights right after `wait` takes longer than at rest: after one
    more call, and a pause in which all that it left behind ends.

    Both readings follow a call, because a framework may keep what was read: JAX hands the same
    array out again, which saves it the way from a GPU. A round may leave garbage behind (Keras on
    PyTorch: 0.4 s worth to collect). Collected during the first reading it would pass for late
    work, so the collector rests meanwhile.
    """
    gc.disable()
    try:
        first = _reading_seconds(adapter)
        call()
        adapter.wait()
        sleep(REST_SECONDS)
        return first - _reading_seconds(adapter)
    finally:
        gc.enable()


def _reading_seconds(adapter: Any) -> float:
    started = perf_counter()
    adapter.wait()
    adapter.weights()
    return perf_counter() - started


@dataclass(frozen=True)
class Late:
    """Late work after some timed calls. Of several tries the least: what is always late is meant,
    not what another program delayed once."""

    seconds: float
    timed_seconds: float

    @property
    def reason(self) -> str:
        """Why the times are not true, in words; empty when what was late is noise."""
        if self.seconds <= max(SHARE * self.timed_seconds, SECONDS):
            return ""
        return f"work went on for {self.seconds:.3f} s after wait() returned"


def persistent(late: Late, again: Callable[[], Late]) -> Late:
    """What is late every time. Where it seems so once, it is tried again: another program may have
    had the core just then, and a fault is there each time."""
    tries = [late]
    while tries[-1].reason and len(tries) < TRIES:
        tries.append(again())
    return min(tries, key=lambda one: one.seconds / max(one.timed_seconds, SECONDS))


def after_bursts(adapter: Any, call: Callable[[], object], each_seconds: float) -> Late:
    """What is late after bursts of calls, each of which takes `each_seconds` by the clock."""
    calls = max(FEWEST_CALLS, min(MOST_CALLS, int(BURST_SECONDS / max(each_seconds, 1e-9))))
    timed, late = [], []
    for _ in range(BURSTS):
        started = perf_counter()
        for _ in range(calls):
            call()
        timed.append(perf_counter() - started)
        late.append(work_after_wait(adapter, call))
    return Late(min(late), min(timed))
