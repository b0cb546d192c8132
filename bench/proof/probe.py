"""Values inside a network, read through the contract: a network whose weights make them readable.

The layer that is looked at is followed by one dense layer with zero weights and a cross-entropy
with a class for every staged row, and one class that no row has. A step of SGD then writes each
row's values into a column of its own, beside a sum that the unused column holds alone:
kernel[:, unused] - kernel[:, label] = rate / batch · (values of all rows with that label).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.spec.layers import Dense, Flatten, Layer, Shape
from tasks.spec.network import Task, layer_name, parameter_shapes
from tasks.spec.training import SGD
from tasks.weights import Weights

# So small that the steps of one call see the zero weights they started from.
RATE = 1e-9


def reading_task(
    task: Task, name: str, shape: Shape, body: tuple[Layer, ...], rows: int, batch: int
) -> Task:
    """`body` and what reads it, for `rows` staged rows of `shape` in batches of `batch`."""
    return replace(
        task,
        name=name,
        input_shape=shape,
        layers=(*body, Flatten(), Dense(rows + 1)),
        loss="sparse_categorical_crossentropy",
        metric="accuracy",
        optimizer=SGD(RATE),
        batch_size=batch,
        early_stopping=None,
        proof=None,
    )


def nothing(task: Task) -> Weights:
    """All weights zero."""
    return {name: np.zeros(shape, np.float32) for name, shape in parameter_shapes(task).items()}


def reading_kernel(task: Task) -> str:
    """The name of the kernel that is read."""
    index = len(task.layers) - 1
    return f"{layer_name(index, task.layers[index])}/kernel"


def values(task: Task, before: Weights, after: Weights) -> np.ndarray:
    """float64 (rows, values): for each label the values of its rows, summed over the steps."""
    name = reading_kernel(task)
    moved = after[name].astype(np.float64) - before[name]
    apart = moved[:, -1:] - moved[:, :-1]
    return np.asarray(-apart.T * task.batch_size / RATE)
