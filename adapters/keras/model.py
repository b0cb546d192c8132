"""A task's layers, loss and optimizer in Keras alone, for any backend.

keras is an argument throughout: it reads its backend when it is imported, which is late.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from adapters.base import Device, form_of, unknown
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
    SimpleRNN,
)
from tasks.spec.network import Task
from tasks.spec.sequence import GRU, Bidirectional
from tasks.spec.training import SGD, Adam, Loss, Optimizer
from tasks.spec.vision import TransposedConv2D

_UNROLL_STEPS = 32
ACTIVATIONS: dict[Activation, str] = {
    "linear": "linear",
    "relu": "relu",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
}
LOSSES: dict[Loss, str] = {
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    "binary_crossentropy": "BinaryCrossentropy",
    "mean_squared_error": "MeanSquaredError",
}
"""The classes of keras.losses."""


def layer_of(keras: Any, layer: Layer, task: Task, device: Device) -> Any:
    """Keras's own layer. Raises `Unsupported` where this adapter has none."""
    make = keras.layers
    match layer:
        case Flatten():
            return make.Flatten()
        case Dense(units=units, activation=name):
            return make.Dense(units, activation=form_of("activation", name, ACTIVATIONS))
        case Dropout(rate=rate):
            return make.Dropout(rate)
        case Conv2D(filters=filters, kernel=kernel, activation=name):
            activation = form_of("activation", name, ACTIVATIONS)
            return make.Conv2D(filters, kernel, activation=activation)
        case MaxPool2D(size=size):
            return make.MaxPooling2D(size)
        case Embedding(vocabulary=vocabulary, units=units):
            return _dense_embedding(keras, vocabulary, units)
        case SimpleRNN(units=units, activation=name):
            activation = form_of("activation", name, ACTIVATIONS)
            return make.SimpleRNN(units, activation=activation, unroll=unrolls(task, device))
        case LSTM(units=units):
            return make.LSTM(units, **recurrent_options(keras, task, device))
        case _:
            raise unknown("layer", layer)


def loss_of(keras: Any, name: Loss) -> Any:
    """The loss on the last layer's outputs, logits where it is a cross-entropy."""
    make = getattr(keras.losses, form_of("loss", name, LOSSES))
    return make() if name == "mean_squared_error" else make(from_logits=True)


def optimizer_of(keras: Any, rule: Optimizer) -> Any:
    """Keras's own optimizer by the task's rule."""
    if isinstance(rule, SGD):
        return keras.optimizers.SGD(learning_rate=rule.learning_rate)
    if not isinstance(rule, Adam):
        raise unknown("optimizer", rule)
    return keras.optimizers.Adam(
        learning_rate=rule.learning_rate,
        beta_1=rule.beta_1,
        beta_2=rule.beta_2,
        epsilon=rule.epsilon,
    )


def staged_targets(task: Task, y: np.ndarray) -> np.ndarray:
    """Class numbers and whole rows of targets as they are, single numbers as columns."""
    return y if task.target_dtype == "int32" or task.target_shape else y.reshape(-1, 1)


def same_programs(task: Task, other: Task) -> bool:
    """Whether a model compiled for one serves the other: the learning rate is a variable of it."""
    rules = [*task.rules, *other.rules]
    if any(getattr(rule.optimizer, "schedule", None) for rule in rules):
        return task == other  # a schedule's rate is compiled in
    return task.at_rate(0.0) == other.at_rate(0.0)


def afresh(keras: Any, model: Any, task: Task, weights: list[np.ndarray], seed: int) -> None:
    """A compiled model as it was when it was made, with these weights; its programs are kept.

    All that an optimizer keeps starts at zero but its learning rate, and a dropout draws from a
    generator that is seeded when it is made.
    """
    keras.utils.set_random_seed(seed)
    model.set_weights(weights)
    optimizer_afresh(keras, model.optimizer, task.optimizer)
    dropouts_afresh(keras, model.layers)
    model.reset_metrics()


def optimizer_afresh(keras: Any, optimizer: Any, rule: Optimizer) -> None:
    """At its first step, and at the rule's rate; a schedule's is the one it was made with."""
    if not getattr(rule, "schedule", None):
        optimizer.learning_rate = rule.learning_rate
    for variable in optimizer.variables:
        if variable is not optimizer.learning_rate:
            # On JAX a variable is no array that `zeros_like` takes.
            variable.assign(keras.ops.zeros(variable.shape, variable.dtype))


def dropouts_afresh(keras: Any, layers: Iterable[Any]) -> None:
    """As they are after `keras.utils.set_random_seed`."""
    for layer in layers:
        if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
            layer.seed_generator.state.assign(keras.random.SeedGenerator().state)


def warped(keras: Any, images: Any, maps: Any) -> Any:
    """Bilinear affine warp, edges clamped. images (N, H, W, C), maps (N, 6)."""
    return keras.ops.image.affine_transform(
        images,
        keras.ops.pad(maps, [[0, 0], [0, 2]]),  # no perspective
        interpolation="bilinear",
        fill_mode="nearest",
    )


def compiled_by_xla(task: Task, device: Device) -> bool | str:
    """On TensorFlow: XLA on the CPU for dense layers without dropout and short sequences, where it
    is faster; "auto" on a GPU."""
    if device == "cuda":
        return "auto"
    layers = [node.layer for node in task.nodes]
    if any(isinstance(layer, (Conv2D, TransposedConv2D, Dropout)) for layer in layers):
        return False
    kinds = (LSTM, SimpleRNN, GRU, Bidirectional)
    recurrent = any(isinstance(layer, kinds) for layer in layers)
    return not recurrent or unrolls(task, device)


def unrolls(task: Task, device: Device) -> bool:
    """Short sequences on the CPU; unrolled layers cannot use cuDNN."""
    return device == "cpu" and task.input_shape[0] <= _UNROLL_STEPS


def recurrent_options(keras: Any, task: Task, device: Device) -> dict[str, Any]:
    """Of an LSTM and a GRU. PyTorch's own CPU kernels, much faster, hide behind cuDNN's switch."""
    torch = keras.config.backend() == "torch"
    cudnn = "auto" if device == "cuda" or torch else False
    return {"unroll": unrolls(task, device), "use_cudnn": cudnn}


def _dense_embedding(keras: Any, vocabulary: int, units: int) -> Any:
    """An Embedding whose gradient is a whole table.

    Keras on TensorFlow gives its Adam only the rows a batch used, and the moments of all others
    then stand still: another rule than the task's. A product by one turns the gradient into the
    dense one that Adam's definition needs.
    """

    class DenseEmbedding(keras.layers.Embedding):
        def call(self, words: Any) -> Any:
            return keras.ops.take(keras.ops.multiply(self.embeddings, 1.0), words, axis=0)

    return DenseEmbedding(vocabulary, units)
