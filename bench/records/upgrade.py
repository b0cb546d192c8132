"""Older files in today's form. Pure: JSON in, JSON out; nothing is made up.

Schema 1 (until November 2026) kept neither the task's definition nor whose code measured, memory to
the byte and the kernel to its patch. What it did not keep is left empty, and an empty field equals
no other: such a run is never compared with a newer one silently.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Raw = dict[str, Any]
GIB = 2**30
# The tasks that schema 1 knew whose score is an error; the first runs did not write it down.
_ERRORS = frozenset({"rnn-sequence", "lstm-forecast"})


def kernel(os: str) -> str:
    """ "Linux 6.18.44-fc-v669" → "Linux 6.18": a patch of the kernel is not another machine."""
    found = re.match(r"(\D*\d+\.\d+)", os)
    return found[1] if found else os


def rounded_gib(size_bytes: float) -> int:
    """Whole GiB: kernels keep a little more or less for themselves at each boot."""
    return round(size_bytes / GIB)


def _machine(raw: Raw) -> Raw:
    machine = dict(raw)
    if "memory_bytes" in machine:
        machine["memory_gib"] = rounded_gib(machine.pop("memory_bytes"))
    if isinstance(machine.get("os"), str):
        machine["os"] = kernel(machine["os"])
    return machine


def run(raw: Raw) -> Raw:
    """run.json."""
    added = {
        "suite": {"version": "", "revision": "", "measurement": 0},
        "machine": _machine(raw["machine"]),
        "datasets": {
            task: {"metric": _score(task), **facts} for task, facts in raw["datasets"].items()
        },
        "budget": _budget(raw["budget"]),
        "request": {k: v for k, v in raw["request"].items() if k not in ("until", "repeats")},
    }
    return raw | {"schema": 2} | added


def _budget(raw: Raw) -> Raw:
    """Each contender alone for so many rounds of each phase: of these, the training's is kept."""
    kept = ("learn_epochs", "round_steps", "infer_rows", "timeout_seconds")
    as_now = {"turns": raw["train_rounds"], "slice_seconds": raw["phase_seconds"]}
    return {name: raw[name] for name in kept} | as_now


def _score(task: str) -> str:
    return "rmse" if task in _ERRORS else "accuracy"


def launch(raw: Raw) -> Raw:
    """A launch record."""
    job = raw["launch"]["job"]
    job = job | {"budget": _budget(job["budget"])}
    return raw | {"launch": raw["launch"] | {"schema": 2, "job": job}}


def ceiling(raw: Raw) -> Raw:
    """ceiling.json."""
    return raw | {"schema": 2}


def evidence(raw: Raw) -> Raw:
    """evidence.json."""
    return raw | {"schema": 2, "machine": _machine(raw["machine"])}


def history(raw: Raw) -> Raw:
    """An entry of a history."""
    cells = [{"score": _score(kept["cell"]["task"]), "task": "", **kept} for kept in raw["cells"]]
    added = {"schema": 2, "measurement": 0, "machine": _machine(raw["machine"]), "cells": cells}
    return raw | added


UPGRADES: dict[str, Callable[[Raw], Raw]] = {
    "run": run,
    "launch": launch,
    "ceiling": ceiling,
    "evidence": evidence,
    "history": history,
}
