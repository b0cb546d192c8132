"""What both sides of ``nox -s overhead`` are given."""

from __future__ import annotations

import numpy as np
import pytest

from bench.audit.bare.loops import CHAINS, SIZES
from bench.audit.overhead_pair import rows
from tasks.catalogue.every import TASKS

BY_NAME = {task.name: task for task in TASKS}


@pytest.mark.parametrize("name", SIZES)
def test_rows_are_what_the_task_takes(name: str) -> None:
    task = BY_NAME[name]
    x, y = rows(task, 40)
    assert x.shape == (40, *task.input_shape) and x.dtype == task.input_dtype
    assert y.shape == (40,) and y.dtype == task.target_dtype
    if task.input_dtype == "int32":
        assert x.min() >= 0 and 100 < x.max() < 10_000, "word numbers, from the whole vocabulary"


def test_tasks_that_only_some_loops_have_are_graphs() -> None:
    assert set(SIZES) - set(CHAINS) == {name for name in SIZES if BY_NAME[name].is_graph}
    assert np.all([size.rows >= BY_NAME[name].batch_size for name, size in SIZES.items()])
