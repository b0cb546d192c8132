"""What the machine can do at most: each run measures it before its launches, into RUN/ceiling.json.

Rate of a large matrix product in each precision that matters there, and of copying memory, at the
run's thread count. Every environment of the run measures them in a process of its own; the best
of all is the ceiling, whoever reached it. Reports set what the tasks' products achieve against it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench import discover
from bench.machine.devices.kinds import KINDS
from bench.plan.request import Request
from bench.records.store import Run, write_atomically
from bench.run import probes
from bench.run.environments import Environment

FILE = "ceiling.json"
SCHEMA = 1
Answers = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Ceiling:
    """flops: operations a second in `precision`, reached by the program of `by`.
    copy_bytes_per_second: read and written; None where no copy was measured."""

    precision: str
    flops: float
    by: str
    copy_bytes_per_second: float | None


def _programs() -> dict[str, str]:
    """Environment → the framework whose program it runs, where that is not its own."""
    return {
        installation.environment: installation.ceiling
        for framework in discover.frameworks()
        for installation in framework.installations
        if installation.ceiling
    }


def measure(
    run: Run, request: Request, frameworks: Mapping[str, Environment], say: Callable[[str], None]
) -> None:
    """Ask every environment that is ready, and keep the answers; nothing where that was done."""
    if (run.path / FILE).exists():
        return
    wanted = list(dict.fromkeys(("fp32", request.precision, *KINDS[request.device].CEILINGS)))
    asked = {"device": request.device, "threads": request.threads, "precisions": wanted}
    answers, programs = {}, _programs()
    for name, environment in sorted(frameworks.items()):
        if environment.status == "ready":
            say(f"machine's ceiling: {name}")
            entry = {"part": "ceiling", "framework": programs.get(name, name), **asked}
            answers[name] = probes.ask(entry, environment)
    text = json.dumps({"schema": SCHEMA, **asked, "answers": answers}, indent=1)
    write_atomically(run.path / FILE, text)


def load(run: Run) -> Answers:
    """Environment → what it measured; empty where nothing was.

    Runs from before there was a ceiling.json have float32's in their evidence.
    """
    path = run.path / FILE
    if path.exists():
        answers: Answers = json.loads(path.read_text())["answers"]
        return answers
    old = probes.load(run).get("answers", {}).values()
    return {
        one["request"]["framework"]: {
            "fp32": {"flops": one["answer"]["flops"]},
            "copy": {"bytes_per_second": one["answer"]["copy_bytes_per_second"]},
        }
        for one in old
        if one["request"]["part"] == "ceiling" and "flops" in one["answer"]
    }


def best(answers: Answers, precision: str) -> Ceiling | None:
    """The best that any environment reached in a precision; None where none was measured."""
    rates = {
        name: answer[precision]["flops"]
        for name, answer in answers.items()
        if "flops" in answer.get(precision, {})
    }
    if not rates:
        return None
    by = max(rates, key=lambda name: rates[name])
    copies = [answer.get("copy", {}).get("bytes_per_second", 0.0) for answer in answers.values()]
    return Ceiling(precision, rates[by], _programs().get(by, by), max(copies) or None)
