"""MLPerf's ``:::MLLOG`` lines, as mlperf-logging parses them.

Times are the moment the record was written less the measured durations, so an epoch's length is
exact, and the untimed evaluation between epochs takes none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bench.records.metrics import task_of
from bench.records.record import Cell
from bench.records.results import Results
from bench.records.schema import Launch, RunFile
from bench.report.exporting import Options, measured_cells
from tasks.errors import UserError
from tasks.spec.network import Task

NAME = "mllog"
SHOWS_FAILURES = False
POINT, START, END = "POINT_IN_TIME", "INTERVAL_START", "INTERVAL_END"


def export(results: Results, options: Options) -> str:
    """Each launch's training, one after another; "aborted" where the task's target score was not
    reached."""
    lines = [
        ":::MLLOG " + json.dumps(event)
        for result in measured_cells(results)
        for launch in result.good
        if len(launch.rounds("learn"))
        for event in _events(results.about, launch)
    ]
    if not lines:
        raise UserError("no launch of this run holds a training, so there is no MLLOG to write")
    return "\n".join(lines) + "\n"


def _events(about: RunFile, launch: Launch) -> Iterator[dict[str, Any]]:
    epochs, scores = launch.rounds("learn"), launch.launch.readings.epoch_scores
    s = launch.launch.seconds
    cold = sum(part or 0.0 for part in (s.import_, s.build, s.stage, s.first_step))
    task = task_of(launch.job)
    now = datetime.fromisoformat(launch.datetime or about.created).timestamp()
    now -= cold + float(epochs.sum())

    def event(kind: str, key: str, value: Any = None, **metadata: Any) -> dict[str, Any]:
        where = {"file": "bench/report/exports/mllog.py", "lineno": 0, "launch": launch.job.id}
        return {
            "namespace": "",
            "time_ms": round(now * 1000),
            "event_type": kind,
            "key": key,
            "value": value,
            "metadata": {**where, **metadata},
        }

    facts = _submission(about, launch.cell, task) | {"seed": launch.job.seed}
    yield from (event(POINT, key, value) for key, value in facts.items())
    yield event(START, "init_start")
    now += cold
    yield event(END, "init_stop")
    yield event(START, "run_start")
    for number, seconds in enumerate(epochs, 1):
        yield event(START, "epoch_start", number, epoch_num=number)
        now += float(seconds)
        yield event(END, "epoch_stop", number, epoch_num=number)
        metric = about.datasets[launch.cell.task].metric
        if number <= len(scores):
            yield event(POINT, "eval_accuracy", scores[number - 1], epoch_num=number, metric=metric)
    readings = launch.launch.readings
    missed = readings.target is not None and readings.time_to_target is None
    yield event(END, "run_stop", None, status="aborted" if missed else "success")


def _submission(about: RunFile, cell: Cell, task: Task | None) -> dict[str, Any]:
    """What MLPerf wants to know of a run before it begins."""
    train_rows, test_rows = about.datasets[cell.task].rows
    facts = {
        "submission_benchmark": cell.task,
        "submission_platform": f"{about.machine.cpu} {cell.implementation} {cell.threads}t",
        "train_samples": train_rows,
        "eval_samples": test_rows,
    }
    if task is None:  # a task that neither its records nor this catalogue describes
        return facts
    return facts | {
        "global_batch_size": task.batch_size,
        "opt_name": type(task.optimizer).__name__.lower(),
        "opt_base_learning_rate": task.optimizer.learning_rate,
    }
