"""What device JAX computes on, and what it says of it."""

from __future__ import annotations

import importlib.util

import jax

from adapters.base import Device, Setting, Unsupported, modes_on

PLUGIN = "jax_cuda13_plugin"  # what jax[cuda13] adds, and jax alone has not


def device_of(device: Device) -> jax.Device:
    """The first device of that name, alone in this process.

    Raises `Unsupported` with JAX's own reason, such as a driver that is too old, where there is
    none.
    """
    jax.config.update("jax_platforms", device)
    try:
        return jax.devices(device)[0]
    except (RuntimeError, AssertionError) as error:  # the latter where no GPU is visible at all
        reason = f"this JAX sees no {device} device"
        if device == "cuda" and importlib.util.find_spec(PLUGIN) is None:
            reason += f": it is installed for CPUs only (without {PLUGIN})"
        elif said := " ".join(str(error).split()):
            reason += f": {said}"
        raise Unsupported(reason) from error


# Its modes for finding faults: each compiles less, or looks at every value.
_DEBUGGING = ("disable_jit", "debug_nans", "debug_infs", "enable_checks", "check_tracer_leaks")


def debugging() -> str:
    """Which of them are on, as `settings` say it."""
    return modes_on({f"jax_{name}": getattr(jax.config, f"jax_{name}") for name in _DEBUGGING})


def told(device: jax.Device) -> dict[str, Setting]:
    """What the device and its memory say. The memory that a GPU's arrays took at the most is not
    what the driver counts: JAX asks for more beforehand."""
    memory = device.memory_stats() or {}
    cuda = device.platform == "gpu"
    return {
        "device": "cuda" if cuda else device.platform,
        "cuda_device": device.device_kind if cuda else "none",
        "platform_version": " ".join(device.client.platform_version.split()),
        "arrays_peak_mib": int(memory.get("peak_bytes_in_use", 0)) // 2**20 if cuda else "none",
    }
