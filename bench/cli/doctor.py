"""``bench doctor``: reads the machine for bench/machine/doctor.py and prints what it says."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from time import sleep
from typing import Annotated

import psutil
import typer
from rich.console import Console

from bench.machine import cores
from bench.machine.devices import cuda
from bench.machine.doctor import Gpu, MachineReadings, Process, judge
from bench.report.layouts import terminal
from bench.run import environments
from bench.run.session import default_threads

CPU = Path("/sys/devices/system/cpu")
WATCHED_SECONDS = 2.0


def doctor(
    threads: Annotated[
        int | None, typer.Option(min=1, help="As for `bench run`.", show_default="all cores")
    ] = None,
    strict: Annotated[bool, typer.Option(help="Exit status 1 when something warns.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at the machine before a run: what would spoil it, worst first, and what to do."""
    findings = judge(read(threads or default_threads()))
    warnings = [f for f in findings if f.verdict == "warn"]
    if as_json:
        typer.echo(json.dumps([asdict(f) for f in findings], indent=1))
    else:
        console = Console()
        terminal.print_rows(console, "This machine", [asdict(f) for f in findings])
        first = warnings[0] if warnings else None
        word = f"worth fixing first: {first.what}: {first.advice}" if first else "fit to measure on"
        console.print(word, markup=False, highlight=False)
    raise typer.Exit(1 if strict and warnings else 0)


def read(threads: int) -> MachineReadings:
    """Read everything; takes `WATCHED_SECONDS`, in which the CPU is watched."""
    busy, steal, processes = _watch()
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    return MachineReadings(
        threads=threads,
        cores=default_threads(),
        quota_cores=cores.quota(),
        busy_cores=busy,
        steal_cores=steal,
        load=os.getloadavg()[0],
        processes=processes,
        memory_bytes=_memory_bytes(),
        disk_bytes=min(_disk_bytes(Path.cwd()), _disk_bytes(environments.folder())),
        governors=_governors(),
        turbo=_turbo(),
        throttled=_throttled(),
        on_battery=None if battery is None else not battery.power_plugged,
        clock=_text(Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")),
        gpus=_gpus(),
        groups_readable=cores.readable(),
    )


def _watch() -> tuple[float, float | None, tuple[Process, ...]]:
    """Over the watched time: CPU seconds a second of others, of the hypervisor, by process."""
    own = os.getpid()
    before, start = _process_seconds(), psutil.cpu_times()
    mine = psutil.Process().cpu_times()
    sleep(WATCHED_SECONDS)
    after, end = _process_seconds(), psutil.cpu_times()
    used = psutil.Process().cpu_times()
    idle = {"idle", "iowait", "steal", "guest", "guest_nice"}  # guests are in user already
    busy = sum(getattr(end, f) - getattr(start, f) for f in end._fields if f not in idle)
    busy -= used.user + used.system - mine.user - mine.system
    steal = (end.steal - start.steal) / WATCHED_SECONDS if hasattr(end, "steal") else None
    rates = [
        Process(pid, name, (seconds - before[pid, name]) / WATCHED_SECONDS)
        for (pid, name), seconds in after.items()
        if (pid, name) in before and pid != own
    ]
    rates.sort(key=lambda p: -p.cores)
    return max(0.0, busy / WATCHED_SECONDS), steal, tuple(rates[:5])


def _process_seconds() -> dict[tuple[int, str], float]:
    found = {}
    for process in psutil.process_iter(["name", "cpu_times"]):
        times = process.info["cpu_times"]
        if times is not None:
            found[process.pid, str(process.info["name"])] = times.user + times.system
    return found


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _memory_bytes() -> int:
    available = int(psutil.virtual_memory().available)
    left = cores.memory_left()
    return available if left is None else min(available, left)


def _disk_bytes(path: Path) -> int:
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def _governors() -> tuple[str, ...] | None:
    found = {_text(p) for p in CPU.glob("cpu[0-9]*/cpufreq/scaling_governor")} - {None}
    return tuple(sorted(map(str, found))) or None


def _turbo() -> bool | None:
    off, boost = _text(CPU / "intel_pstate" / "no_turbo"), _text(CPU / "cpufreq" / "boost")
    if off is not None:
        return off == "0"
    return None if boost is None else boost == "1"


def _throttled() -> int | None:
    counts = [_text(p) for p in CPU.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")]
    return sum(int(c) for c in counts if c) if counts else None


def _gpus() -> tuple[Gpu, ...]:
    """The one that would be measured on; none without a driver."""
    if cuda.why_not():
        return ()
    ours = os.getpid()
    busy = cuda.use(ours).get("busy_percent", 0.0)
    return (Gpu(str(cuda.facts()["name"]), busy, tuple(cuda.running())),)
