"""What the suite must know of a device: one module a kind, all with the functions of `Kind`.

Another kind (Apple's, Intel's) is a module here, found by its name; the adapters take that name in
their constructor. Nothing here imports a framework. Whatever cannot be read is None or
absent, never made up.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol, cast

from adapters.base import Device, Precision
from bench.discover import members
from tasks.errors import UserError


class DeviceKind(Protocol):
    """The functions of a device's module."""

    PRECISIONS: tuple[Precision, ...]
    """What its arithmetic units can do; a framework may offer less."""

    CEILINGS: tuple[Precision, ...]
    """In which each run measures its ceiling, whatever it computes in itself."""

    def why_not(self) -> str:
        """Why it cannot be used here, with what to do; empty when it can."""

    def facts(self) -> dict[str, Any]:
        """For the fingerprint of a run: name, memory, driver."""

    def joules(self) -> float | None:
        """Reading of its energy counter; only differences mean anything."""

    def use(self, pid: int) -> dict[str, float]:
        """Now: "memory_bytes" that this process holds on it, "busy_percent" of the device."""

    def others(self, pid: int) -> list[int]:
        """Other processes that compute on it; empty where each core is shared anyway (a CPU)."""


KINDS: dict[Device, DeviceKind] = {
    module.__name__.rsplit(".", 1)[1]: cast(DeviceKind, module)
    for module in members("bench.machine.devices")
    if hasattr(module, "PRECISIONS")
}


def kind_of(device: Device) -> DeviceKind:
    """The module of that name; `UserError` when there is none."""
    if device not in KINDS:
        raise UserError(f"--device {device}: no such device; choose from: {', '.join(KINDS)}")
    return KINDS[device]


class Watch:
    """What one worker did to its device, looked at from outside while it worked.

    ours: processes of the same sitting, which are no strangers on the device. Energy is counted
    between `begin` and `end`, when the device is this worker's alone.
    """

    def __init__(self, kind: DeviceKind, pid: int, ours: Collection[int] = ()) -> None:
        self._kind, self._pid, self._ours = kind, pid, ours
        self._before: float | None = None
        self._joules: float | None = None
        self._memory: list[float] = []
        self._busy: list[float] = []
        self._others: set[int] = set()

    def begin(self) -> None:
        """It works from now on."""
        self._before = self._kind.joules()

    def end(self) -> None:
        """It has stopped working."""
        after = self._kind.joules()
        if self._before is not None and after is not None and after >= self._before:
            # Less: the counter began anew.
            self._joules = (self._joules or 0.0) + after - self._before

    def look(self) -> None:
        """One sample; the runner takes several a second."""
        now = self._kind.use(self._pid)
        if "memory_bytes" in now:
            self._memory.append(now["memory_bytes"])
        if "busy_percent" in now:
            self._busy.append(now["busy_percent"])
        self._others.update(set(self._kind.others(self._pid)) - set(self._ours))

    def found(self) -> dict[str, Any]:
        """Peak memory, mean share of the time it was busy, energy, other processes seen."""
        found: dict[str, Any] = {}
        if self._memory:
            found["peak_memory_bytes"] = max(self._memory)
        if self._busy:
            found["mean_busy_percent"] = sum(self._busy) / len(self._busy)
        if self._joules is not None:
            found["joules"] = self._joules
        if self._others:
            found["other_processes"] = len(self._others)
        return found
