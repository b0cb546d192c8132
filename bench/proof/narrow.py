"""A narrower network of the same layers, for stretches that would take the oracle minutes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks import flops
from tasks.spec.layers import LSTM, Conv2D, Dense, Embedding, Layer, SimpleRNN
from tasks.spec.network import Task

STEP_OPERATIONS = 1e8  # of a training step: 10 to 20 ms of the oracle
# Over fewer filters one that meets its kink decides the typical one. Three convolutions and pools
# leave one pixel of the side.
FILTERS, UNITS, SIDE = 8, 16, 24


def step_operations(task: Task) -> float:
    """Floating-point operations of the products of one training step."""
    return float(flops.training(task)) * task.batch_size


def narrowed(task: Task) -> Task:
    """The task itself where its steps are cheap; else with few filters and units, and small images.
    The last layer and the order of the layers stay. A graph's widths depend on each other: it stays
    as it is."""
    if task.is_graph or step_operations(task) <= STEP_OPERATIONS:
        return task
    *body, last = task.layers
    shape = task.input_shape
    if isinstance(body[0], Conv2D):
        shape = (min(shape[0], SIDE), min(shape[1], SIDE), shape[2])
    return replace(task, input_shape=shape, layers=(*map(_narrow, body), last))


def cropped(x: np.ndarray, task: Task) -> np.ndarray:
    """The middle of the rows x, as large as the inputs of a narrowed task."""
    if x.shape[1:] == task.input_shape:
        return x
    begins = [(size - kept) // 2 for size, kept in zip(x.shape[1:], task.input_shape, strict=True)]
    middle = [slice(b, b + kept) for b, kept in zip(begins, task.input_shape, strict=True)]
    return np.ascontiguousarray(x[(slice(None), *middle)])


def _narrow(layer: Layer) -> Layer:
    match layer:
        case Conv2D(filters=filters):
            return replace(layer, filters=min(filters, FILTERS))
        case Dense(units=units) | SimpleRNN(units=units) | LSTM(units=units):
            return replace(layer, units=min(units, UNITS))
        case Embedding(units=units):
            return replace(layer, units=min(units, UNITS))
        case _:
            return layer
