"""Whether a contender runs as its job says and as a user would, by the settings it reads back."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.base import Device, Precision, Setting
from bench.proof.checks import Check, count
from bench.proof.trial import Trial

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
    if modes := debugging(settings):
        differing.append(f"a mode for debugging is on ({modes}), the job has none")
    return "settings differ from the job: " + "; ".join(differing) if differing else ""


def debugging(settings: Mapping[str, Setting]) -> str:
    """The modes for finding faults that are said to be on; empty for none. The results are the same
    with them, and all is slower: anomaly detection, checks of every value, eager functions."""
    said = str(settings.get("debugging", "none"))
    return "" if said == "none" else said


def checks(t: Trial) -> list[Check]:
    """After all work, because such a mode may come on with a model, or with its first step."""
    modes = debugging(t.adapter.settings())
    return [count("modes for debugging", bool(modes), modes and f"on: {modes}")]
