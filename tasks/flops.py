"""How many floating-point operations a task's matrix products need, counted from its layers.

A multiplication and an addition count as two. Activations, pooling, losses and the optimizer are
left out: they are a few operations a value, where a product is hundreds. So the count is a lower
bound of the work, and the same for every framework, whatever its kernels really execute.
"""

from __future__ import annotations

from tasks.spec.layers import LSTM, Conv2D, Dense, Embedding, Layer, Shape, SimpleRNN
from tasks.spec.network import Task, output_shapes


def forward(task: Task) -> int:
    """Of one row's outputs."""
    return sum(_products(task))


def training(task: Task) -> int:
    """Of one row's part in a training step: outputs, gradients by weights and by inputs.

    Each gradient costs what the product itself does. The first layer with weights needs none
    by its inputs, unless an embedding below it learns; a recurrent one still needs its states'.
    """
    needless = 0
    before = task.input_shape
    for layer, after in zip(task.layers, output_shapes(task), strict=True):
        if isinstance(layer, Embedding):
            break
        if _layer(layer, before, after):
            needless = _by_inputs(layer, before, after)
            break
        before = after
    return 3 * sum(_products(task)) - needless


def _products(task: Task) -> list[int]:
    """Floating-point operations of the forward products of each layer, one row."""
    costs = []
    before = task.input_shape
    for layer, after in zip(task.layers, output_shapes(task), strict=True):
        costs.append(_layer(layer, before, after))
        before = after
    return costs


def _by_inputs(layer: Layer, before: Shape, after: Shape) -> int:
    """Of a layer's products, the part with its inputs: a recurrent one has its states as well."""
    match layer:
        case SimpleRNN(units=units):
            return before[0] * 2 * before[1] * units
        case LSTM(units=units):
            return before[0] * 2 * before[1] * 4 * units
        case _:
            return _layer(layer, before, after)


def _layer(layer: Layer, before: Shape, after: Shape) -> int:
    match layer:
        case Dense(units=units):
            return 2 * before[0] * units
        case Conv2D(kernel=k):
            return 2 * k * k * before[2] * after[0] * after[1] * after[2]
        case SimpleRNN(units=units):
            return before[0] * 2 * (before[1] + units) * units
        case LSTM(units=units):
            return before[0] * 2 * (before[1] + units) * 4 * units
        case _:
            return 0
