"""A narrower network of the same layers, for stretches that would take the oracle minutes."""

from __future__ import annotations

from dataclasses import replace

from tasks import flops
from tasks.spec.layers import LSTM, Conv2D, Dense, Embedding, Layer, SimpleRNN
from tasks.spec.network import Task

STEP_OPERATIONS = 1e8  # of a training step: 10 to 20 ms of the oracle
FILTERS, UNITS = 2, 16


def step_operations(task: Task) -> float:
    """Floating-point operations of the products of one training step."""
    return float(flops.training(task)) * task.batch_size


def narrowed(task: Task) -> Task:
    """The task itself where its steps are cheap; else with few filters and units. The last layer,
    the inputs and the order of the layers stay."""
    if step_operations(task) <= STEP_OPERATIONS:
        return task
    *body, last = task.layers
    return replace(task, layers=(*map(_narrow, body), last))


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
