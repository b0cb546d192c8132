"""What the front page is made of: runs, cells and judged pairs as plain data, nothing dropped.

Numbers are rounded to five digits. A number that does not exist is null, never 0. Units are those
of `bench.records.metrics`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from bench.claims import programs
from bench.judge import breakeven
from bench.records import many
from bench.records.metrics import ALL_METRICS, TARGET, Metric, judged
from bench.records.record import MEASUREMENT
from bench.records.results import CellResult, Results
from bench.report.sections.answer import FAMILIES
from bench.site import deployments, pairs
from tasks.catalogue.every import TASKS

Plain = dict[str, Any]
SHOWN = {TARGET, "energy", "device_memory", "first_step"} | {m.name for m in judged()}
OUTCOMES = {"better": "b", "worse": "w", "equivalent": "e", "undecided": "u"}
_FAMILY = {task.name: task.family for task in TASKS}


def content(runs: Mapping[str, Results], changes: Sequence[Plain] = ()) -> Plain:
    """Everything the page knows. runs: folder → run. changes: of `bench.site.timeline`."""
    return {
        "measurement": MEASUREMENT,
        "metrics": [_metric(m) for m in ALL_METRICS if m.name in SHOWN],
        "families": dict(FAMILIES),
        "runs": [_run(place, results) for place, results in sorted(runs.items())],
        "changes": list(changes),
        "lines": _lines(),
    }


def number(value: float | None) -> float | None:
    """Rounded to five digits; None for what is no number."""
    return float(f"{value:.5g}") if value is not None and isfinite(value) else None


def _metric(m: Metric) -> Plain:
    return {
        "name": m.name, "unit": m.unit, "better": m.better, "meaning": m.meaning,
        "judged": m.kind is not None, "words": m.words,
    }  # fmt: skip


def _lines() -> dict[str, dict[str, int]]:
    """Implementation → family → logical lines of the documented program that it runs."""
    return {
        programs.implementation(framework): {f: size.logical_lines for f, size in of.items()}
        for framework, of in programs.sizes().items()
    }


def _run(place: str, results: Results) -> Plain:
    about, request = results.about, results.about.request
    machine = about.machine
    return {
        "name": place,
        "created": about.created,
        "command": about.command,
        "revision": about.suite.revision,
        "measurement": about.suite.measurement,
        "conditions": many.conditions(about),
        "machine": f"{machine.cpu}, {machine.cores} cores",
        "device": request.device,
        "precision": request.precision,
        "threads": str(request.threads),
        "tasks": {task: _task(results, task) for task in results.tasks},
        "cells": [_cell(result) for result in results.contenders],
        "pairs": _pairs(results),
        "paid": _paid(results),
        "served": deployments.served(results.deployments),
    }


def _task(results: Results, task: str) -> Plain:
    own = results.about.task(task)
    family = _FAMILY.get(task) or (own.family if own else "other")
    return {
        "family": family,
        "score": results.score(task),
        "better": results.better("test_score", task),
    }


def _cell(result: CellResult) -> Plain:
    cell = result.cell
    values = {
        m.name: [number(x) for x in (e.value, e.low, e.high)] + [e.n]
        for m in ALL_METRICS
        if m.name in SHOWN and (e := result.estimates.get(m.name)) is not None
    }
    return {
        "task": cell.task, "implementation": cell.implementation, "framework": cell.framework,
        "division": result.division, "certificate": result.proof, "status": result.status,
        "reason": result.reason, "version": result.version, "values": values,
    }  # fmt: skip


def _pairs(results: Results) -> list[list[Any]]:
    """[task, division, metric, base, new, new over base, low, high, outcome, more sittings, whether
    it is a ratio], of every pair."""
    rows = []
    for m in judged():
        for contest, verdict in pairs.answers(results, m.name):
            q = verdict.question
            rows.append([
                contest.task, contest.division, m.name, q.base, q.new,
                *(number(x) for x in verdict.change), OUTCOMES[verdict.outcome],
                verdict.more_launches, int(q.ratio),
            ])  # fmt: skip
    return rows


def _paid(results: Results) -> list[Plain]:
    """When a mode's later start is paid for, against its framework's usual mode."""
    division = {r.cell.implementation: r.division for r in results.contenders}
    return [
        {
            "task": task, "division": division[one.mode], "mode": one.mode,
            "ratio": [number(x) for x in (one.ratio.value, one.ratio.low, one.ratio.high)],
            "steps": number(one.steps), "seconds": number(one.seconds),
        }
        for task in results.tasks
        for one in breakeven.paybacks(results, task)
    ]  # fmt: skip
