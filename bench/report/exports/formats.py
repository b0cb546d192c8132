"""One run in the formats other tools read. Pure: records in, text out.

- pytest-benchmark JSON, for ``pytest-benchmark compare``;
- github-action-benchmark's custom JSON, one direction a file;
- Bencher Metric Format (https://bencher.dev/docs/reference/bencher-metric-format);
- MLPerf's ``:::MLLOG`` lines, as mlperf-logging parses them.

Formats for people reading a CI job are in bench/report/exports/ci.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import numpy as np

from bench.records import tidy
from bench.records.metrics import METRICS, better_in, rounds
from bench.records.record import Cell, Record, job_of
from tasks.catalogue.every import TASKS
from tasks.errors import UserError
from tasks.spec.network import Task

PHASES = ("learn", "train", "step", "infer", "latency")
About = dict[str, Any]


def measured_cells(records: list[Record]) -> dict[Cell, list[Record]]:
    """Cells with a good launch, without A/A copies; `UserError` when there is none."""
    groups = {
        cell: tidy.good(group)
        for cell, group in tidy.by_cell(records).items()
        if not cell.label and tidy.good(group)
    }
    if not groups:
        raise UserError("nothing was measured in this run, so there is nothing to export")
    return groups


def cell_name(cell: Cell) -> str:
    """A cell as one word, the same in every format and run."""
    return f"{cell.task}/{cell.implementation}/{cell.device}/{cell.precision}/{cell.threads}t"


def pytest_benchmark(about: About, records: list[Record]) -> str:
    """One file in pytest-benchmark's layout: an entry a cell and phase.

    Its samples are the launches' medians in seconds, not the pooled rounds: rounds of one
    process are not independent, and pytest-benchmark would take them for it.
    """
    cells = measured_cells(records)
    first = next(iter(cells.values()))[0]
    entries = [
        _pytest_entry(cell, phase, group)
        for cell, group in cells.items()
        for phase in PHASES
        if any(len(rounds(r, phase)) for r in group)
    ]
    whole = {key: first[key] for key in ("machine_info", "commit_info", "version")}
    return json.dumps({**whole, "datetime": about["created"], "benchmarks": entries}, indent=1)


def _pytest_entry(cell: Cell, phase: str, group: list[Record]) -> dict[str, Any]:
    medians = [float(np.median(rounds(r, phase))) for r in group if len(rounds(r, phase))]
    param = cell_name(cell).split("/", 1)[1]
    name = f"{cell.task} {phase}"
    return {
        "group": name,
        "name": f"{name}[{param}]",
        "fullname": f"{cell.task}::{phase}[{param}]",
        "params": {"cell": param},
        "param": param,
        "extra_info": {"phase": phase, "sample": "median of one launch's rounds"},
        "options": {"disable_gc": True, "timer": "perf_counter", "warmup": False},
        "stats": _statistics(np.array(medians)),
    }


def _statistics(seconds: np.ndarray) -> dict[str, Any]:
    """What pytest-benchmark's readers look for, with its names and its meaning of outliers."""
    q1, middle, q3 = (float(q) for q in np.percentile(seconds, [25, 50, 75]))
    low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    centre = float(seconds.mean())
    spread = float(seconds.std(ddof=1)) if len(seconds) > 1 else 0.0
    far = int((abs(seconds - centre) > spread).sum())
    outside = int(((seconds < low) | (seconds > high)).sum())
    return {
        "min": float(seconds.min()),
        "max": float(seconds.max()),
        "mean": centre,
        "stddev": spread,
        "rounds": len(seconds),
        "median": middle,
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": outside,
        "stddev_outliers": far,
        "outliers": f"{far};{outside}",
        "ld15iqr": float(seconds[seconds >= low].min()),
        "hd15iqr": float(seconds[seconds <= high].max()),
        "ops": 1 / centre,
        "total": float(seconds.sum()),
        "data": seconds.tolist(),
        "iterations": 1,
    }


def github_action(records: list[Record], better: Literal["higher", "lower"]) -> str:
    """github-action-benchmark's custom JSON of all metrics of one direction.

    `higher` goes with its tool customBiggerIsBetter, `lower` with customSmallerIsBetter.
    """
    rows = []
    for cell, group in measured_cells(records).items():
        found = tidy.estimates(group)
        for m in METRICS:
            if m.name in found and better_in(m, cell.task) == better:
                e = found[m.name]
                row = {"name": f"{cell_name(cell)} {m.name}", "unit": m.unit, "value": e.value}
                if e.n > 1:
                    row["range"] = f"{e.low:.6g} to {e.high:.6g}"
                rows.append({**row, "extra": f"{m.meaning}; {e.n} launches"})
    return json.dumps(rows, indent=1)


def bencher(records: list[Record]) -> str:
    """Bencher Metric Format: benchmark → measure → value with its 95 % interval."""
    made: dict[str, dict[str, dict[str, float]]] = {}
    for cell, group in measured_cells(records).items():
        measures = made[cell_name(cell)] = {}
        for name, e in tidy.estimates(group).items():
            values = {"value": e.value, "lower_value": e.low, "upper_value": e.high}
            known = {key: value for key, value in values.items() if not math.isnan(value)}
            measures[name.replace("_", "-")] = known
    return json.dumps(made, indent=1)


def mllog(about: About, records: list[Record]) -> str:
    """``:::MLLOG`` lines: each launch's training, one after another; "aborted" where the task's
    target score was not reached.

    Times are the moment the record was written less the measured durations, so an epoch's
    length is exact, and the untimed evaluation between epochs takes none.
    """
    lines = []
    for cell, group in measured_cells(records).items():
        for record in group:
            if len(rounds(record, "learn")):
                lines += [":::MLLOG " + json.dumps(event) for event in _events(about, cell, record)]
    if not lines:
        raise UserError("no launch of this run holds a training, so there is no MLLOG to write")
    return "\n".join(lines) + "\n"


def _events(about: About, cell: Cell, record: Record) -> Iterator[dict[str, Any]]:
    task = next(t for t in TASKS if t.name == cell.task)
    launch = record["launch"]
    epochs = rounds(record, "learn")
    cold = launch["seconds"]
    now = datetime.fromisoformat(record["datetime"] or about["created"]).timestamp()
    now -= sum(cold.values()) + float(epochs.sum())
    job = job_of(record)

    def event(kind: str, key: str, value: Any = None, **metadata: Any) -> dict[str, Any]:
        where = {"file": "bench/report/exports/formats.py", "lineno": 0, "launch": job.id}
        return {
            "namespace": "",
            "time_ms": round(now * 1000),
            "event_type": kind,
            "key": key,
            "value": value,
            "metadata": {**where, **metadata},
        }

    point, start, end = "POINT_IN_TIME", "INTERVAL_START", "INTERVAL_END"
    facts = _submission(about, cell, task) | {"seed": job.seed}
    yield from (event(point, key, value) for key, value in facts.items())
    yield event(start, "init_start")
    now += sum(cold.values())
    yield event(end, "init_stop")
    yield event(start, "run_start")
    for number, seconds in enumerate(epochs, 1):
        yield event(start, "epoch_start", number, epoch_num=number)
        now += float(seconds)
        yield event(end, "epoch_stop", number, epoch_num=number)
        score = launch["readings"]["epoch_scores"][number - 1]
        yield event(point, "eval_accuracy", score, epoch_num=number, metric=task.metric)
    missed = launch["readings"].get("time_to_target", 0.0) is None
    yield event(end, "run_stop", None, status="aborted" if missed else "success")


def _submission(about: About, cell: Cell, task: Task) -> dict[str, Any]:
    """What MLPerf wants to know of a run before it begins."""
    train_rows, test_rows = about["datasets"][cell.task]["rows"]
    return {
        "submission_benchmark": cell.task,
        "submission_platform": f"{about['machine']['cpu']} {cell.implementation} {cell.threads}t",
        "global_batch_size": task.batch_size,
        "train_samples": train_rows,
        "eval_samples": test_rows,
        "opt_name": type(task.optimizer).__name__.lower(),
        "opt_base_learning_rate": task.optimizer.learning_rate,
    }
