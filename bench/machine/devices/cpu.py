"""The processor. Its memory and load are read by the worker (bench/machine/readings.py), so only
energy is left: Intel's and AMD's running counters, where the kernel shows them to this user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.base import Precision

PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")
CEILINGS: tuple[Precision, ...] = ("fp32",)  # bfloat16 is slow where the CPU has no unit for it
POWERCAP = Path("/sys/class/powercap")


def why_not() -> str:
    """There is always one."""
    return ""


def facts() -> dict[str, Any]:
    """Nothing that the machine's own fingerprint (bench/machine/readings.py) lacks."""
    return {}


def joules() -> float | None:
    """All packages together. The counters start anew at their range: a difference may be below
    zero, and is then no reading."""
    try:
        counters = [p / "energy_uj" for p in sorted(POWERCAP.glob("intel-rapl:[0-9]"))]
        return sum(int(c.read_text(encoding="utf-8")) for c in counters) / 1e6 if counters else None
    except (OSError, ValueError):
        return None  # root's alone, on most systems


def use(pid: int) -> dict[str, float]:
    """Nothing that the worker does not say itself."""
    return {}


def others(pid: int) -> list[int]:
    """Who else computes here is a share, not a list: bench/judge/disturbed.py judges it."""
    return []
