"""A GPU that is not there: stands for the module `pynvml`, with one device of known readings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

JOULES_A_LOOK = 2.5
TOTAL_BYTES = 24 * 2**30


class FakeNvml:
    """The calls that bench/machine/devices/cuda.py makes.

    processes: memory by process id, or a function that says so when asked. busy: percent. driver:
    False, and nothing answers. The energy counter goes up by `JOULES_A_LOOK` each time it is read.
    """

    class NVMLError(Exception):
        """As pynvml's: the base of all it raises."""

    def __init__(
        self,
        processes: Mapping[int, int] | Callable[[], Mapping[int, int]] = MappingProxyType({}),
        busy: int = 0,
        driver: bool = True,
    ) -> None:
        self.processes, self.busy, self.driver = processes, busy, driver
        self.looks = 0

    def nvmlInit(self) -> None:
        if not self.driver:
            raise self.NVMLError("driver not loaded")

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:
        if index != 0:
            raise self.NVMLError("invalid argument")
        return "the GPU"

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        if uuid != "GPU-1":
            raise self.NVMLError("not found")
        return "the GPU"

    def nvmlDeviceGetName(self, handle: str) -> str:
        return "Fake GPU"

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> Any:
        return SimpleNamespace(total=TOTAL_BYTES)

    def nvmlSystemGetDriverVersion(self) -> str:
        return "999.1"

    def nvmlSystemGetCudaDriverVersion(self) -> int:
        return 13010

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: str) -> int:
        self.looks += 1
        return int(1000 * JOULES_A_LOOK * self.looks)

    def nvmlDeviceGetUtilizationRates(self, handle: str) -> Any:
        return SimpleNamespace(gpu=self.busy)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> list[Any]:
        now = self.processes() if callable(self.processes) else self.processes
        return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in now.items()]
