"""An NVIDIA GPU, through NVML: the first one that CUDA_VISIBLE_DEVICES leaves visible.

NVML ignores that variable and numbers by bus, so the first entry is looked up by its number or
its UUID. Memory of a process is what the driver counts, the CUDA context included.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache
from typing import Any

from adapters.base import Precision

PRECISIONS: tuple[Precision, ...] = ("fp32", "tf32", "bf16")
CEILINGS = PRECISIONS


@lru_cache(maxsize=1)
def _nvml() -> Any:
    """The library, initialised once; None without a driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def _handle(nvml: Any) -> Any:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    if visible.startswith("GPU-"):
        return nvml.nvmlDeviceGetHandleByUUID(visible)
    return nvml.nvmlDeviceGetHandleByIndex(int(visible))


def _asked(question: str) -> Any:
    """One NVML question about our GPU; None where it, or the driver, has no answer."""
    nvml = _nvml()
    if nvml is None:
        return None
    with suppress(nvml.NVMLError, ValueError):
        return getattr(nvml, question)(_handle(nvml))
    return None


def why_not() -> str:
    """No driver, or no such device."""
    if _nvml() is None:
        return "no NVIDIA driver found (NVML does not answer); use --device cpu"
    if _asked("nvmlDeviceGetName") is None:
        wanted = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
        return f"no GPU {wanted!r} here; set CUDA_VISIBLE_DEVICES, or use --device cpu"
    return ""


def facts() -> dict[str, Any]:
    """Name, memory, driver and the CUDA version it can serve; the frameworks name theirs."""
    nvml = _nvml()
    memory, cuda = _asked("nvmlDeviceGetMemoryInfo"), 0
    with suppress(nvml.NVMLError):
        cuda = nvml.nvmlSystemGetCudaDriverVersion()
    return {
        "name": _asked("nvmlDeviceGetName"),
        "memory_bytes": None if memory is None else memory.total,
        "driver": nvml.nvmlSystemGetDriverVersion(),
        "version": f"{cuda // 1000}.{cuda % 1000 // 10}",
    }


def joules() -> float | None:
    """The board's counter since the driver was loaded; GPUs before Volta have none."""
    millijoules = _asked("nvmlDeviceGetTotalEnergyConsumption")
    return None if millijoules is None else millijoules / 1000


def use(pid: int) -> dict[str, float]:
    """Memory of the process, and the device's share of the last sampling period in kernels."""
    found: dict[str, float] = {}
    for process in _asked("nvmlDeviceGetComputeRunningProcesses") or []:
        if process.pid == pid and process.usedGpuMemory is not None:
            found["memory_bytes"] = float(process.usedGpuMemory)
    rates = _asked("nvmlDeviceGetUtilizationRates")
    if rates is not None:
        found["busy_percent"] = float(rates.gpu)
    return found


def others(pid: int) -> list[int]:
    """Process ids that compute on it beside `pid`. None are told until it computes itself: in a
    container the driver names processes by the host's numbers, so ours is not among them and
    nobody can say which are strangers."""
    running_now = running()
    return [other for other in running_now if other != pid] if pid in running_now else []


def running() -> list[int]:
    """Every process that computes on it, by the driver's numbers."""
    return sorted(p.pid for p in _asked("nvmlDeviceGetComputeRunningProcesses") or [])
