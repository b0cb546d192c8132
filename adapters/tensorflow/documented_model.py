"""A task as the documents of TensorFlow would have a user write it: tf.Module, losses, optimizer.

Four tasks are what the programs of this folder are about, and take their network from there. The
others of a family get one of the programs' own layers, built from the task's.

Recurrent layers are loops over the time steps that AutoGraph makes part of the graph, which is
what the guide to tf.function teaches for them; its tutorials on recurrent networks use Keras's
layers, which are Keras's rows here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, TypeAlias

import tensorflow as tf

from adapters.base import form_of, unknown
from tasks.catalogue.every import TASKS
from tasks.spec.layers import (
    LSTM,
    Activation,
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
from tasks.spec.network import Family, Task, output_shapes, parameter_shapes
from tasks.spec.training import SGD, Adam, Loss

Tensor: TypeAlias = tf.Tensor
Apply: TypeAlias = Callable[[Tensor], Tensor]

FAMILIES: tuple[Family, ...] = ("fnn", "cnn", "rnn", "lstm")
OWN_TASKS: dict[Family, str] = {
    "fnn": "fnn-mnist",
    "cnn": "cnn-64-10",
    "rnn": "rnn-sequence",
    "lstm": "lstm-imdb",
}
"""Family → the task that its program in adapters/tensorflow/programs is about."""


def program_of(family: Family) -> ModuleType:
    """The program whose training loop and prediction a family's tasks are run by."""
    return import_module(f"adapters.tensorflow.programs.{family}")


fnn, cnn, rnn, lstm = (program_of(family) for family in FAMILIES)

LOSSES: dict[Loss, Callable[[Tensor, Tensor], Tensor]] = {
    "sparse_categorical_crossentropy": fnn.loss_function,
    "binary_crossentropy": lstm.loss_function,
    "mean_squared_error": rnn.loss_function,
}
"""(targets (N,), outputs (N, units)) → mean loss (): those of the programs."""

ACTIVATIONS: dict[Activation, Apply] = {
    "linear": tf.identity,
    "relu": tf.nn.relu,
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
}


class Reshape(tf.Module):
    """(N, ...) → (N, *shape)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def __call__(self, x: Tensor) -> Tensor:
        return tf.reshape(x, [-1, *self.shape])


class MaxPool(tf.Module):
    """(N, H, W, C) → (N, H // size, W // size, C)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def __call__(self, x: Tensor) -> Tensor:
        return tf.nn.max_pool2d(x, self.size, strides=self.size, padding="VALID")


class Drop(tf.Module):
    """Dropout, where the network is called for training."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def __call__(self, x: Tensor) -> Tensor:
        return tf.nn.dropout(x, self.rate)


class Sequential(tf.Module):
    """Layers one after the other; `training` says whether those of dropout are among them."""

    def __init__(self, layers: list[Apply]) -> None:
        super().__init__()
        self.layers = layers

    @tf.function  # type: ignore[untyped-decorator]
    def __call__(self, x: Tensor, training: bool = False) -> Tensor:
        for layer in self.layers:
            if training or not isinstance(layer, Drop):
                x = layer(x)
        return x


class InTraining(tf.Module):
    """A `Sequential` as the programs' training loops call a network: without a second argument."""

    def __init__(self, network: Sequential) -> None:
        super().__init__()
        self.network = network

    def __call__(self, x: Tensor) -> Tensor:
        return self.network(x, training=True)


class WholeGradients(tf.optimizers.Adam):
    """Adam with an embedding's gradient as one table, which the contract makes necessary.

    The gradient of tf.gather is a list of rows, a word's row as often as the word is there. Adam of
    Keras 3.15 squares these one by one, where Adam's definition squares their sum.
    """

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], **options: Any) -> Any:
        whole = [(tf.convert_to_tensor(gradient), value) for gradient, value in grads_and_vars]
        return super().apply_gradients(whole, **options)


def network(task: Task) -> Any:
    """The program's own network where the task is the program's, else one of the same layers."""
    own = next(one for one in TASKS if one.name == OWN_TASKS[task.family])
    if (task.layers, task.input_shape) == (own.layers, own.input_shape):
        return program_of(task.family).model()
    return general(task)


def in_training(made: Any) -> Any:
    """The network as a training step shall call it."""
    return InTraining(made) if isinstance(made, Sequential) else made


def general(task: Task) -> Sequential:
    """Any task of the programs' layers. Raises `Unsupported` for one that is not known here."""
    layers: list[Apply] = []
    before = task.input_shape
    for layer, after in zip(task.layers, output_shapes(task), strict=True):
        layers.append(_layer(layer, before, after))
        if isinstance(layer, Dense | Conv2D) and layer.activation != "linear":
            layers.append(form_of("activation", layer.activation, ACTIVATIONS))
        before = after
    return Sequential(layers)


def _layer(layer: Layer, before: Shape, after: Shape) -> Apply:
    made: Apply
    match layer:
        case Flatten():
            made = Reshape(after)
        case Dense(units=units):
            made = fnn.Dense(before[0], units)
        case Dropout(rate=rate):
            made = Drop(rate)
        case Conv2D(filters=filters, kernel=size):
            made = cnn.Convolution(before[2], filters, size)
        case MaxPool2D(size=size):
            made = MaxPool(size)
        case Embedding(vocabulary=vocabulary, units=units):
            made = lstm.Embedding(vocabulary, units)
        case SimpleRNN(units=units, activation=activation):
            activate = form_of("activation", activation, ACTIVATIONS)
            made = rnn.SimpleRNN(before[1], units, activate)
        case LSTM(units=units):  # its gates are in the canonical order
            made = lstm.LSTM(before[1], units)
        case _:
            raise unknown("layer", layer)
    return made


def named_variables(task: Task, made: Any) -> dict[str, Any]:
    """Canonical name → the variable, which has the canonical shape in every layer here."""
    return dict(zip(parameter_shapes(task), _variables(made), strict=True))


def _variables(part: Any) -> Iterator[Any]:
    """Of every layer in order: attributes are set in the order in which they are used, but
    tf.Module's own property sorts them by name."""
    if isinstance(part, tf.Variable):
        yield part
    elif isinstance(part, list):
        for one in part:
            yield from _variables(one)
    elif isinstance(part, tf.Module):
        for name, one in vars(part).items():
            if not name.startswith("_"):
                yield from _variables(one)


def optimizer(task: Task) -> Any:
    """tf.optimizers with its defaults but for the numbers that the task fixes.

    This is the optimizer of TensorFlow's own guides (quickstart for experts, custom training). It
    is tf.keras.optimizers by another name, so Keras is imported with it.
    """
    wanted = task.optimizer
    if isinstance(wanted, SGD):
        return tf.optimizers.SGD(wanted.learning_rate)
    if not isinstance(wanted, Adam):
        raise unknown("optimizer", wanted)
    words = any(isinstance(layer, Embedding) for layer in task.layers)
    return (WholeGradients if words else tf.optimizers.Adam)(
        wanted.learning_rate, wanted.beta_1, wanted.beta_2, epsilon=wanted.epsilon
    )
