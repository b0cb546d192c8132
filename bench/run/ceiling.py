"""What the machine can do at most: each run measures it before its launches, into RUN/ceiling.json.

Rate of a large matrix product in each precision that matters there, and of copying memory, at the
run's thread count. Every environment of the run measures them in a process of its own; the best
of all is the ceiling, whoever reached it. Reports set what the tasks' products achieve against it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench import discover
from bench.machine.devices.kinds import KINDS
from bench.records.beside import CeilingFile
from bench.records.record import SCHEMA, Request
from bench.records.store import Run, write_json
from bench.run import probes
from bench.run.environments import Environment

FILE = "ceiling.json"


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
    """Ask every environment that is ready, and keep the answers; nothing where that was done. An
    adapter from outside of the suite brings no program to ask."""
    known = run.beside(FILE, CeilingFile)
    if known is not None and known.answers:  # none where no environment was ready
        return
    wanted = list(dict.fromkeys(("fp32", request.precision, *KINDS[request.device].CEILINGS)))
    asked = {"device": request.device, "threads": request.threads, "precisions": wanted}
    answers, programs = {}, _programs()
    for name, environment in sorted(frameworks.items()):
        if environment.status == "ready" and discover.outside_of(name) is None:
            say(f"machine's ceiling: {name}")
            entry = {"part": "ceiling", "framework": programs.get(name, name), **asked}
            answers[name] = probes.ask(entry, environment)
    write_json(run.path / FILE, {"schema": SCHEMA, **asked, "answers": answers}, indent=1)


def best(ceiling: CeilingFile | None, precision: str) -> Ceiling | None:
    """The best that any environment reached in a precision; None where none was measured."""
    answers = ceiling.answers if ceiling else {}
    rates = {
        name: rate.flops
        for name, answer in answers.items()
        if (rate := answer.rates.get(precision)) is not None and rate.flops is not None
    }
    if not rates:
        return None
    by = max(rates, key=lambda name: rates[name])
    copies = [answer.copy_.bytes_per_second or 0.0 for answer in answers.values()]
    return Ceiling(precision, rates[by], _programs().get(by, by), max(copies) or None)
