"""The vocabulary of a task: layers, loss, optimizer and training, as plain data.

A task says *what* is computed, never how. Every adapter and the NumPy oracle read
the same `Task`, so a difference between two implementations can only come from the
implementations. Layouts are canonical: images (height, width, channels), convolution
kernels (height, width, in, out), dense kernels (in, out), recurrent gate order
i, f, g, o, one bias a layer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Literal

Activation = Literal["linear", "relu", "tanh", "sigmoid"]
Loss = Literal["sparse_categorical_crossentropy", "binary_crossentropy", "mean_squared_error"]
Metric = Literal["accuracy", "rmse"]
Family = Literal["fnn", "cnn", "rnn", "lstm"]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Flatten:
    """(N, ...) → (N, product), rows in C order of the canonical layout."""


@dataclass(frozen=True)
class Dense:
    """(N, in) → (N, units): activation(x @ kernel + bias)."""

    units: int
    activation: Activation = "linear"


@dataclass(frozen=True)
class Dropout:
    """Keeps each value with probability 1 - rate and scales it by 1 / (1 - rate); training only."""

    rate: float


@dataclass(frozen=True)
class Conv2D:
    """(N, H, W, C) → (N, H-k+1, W-k+1, filters): cross-correlation, stride 1, no padding."""

    filters: int
    kernel: int = 3
    activation: Activation = "linear"


@dataclass(frozen=True)
class MaxPool2D:
    """(N, H, W, C) → (N, H // size, W // size, C): stride = size, the odd border dropped."""

    size: int = 2


@dataclass(frozen=True)
class Embedding:
    """int (N, T) → (N, T, units): row lookup in a (vocabulary, units) table."""

    vocabulary: int
    units: int


@dataclass(frozen=True)
class SimpleRNN:
    """(N, T, in) → (N, units): h = activation(x @ kernel + h @ recurrent + bias), last h."""

    units: int
    activation: Activation = "tanh"


@dataclass(frozen=True)
class LSTM:
    """(N, T, in) → (N, units): last h of a standard LSTM, gates i, f, g, o, one bias (4 units).

    c = sigmoid(f) c + sigmoid(i) tanh(g); h = sigmoid(o) tanh(c)
    (Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000).
    """

    units: int


Layer = Flatten | Dense | Dropout | Conv2D | MaxPool2D | Embedding | SimpleRNN | LSTM


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015). Epsilon is fixed here because frameworks' defaults differ."""

    learning_rate: float = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7


@dataclass(frozen=True)
class SGD:
    """w ← w - learning_rate · gradient; used by the certificate to read gradients."""

    learning_rate: float


Optimizer = Adam | SGD


@dataclass(frozen=True)
class Augmentation:
    """Ranges from which one affine warp an image is drawn (uniformly), as data, before training."""

    rotation_degrees: float = 0.0
    shift: float = 0.0  # fraction of width and height
    shear: float = 0.0  # degrees, as in the articles' ImageDataGenerator
    zoom: float = 0.0  # scale drawn from 1 ± zoom
    flip: bool = False


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the validation loss has not fallen for `patience` epochs; keep the best weights."""

    patience: int
    validation_split: float


@dataclass(frozen=True)
class Target:
    """The score at which a task counts as learned; time to accuracy is the time to reach it.

    embedded: on the embedded default data. canonical: on the canonical set, None where no
    full-length run of ours justifies one. reason: the run that justifies them. Another data set
    of the user's has no target.
    """

    embedded: float
    reason: str
    canonical: float | None = None


@dataclass(frozen=True)
class Proof:
    """How the optimizer's steps are certified where float32 cannot follow float64 for 20 steps.

    Some networks are chaotic at their own learning rate: the float64 oracle and the same oracle in
    float32 part ways by more than a fault would. Their steps are compared at `learning_rate`
    instead. `typical` bounds the typical weight's relative difference; it must stay well under
    0.01, where a learning rate 1 % off would show.
    """

    learning_rate: float
    typical: float


@dataclass(frozen=True)
class Task:
    """One identical piece of work for every framework.

    `data` names a data-set family (tasks.data). `epochs` is the length of the articles'
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
    metric: Metric
    epochs: int
    round_steps: int
    batch_size: int = 32
    infer_batches: int = 8
    optimizer: Optimizer = Adam()
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
