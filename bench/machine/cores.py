"""Which cores there are for us, and which of them workers are given. Standard library only.

What a process may use is bounded by its affinity and by the quotas of its control groups, its own
and all above it, in either version of them. A quota of half a core is not "none": a thread more
than the quota only waits.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path

TOPOLOGY = Path("/sys/devices/system/cpu")
GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def allowed() -> tuple[int, ...]:
    """The cores this process may run on, by number."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def quota() -> float | None:
    """Cores' worth of time that the tightest control group allows; None without a limit."""
    limits = [limit for folder in _folders("cpu") if (limit := _quota_of(folder)) is not None]
    return min(limits, default=None)


def readable() -> bool:
    """Whether control groups could be looked at: where not, no limit is not "none"."""
    return next(_folders("cpu"), None) is not None


def memory_left() -> int | None:
    """Bytes that the tightest control group still allows, cached files counted as free; None
    without a limit."""
    left = [one for folder in _folders("memory") if (one := _memory_left_of(folder)) is not None]
    return min(left, default=None)


def _memory_left_of(folder: Path) -> int | None:
    for limit_name, used_name, cached in (
        ("memory.max", "memory.current", "file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache"),
    ):
        limit, used = _text(folder / limit_name), _text(folder / used_name)
        if limit and used and limit.isdigit() and used.isdigit() and int(limit) < 2**60:
            lines = (_text(folder / "memory.stat") or "").splitlines()
            free = next((int(x.split()[1]) for x in lines if x.split()[0] == cached), 0)
            return max(0, int(limit) - int(used) + free)
    return None


def oom_kills() -> int | None:
    """How many processes the kernel has killed in our control groups for their memory limits; None
    where it does not count them."""
    counts = []
    for folder in _folders("memory"):
        for name in ("memory.events", "memory.oom_control"):
            for line in (_text(folder / name) or "").splitlines():
                word, _, count = line.partition(" ")
                if word == "oom_kill" and count.strip().isdigit():
                    counts.append(int(count))
    return max(counts, default=None)


def memory_limit() -> int | None:
    """Bytes that the tightest control group allows; None without a limit."""
    names = ("memory.max", "memory.limit_in_bytes")
    texts = [_text(folder / name) for folder in _folders("memory") for name in names]
    limits = [int(text) for text in texts if text and text.isdigit()]
    return min((limit for limit in limits if limit < 2**60), default=None)


def usable() -> int:
    """How many threads can really run at once: the default of ``--threads``."""
    limit = quota()
    cores = len(allowed())
    return cores if limit is None else max(1, min(cores, ceil(limit - 0.01)))


def chosen(threads: int) -> tuple[int, ...]:
    """The cores all workers are pinned to: one of each pair of siblings first, so that two threads
    share no core while another is free. All allowed cores where there are fewer."""
    seen: set[int] = set()
    first: list[int] = []
    second: list[int] = []
    for core in allowed():
        (second if core in seen else first).append(core)
        seen |= siblings(core)
    return tuple(sorted([*first, *second][:threads]))


@contextmanager
def pinned(cores: Iterable[int]) -> Iterator[None]:
    """What this thread starts inside inherits these cores; afterwards it is as before."""
    before = allowed()
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    os.sched_setaffinity(0, set(cores))
    try:
        yield
    finally:
        os.sched_setaffinity(0, set(before))


def siblings(core: int) -> set[int]:
    """Hyper-threads that share a core with this one, itself among them."""
    text = _text(TOPOLOGY / f"cpu{core}" / "topology" / "thread_siblings_list")
    found = {core}
    for part in (text or "").split(","):
        low, _, high = part.partition("-")
        if low.strip().isdigit():
            found |= set(range(int(low), int(high or low) + 1))
    return found


def _folders(controller: str) -> Iterator[Path]:
    """The folders of our control group for a controller and of all its parents, innermost first.

    Inside a container the path that /proc names may not exist under the mount: then only the
    mount's own folder can be read, which is the container's.
    """
    for line in (_text(MEMBERSHIP) or "").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers == "":
            home = GROUPS / "unified" if (GROUPS / "unified").exists() else GROUPS
        elif controller in controllers.split(","):
            home = GROUPS / controllers if (GROUPS / controllers).exists() else GROUPS / controller
        else:
            continue
        inner = home / path.lstrip("/")
        while inner != home and home in inner.parents:
            if inner.exists():
                yield inner
            inner = inner.parent
        if home.exists():
            yield home


def _quota_of(folder: Path) -> float | None:
    text = _text(folder / "cpu.max")
    if text is not None:
        limit, _, period = text.partition(" ")
    else:
        limit = _text(folder / "cpu.cfs_quota_us") or ""
        period = _text(folder / "cpu.cfs_period_us") or ""
    if not limit.isdigit() or not period.isdigit() or not int(period):
        return None  # "max", or version 1's -1
    return int(limit) / int(period)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None
