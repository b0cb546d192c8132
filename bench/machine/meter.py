"""What others took of our cores, read finer than a clock tick. Standard library only.

The kernel counts, for each core, the nanoseconds that any task ran on it (control group cpuacct,
the root's), and for each process the nanoseconds that it ran (its CPU clock). The
difference over a slice is what others ran on our cores. Where the first cannot be read, ticks of
10 ms in /proc/stat stand in: `fine` says which it was.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PER_CPU = Path("/sys/fs/cgroup/cpuacct/cpuacct.usage_percpu")
STAT = Path("/proc/stat")
_SCHED = 2  # of a process's clocks, the one of what the scheduler gave it
_TICK_NS = 10**9 // (os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100)


@dataclass(frozen=True)
class Reading:
    """Nanoseconds since boot: `busy` of our cores by anyone, `ours` by our sessions, `steal` by the
    hypervisor's other guests."""

    busy: int
    ours: int
    steal: int

    def since(self, before: Reading) -> Reading:
        """The difference to an earlier reading."""
        return Reading(self.busy - before.busy, self.ours - before.ours, self.steal - before.steal)

    @property
    def others(self) -> int:
        """Nanoseconds that others ran on our cores; never negative."""
        return max(0, self.busy - self.ours)


class Meter:
    """Reads what runs on some cores. sessions: ids of the sessions whose processes are ours."""

    def __init__(self, cores: Iterable[int]) -> None:
        self.cores = tuple(cores)
        self.fine = _per_cpu() is not None

    def read(self, sessions: Iterable[int]) -> Reading:
        """Now."""
        busy, steal = _ticks(self.cores)
        if self.fine and (counted := _per_cpu()) is not None:
            busy = sum(counted[core] for core in self.cores if core < len(counted))
        return Reading(busy, _sessions(frozenset(sessions)) + _own(), steal)


def _per_cpu() -> list[int] | None:
    try:
        return [int(word) for word in PER_CPU.read_text(encoding="utf-8").split()]
    except (OSError, ValueError):
        return None


def _ticks(cores: tuple[int, ...]) -> tuple[int, int]:
    """Nanoseconds (busy without steal, steal) of these cores, from /proc/stat."""
    busy = steal = 0
    wanted = {f"cpu{core}" for core in cores}
    try:
        lines = STAT.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0, 0
    for line in lines:
        name, *fields = line.split()
        if name in wanted and len(fields) >= 8:
            user, nice, system, _idle, _iowait, irq, softirq, stolen = map(int, fields[:8])
            busy += user + nice + system + irq + softirq
            steal += stolen
    return busy * _TICK_NS, steal * _TICK_NS


def _sessions(leaders: frozenset[int]) -> int:
    """Nanoseconds that the processes of these sessions ran, found by the session's id."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[3]) in leaders:
                total += _process(int(stat.parent.name))
        except (OSError, ValueError, IndexError):
            continue  # it has just ended
    return total


def _own() -> int:
    """This process's own, which reads the meter."""
    return _process(os.getpid())


def _process(pid: int) -> int:
    """Nanoseconds that a process ran, threads that have ended among them: its CPU clock, whose
    number follows from the process's (clock_getcpuclockid(3); the kernel's posix-cpu-timers)."""
    return time.clock_gettime_ns((~pid << 3) | _SCHED)
