"""Is this machine fit to measure on? Pure: readings in, findings out, worst first.

The thresholds are in the functions, each with its reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

GIB = 2**30
STEADY_CLOCKS = ("tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page")


@dataclass(frozen=True)
class Process:
    """Another process; `cores`: CPU seconds a second while the machine was watched."""

    pid: int
    name: str
    cores: float


@dataclass(frozen=True)
class Gpu:
    """One GPU as NVML tells; `others`: process ids that compute on it."""

    name: str
    busy_percent: float
    others: tuple[int, ...]


@dataclass(frozen=True)
class MachineReadings:
    """What was read off the machine; None where it cannot be read here.

    cores: that this process may use. quota_cores: CPU limit of its control group, in cores;
    groups_readable: whether control groups could be looked at at all.
    busy_cores, steal_cores: CPU seconds a second, of everything but us, and taken by the
    hypervisor, while watched. load: one-minute load average. memory: available, or what the
    control group still allows. disk: free where runs and environments are kept.
    """

    threads: int
    cores: int
    quota_cores: float | None
    busy_cores: float
    steal_cores: float | None
    load: float
    processes: tuple[Process, ...]
    memory_bytes: int
    disk_bytes: int
    governors: tuple[str, ...] | None
    turbo: bool | None
    throttled: int | None
    on_battery: bool | None
    clock: str | None
    gpus: tuple[Gpu, ...]
    groups_readable: bool = True


@dataclass(frozen=True)
class Finding:
    """One row: what was looked at, its value, the verdict, and what to do when it warns."""

    what: str
    value: str
    verdict: Literal["ok", "warn", "unknown"]
    advice: str = ""


def judge(readings: MachineReadings) -> list[Finding]:
    """All findings: warnings first, what spoils a measurement most on top; then the rest."""
    findings = [check(readings) for check in CHECKS]
    findings += [_gpu(gpu) for gpu in readings.gpus]
    rank = {"warn": 0, "unknown": 1, "ok": 2}
    return sorted(findings, key=lambda f: rank[f.verdict])  # stable: CHECKS is in order of harm


def _found(what: str, value: str, bad: bool | None, advice: str) -> Finding:
    """`bad` None: it could not be read."""
    if bad is None:
        return Finding(what, "not readable here", "unknown")
    return Finding(what, value, "warn" if bad else "ok", advice if bad else "")


def _others(r: MachineReadings) -> Finding:
    # A launch is marked as disturbed at the same share (bench/judge/disturbed.py).
    heavy = [p for p in r.processes if p.cores > 0.1]
    names = ", ".join(f"{p.name} ({p.pid}, {p.cores:.1f} cores)" for p in heavy[:3])
    value = f"{r.busy_cores:.2f} of {r.cores} cores" + (f": {names}" if names else "")
    advice = "stop these, or wait until they end; what they take, a framework lacks"
    return _found("CPU used by others", value, r.busy_cores > 0.05 * r.cores, advice)


def _steal(r: MachineReadings) -> Finding:
    bad = None if r.steal_cores is None else r.steal_cores > 0.02 * r.cores
    advice = "other guests share this host: take a dedicated machine, or another time, or run more"
    return _found("stolen by the hypervisor", f"{r.steal_cores or 0:.2f} cores", bad, advice)


def _quota(r: MachineReadings) -> Finding:
    # With fewer cores of quota than threads, the kernel stops all threads for part of each 100 ms.
    if r.quota_cores is None and not r.groups_readable:
        return _found("CPU limit of the container", "", None, "")
    value = "none" if r.quota_cores is None else f"{r.quota_cores:.1f} cores"
    bad = r.quota_cores is not None and r.quota_cores < r.threads
    least = max(1, int(r.quota_cores or 1))
    return _found("CPU limit of the container", value, bad, f"use --threads {least}, or raise it")


def _threads(r: MachineReadings) -> Finding:
    value = f"{r.threads} threads on {r.cores} cores"
    advice = f"use --threads {r.cores} or fewer: more threads than cores only wait for each other"
    return _found("threads", value, r.threads > r.cores, advice)


def _load(r: MachineReadings) -> Finding:
    # The minute before: says whether the quiet of a second is a pause.
    advice = "the last minute was busy: wait a minute and look again"
    return _found("load of the last minute", f"{r.load:.2f}", r.load > 0.5 * r.cores, advice)


def _throttled(r: MachineReadings) -> Finding:
    bad = None if r.throttled is None else r.throttled > 0
    advice = "the CPU was slowed down for its heat: look to its cooling, or limit its frequency"
    return _found("times slowed down for heat", str(r.throttled), bad, advice)


def _governor(r: MachineReadings) -> Finding:
    if r.governors is None:
        return _found("frequency governor", "", None, "")
    bad = any(name != "performance" for name in r.governors)
    advice = "sudo cpupower frequency-set -g performance"
    return _found("frequency governor", ", ".join(r.governors), bad, advice)


def _battery(r: MachineReadings) -> Finding:
    value = "battery" if r.on_battery else "mains"
    return _found("power", value, bool(r.on_battery), "plug it in: batteries lower frequencies")


def _turbo(r: MachineReadings) -> Finding:
    bad = r.turbo
    advice = "frequency follows heat: switch it off for comparisons (not for absolute numbers)"
    return _found("turbo", "on" if r.turbo else "off", bad, advice)


def _memory(r: MachineReadings) -> Finding:
    # TensorFlow and a data set take about 1 GiB; under 2 GiB the kernel starts to reclaim.
    advice = "close what holds memory: below it launches end as out-of-memory, or swap"
    value = f"{r.memory_bytes / GIB:.1f} GiB"
    return _found("free memory", value, r.memory_bytes < 2 * GIB, advice)


def _disk(r: MachineReadings) -> Finding:
    # All environments on CPU together are about 4 GiB.
    value = f"{r.disk_bytes / GIB:.1f} GiB"
    advice = "free some: environments need about 4 GiB, a run some MiB"
    return _found("free disk", value, r.disk_bytes < 5 * GIB, advice)


def _clock(r: MachineReadings) -> Finding:
    bad = None if r.clock is None else r.clock not in STEADY_CLOCKS
    advice = "each reading of this clock takes microseconds: boot with clocksource=tsc"
    return _found("clock source", r.clock or "", bad, advice)


def _gpu(gpu: Gpu) -> Finding:
    pids = ", ".join(map(str, gpu.others))
    value = f"{gpu.busy_percent:.0f} % busy" + (f", processes {pids}" if pids else "")
    advice = "others compute on it: stop them or take another (CUDA_VISIBLE_DEVICES)"
    return _found(gpu.name, value, bool(gpu.others) or gpu.busy_percent > 5, advice)


CHECKS: tuple[Callable[[MachineReadings], Finding], ...] = (
    _others, _steal, _quota, _threads, _load, _throttled, _governor, _battery, _turbo,
    _memory, _disk, _clock,
)  # fmt: skip
