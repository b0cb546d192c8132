"""What the machine and the process say of themselves. Standard library only: workers use it."""

from __future__ import annotations

import os
import platform
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.machine import cores

STAT = Path("/proc/stat")
_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def machine() -> dict[str, Any]:
    """The part of the fingerprint that belongs to the machine and the interpreter.

    Memory in whole GiB and the kernel to its minor version: a reboot is not another machine. A
    quota of cores is part of it where there is one.
    """
    found: dict[str, Any] = {
        "cpu": _cpu_model(),
        "cores": len(cores.allowed()),
        "memory_gib": round(memory_bytes() / 2**30),
        "architecture": platform.machine(),
        "os": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
    }
    quota = cores.quota()
    return found if quota is None else found | {"quota_cores": quota}


def memory_bytes() -> int:
    """What there is for us: the machine's, or less where a control group says so."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = cores.memory_limit()
    return whole if limit is None else min(whole, limit)


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def packages() -> dict[str, str]:
    """Every installed distribution of this environment and its version. One that is half installed
    says neither: it is named by its folder."""
    found = dict(map(_distribution, metadata.distributions()))
    return dict(sorted(found.items()))


def _distribution(one: metadata.Distribution) -> tuple[str, str]:
    with suppress(OSError, ValueError, TypeError, KeyError):
        name, version = one.metadata["Name"], one.metadata["Version"]
        if name and version:
            return str(name).lower(), str(version)
    folder = str(getattr(one, "_path", "")).rpartition("/")[2]
    return f"{folder or 'unnamed'} (half installed)", "unknown"


# Names of places and persons, which say nothing of how a worker computes.
_PRIVATE = frozenset(
    {
        "BENCH_CACHE", "BENCH_CARRIED", "BENCH_ENVS", "BENCH_SEARCHES", "BENCH_WORKER",
        "CUDA_CACHE_PATH",
        "CUDA_HOME", "HOME", "KERAS_HOME", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "PYTHONPATH",
        "TMPDIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "USER", "XDG_CACHE_HOME",
    }
)  # fmt: skip


def environment() -> dict[str, str]:
    """Every variable that this process has, but for names of places and persons."""
    kept = {name: value for name, value in sorted(os.environ.items()) if name not in _PRIVATE}
    return {name: without_places(value) for name, value in kept.items()}


def without_places(text: str) -> str:
    """The text with only the last part of each path from the root: a published run names no place
    on the machine that it was made on."""
    return _PLACES.sub("…/", text)


_PLACES = re.compile(r"(?<![\w.-])(/[^/=:\s]+)+/")


PEAK_RSS_FROM = "VmHWM"  # earlier records have none: they were read by getrusage


def peak_rss_bytes() -> int:
    """Peak resident memory of this process since it began its program.

    Not getrusage's: that counts what the process was before, when it was still the runner's
    copy, so no worker could seem smaller than the runner (the contender of known cost showed it).
    """
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{PEAK_RSS_FROM}:"):
            return 1024 * int(line.split()[1])
    raise OSError(f"/proc/self/status tells no {PEAK_RSS_FROM}")


@dataclass(frozen=True)
class Disturbance:
    """What others did to the machine while a launch ran; zeros where it cannot be read.

    steal_seconds: time the hypervisor gave to other guests, all cores. others_cpu_seconds: CPU
    time of all processes but this one and those it started (torch.compile has a compiler at work).
    involuntary_switches: this process was put aside.
    """

    steal_seconds: float
    others_cpu_seconds: float
    involuntary_switches: int

    @staticmethod
    def now() -> Disturbance:
        """Totals since boot (or process start)."""
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        busy, steal = _cpu_totals()
        return Disturbance(steal, busy - _session_seconds(), usage.ru_nivcsw)

    def since(self, before: Disturbance) -> dict[str, float]:
        """The difference to an earlier reading."""
        now, then = asdict(self), asdict(before)
        return {key: max(0.0, now[key] - then[key]) for key in now}


def _cpu_totals() -> tuple[float, float]:
    """Seconds (busy without steal, steal) over the cores that we may run on, from /proc/stat: what
    runs on others does not disturb us."""
    try:
        lines = STAT.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0, 0.0
    ours, busy, stolen = {f"cpu{core}" for core in cores.allowed()}, 0, 0
    for line in lines:
        name, *fields = line.split()
        if name in ours and len(fields) >= 8:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
            busy += user + nice + system + irq + softirq
            stolen += steal
    return busy / _TICK, stolen / _TICK


def _session_seconds() -> float:
    """CPU seconds of all processes of our session, ended children included. The runner starts each
    worker as a session of its own."""
    ours, ticks = str(os.getsid(0)), 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # After the name, which may hold anything: state, parent, group, session, ...
            fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if fields[3] == ours:
            ticks += sum(map(int, fields[11:15]))  # its own and its ended children's
    return ticks / _TICK
