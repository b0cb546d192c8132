"""Whether a contender runs as its job says, by the settings it reads back."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.base import Device, Precision, Setting

ASKED = ("device", "precision", "threads")


def unlike_job(
    settings: Mapping[str, Setting], device: Device, precision: Precision, threads: int
) -> str:
    """What differs between the settings read back and the job, in words; empty when nothing."""
    asked = {"device": device, "precision": precision, "threads": threads}
    differing = [
        f"{name} is {settings.get(name, 'not said')}, the job has {value}"
        for name, value in asked.items()
        if str(settings.get(name)) != str(value)
    ]
    if not settings.get("version"):
        differing.append("no version is said")
    return "settings differ from the job: " + "; ".join(differing) if differing else ""
