"""A task: its network, its data and its training, as plain data.

A task says *what* is computed, never how. Every adapter and the NumPy oracle read
the same `Task`, so a difference between two implementations can only come from the
implementations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Literal

from tasks.spec.layers import (
    LSTM,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    MaxPool2D,
    Shape,
    SimpleRNN,
)
from tasks.spec.training import (
    Adam,
    Augmentation,
    EarlyStopping,
    Loss,
    Optimizer,
    Proof,
    Score,
    Target,
)

Family = Literal["fnn", "cnn", "rnn", "lstm"]


@dataclass(frozen=True)
class Task:
    """One identical piece of work for every framework.

    `data` names a data-set family (tasks.data.prepare). `epochs` is the length of the articles'
    training. `round_steps` is the length of one timed training round in optimizer steps, and
    `infer_batches` that of an inference round in batches of 256.
    Of the metrics, accuracy is better high, rmse low.
    """

    name: str
    family: Family
    summary: str
    data: str
    input_shape: Shape
    layers: tuple[Layer, ...]
    loss: Loss
    metric: Score
    epochs: int
    round_steps: int
    batch_size: int = 32
    infer_batches: int = 8
    optimizer: Optimizer = Adam()  # noqa: RUF009 (frozen)
    augmentation: Augmentation | None = None
    early_stopping: EarlyStopping | None = None
    target: Target | None = None
    proof: Proof | None = None

    @property
    def input_dtype(self) -> Literal["float32", "int32"]:
        """Rows of word numbers where the first layer is an embedding, else real values."""
        return "int32" if isinstance(self.layers[0], Embedding) else "float32"

    @property
    def target_dtype(self) -> Literal["float32", "int32"]:
        """Labels are int32 class numbers, or float32 for binary and regression targets; (N,)."""
        return "int32" if self.loss == "sparse_categorical_crossentropy" else "float32"

    def reached(self, score: float, target: float) -> bool:
        """Whether a score is as good as the target."""
        return score <= target if self.metric == "rmse" else score >= target

    def with_optimizer(self, optimizer: Optimizer) -> Task:
        """The same task under another optimizer."""
        return replace(self, optimizer=optimizer)

    def without_dropout(self) -> Task:
        """The same task with every dropout rate 0: what a trajectory can be compared on."""
        layers = tuple(Dropout(0.0) if isinstance(x, Dropout) else x for x in self.layers)
        return replace(self, layers=layers)


def output_shapes(task: Task) -> list[Shape]:
    """The shape of one row after each layer, without the batch axis."""
    shapes: list[Shape] = []
    shape = task.input_shape
    for layer in task.layers:
        shape = _output_shape(layer, shape)
        shapes.append(shape)
    return shapes


def _output_shape(layer: Layer, shape: Shape) -> Shape:
    match layer:
        case Flatten():
            return (prod(shape),)
        case Dense(units=units) | SimpleRNN(units=units) | LSTM(units=units):
            return (units,)
        case Dropout():
            return shape
        case Conv2D(filters=filters, kernel=k):
            return (shape[0] - k + 1, shape[1] - k + 1, filters)
        case MaxPool2D(size=size):
            return (shape[0] // size, shape[1] // size, shape[2])
        case Embedding(units=units):
            return (*shape, units)


def layer_name(index: int, layer: Layer) -> str:
    """The canonical name of layer `index`, e.g. ``1_dense``."""
    return f"{index}_{type(layer).__name__.lower()}"


def parameter_shapes(task: Task) -> dict[str, Shape]:
    """Canonical name → shape of every trainable array of the task, in layer order.

    Dense (in, out); Conv2D (k, k, in, out); Embedding (vocabulary, units); SimpleRNN kernel
    (in, units), recurrent (units, units); LSTM kernel (in, 4 units), recurrent (units, 4 units).
    """
    shapes: dict[str, Shape] = {}
    before = task.input_shape
    for index, (layer, after) in enumerate(zip(task.layers, output_shapes(task), strict=True)):
        name = layer_name(index, layer)
        for part, shape in _parameters(layer, before).items():
            shapes[f"{name}/{part}"] = shape
        before = after
    return shapes


def _parameters(layer: Layer, shape: Shape) -> dict[str, Shape]:
    match layer:
        case Dense(units=units):
            return {"kernel": (shape[0], units), "bias": (units,)}
        case Conv2D(filters=filters, kernel=k):
            return {"kernel": (k, k, shape[2], filters), "bias": (filters,)}
        case Embedding(vocabulary=vocabulary, units=units):
            return {"table": (vocabulary, units)}
        case SimpleRNN(units=units):
            return {"kernel": (shape[1], units), "recurrent": (units, units), "bias": (units,)}
        case LSTM(units=units):
            return {
                "kernel": (shape[1], 4 * units),
                "recurrent": (units, 4 * units),
                "bias": (4 * units,),
            }
        case _:
            return {}
