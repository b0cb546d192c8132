"""The tasks of a sweep with the rows that they are measured on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.plan.sweep import Sweep, points
from bench.records.points import SweepPoint
from bench.run.task_file import FAMILY, OwnTask, OwnTasks
from tasks.data import cache, prepare
from tasks.data.arrays import Arrays, load
from tasks.data.cache import Prepared
from tasks.data.family import About, Decoded
from tasks.errors import UserError
from tasks.spec.network import Task
from tasks.spec.search import Search


def prepared_points(
    works: Sequence[Task | Search], own: OwnTasks, sweeps: Sequence[Sweep], data_dir: Path | None
) -> OwnTasks:
    """By name, every point of these tasks. own: tasks that are the user's, which have their rows.
    `UserError` where a task cannot be varied so, or has too few rows for a batch."""
    found: OwnTasks = {}
    for point, task in points(works, sweeps):
        rows = (
            own[point.base].prepared if point.base in own else prepare.prepare(task.data, data_dir)
        )
        if task.batch_size > rows.rows[0]:
            raise UserError(
                f"--sweep batch={task.batch_size}: {point.base} has {rows.rows[0]} rows to train on"
            )
        found[point.name] = OwnTask(
            task, at_length(rows, point) if point.axis == "length" else rows
        )
    return found


def at_length(prepared: Prepared, point: SweepPoint) -> Prepared:
    """The same rows at another length: each row's last `value` steps, or, of a longer one, the row
    repeated so that it ends as it did. What a row says is changed by it; what it costs is right."""
    arrays = load(prepared.folder)
    length = arrays.x_train.shape[1]
    if length == point.value:
        return prepared
    steps = np.arange(-point.value, 0) % length
    rows = Arrays(
        np.ascontiguousarray(arrays.x_train[:, steps]), arrays.y_train,
        np.ascontiguousarray(arrays.x_test[:, steps]), arrays.y_test,
    )  # fmt: skip
    about = About(
        f"{prepared.id}-length-{point.value}",
        f"{prepared.source}; each row's last {point.value} steps, repeated where it has fewer",
        prepared.licence,
    )
    return cache.keep(FAMILY, Decoded(about, rows, prepared.embedded))
