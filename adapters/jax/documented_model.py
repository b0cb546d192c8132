"""A task as the documents of Flax would have a user write it: NNX modules, optax, NumPy rows.

Four tasks are what the programs of this folder are about, and take their network from there. The
others of a family get one of the same classes, built from the task's layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

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
    MaxPool2D,
    SimpleRNN,
)
from tasks.spec.network import Family, Task, output_shapes, parameter_shapes
from tasks.spec.training import SGD, Adam, Loss

Array: TypeAlias = jax.Array
Rows = tuple[np.ndarray, np.ndarray]

OWN_TASKS: dict[Family, str] = {
    "fnn": "fnn-mnist",
    "cnn": "cnn-64-10",
    "rnn": "rnn-sequence",
    "lstm": "lstm-imdb",
}
"""Family → the task that its program in adapters/jax/programs is about."""

LOSSES: dict[Loss, Callable[[Array, Array], Array]] = {
    "sparse_categorical_crossentropy": optax.softmax_cross_entropy_with_integer_labels,
    "binary_crossentropy": optax.sigmoid_binary_cross_entropy,
    "mean_squared_error": optax.squared_error,
}
"""(outputs, targets) → the loss of each row, as the programs' training step takes it."""

ACTIVATIONS: dict[Activation, Callable[[Array], Array]] = {
    "relu": nnx.relu,
    "tanh": nnx.tanh,
    "sigmoid": nnx.sigmoid,
}


def flatten(x: Array) -> Array:
    """(N, ...) → (N, product)."""
    return x.reshape(x.shape[0], -1)


def last_step(states: Array) -> Array:
    """(N, T, units) → (N, units): what a recurrent layer gives at the last time step."""
    return states[:, -1]


def program_of(family: Family) -> ModuleType:
    """The program whose training loop and prediction a family's tasks are run by."""
    return import_module(f"adapters.jax.programs.{family}")


def network(task: Task, seed: int) -> nnx.Module:
    """The program's own network where the task is the program's, else one of the same classes.

    `seed` is for dropout's masks, which the programs' own networks have none of.
    """
    own = next(one for one in TASKS if one.name == OWN_TASKS[task.family])
    if (task.layers, task.input_shape) == (own.layers, own.input_shape):
        made: nnx.Module = program_of(task.family).model()
        return made
    return general(task, seed)


def general(task: Task, seed: int) -> nnx.Sequential:
    """Any task as one nnx.Sequential. Raises `Unsupported` for a layer that is not known here."""
    rngs = nnx.Rngs(seed)
    parts: list[Callable[..., Any]] = []
    before = task.input_shape
    for layer, after in zip(task.layers, output_shapes(task), strict=True):
        match layer:
            case Flatten():
                parts.append(flatten)
            case Dense(units=units):
                parts.append(nnx.Linear(before[0], units, rngs=rngs))
            case Dropout(rate=rate):
                parts.append(nnx.Dropout(rate, rngs=rngs))
            case Conv2D(filters=filters, kernel=kernel):
                window = (kernel, kernel)
                parts.append(nnx.Conv(before[2], filters, window, padding="VALID", rngs=rngs))
            case MaxPool2D(size=size):
                window = (size, size)
                parts.append(partial(nnx.max_pool, window_shape=window, strides=window))
            case Embedding(vocabulary=vocabulary, units=units):
                parts.append(nnx.Embed(vocabulary, units, rngs=rngs))
            case SimpleRNN() | LSTM():
                parts += [nnx.RNN(_cell(layer, before[1], rngs)), last_step]
            case _:
                raise unknown("layer", layer)
        if isinstance(layer, Dense | Conv2D) and layer.activation != "linear":
            parts.append(form_of("activation", layer.activation, ACTIVATIONS))
        before = after
    return nnx.Sequential(*parts)


def _cell(layer: SimpleRNN | LSTM, inputs: int, rngs: nnx.Rngs) -> nnx.RNNCellBase:
    if isinstance(layer, LSTM):
        return nnx.OptimizedLSTMCell(inputs, layer.units, rngs=rngs)
    activation = form_of("activation", layer.activation, ACTIVATIONS)
    return nnx.SimpleCell(inputs, layer.units, activation_fn=activation, rngs=rngs)


def canonical(task: Task, model: nnx.Module) -> dict[str, nnx.Param]:
    """Canonical name → the parameter of that name. All of Flax's layouts are the task's."""
    parameters = (parameter for layer in layers(model) for parameter in _parameters(layer))
    return dict(zip(parameter_shapes(task), parameters, strict=True))


def layers(model: nnx.Module) -> Iterator[nnx.Module]:
    """The layers with parameters, in the order in which a module's attributes are set: in the
    programs and in nnx.Sequential that in which they are called. NNX itself goes by name."""
    parts = model.layers if isinstance(model, nnx.Sequential) else vars(model).values()
    return (part for part in parts if isinstance(part, nnx.Linear | nnx.Conv | nnx.Embed | nnx.RNN))


def _parameters(layer: Any) -> tuple[nnx.Param, ...]:
    """In the task's order. A recurrent cell has one bias; an LSTM's gates are i, f, g, o."""
    if isinstance(layer, nnx.Embed):
        return (layer.embedding,)
    if not isinstance(layer, nnx.RNN):
        return layer.kernel, layer.bias
    cell = layer.cell
    biased = cell.dense_h if isinstance(cell, nnx.OptimizedLSTMCell) else cell.dense_i
    return cell.dense_i.kernel, cell.dense_h.kernel, biased.bias


def optimizer(task: Task, model: nnx.Module) -> nnx.Optimizer[nnx.Module]:
    """optax with its defaults but for the numbers that the task fixes."""
    wanted = task.optimizer
    if isinstance(wanted, SGD):
        return nnx.Optimizer(model, optax.sgd(wanted.learning_rate), wrt=nnx.Param)
    if not isinstance(wanted, Adam):
        raise unknown("optimizer", wanted)
    adam = optax.adam(wanted.learning_rate, wanted.beta_1, wanted.beta_2, eps=wanted.epsilon)
    return nnx.Optimizer(model, adam, wrt=nnx.Param)


def rows(task: Task, x: np.ndarray, y: np.ndarray) -> Rows:
    """x (N, *task.input_shape) and y (N,), or of a row's shape, copied, as the programs have them:
    NumPy arrays."""
    if task.loss == "sparse_categorical_crossentropy" or task.target_shape:
        return x.copy(), y.copy()
    return x.copy(), y[:, None].copy()


def _warp(images: Array, maps: Array) -> Array:
    """Affine warp of (N, H, W, C) by maps (N, 6): bilinear, edges repeated.

    Flax has no augmentation, and a user's pipeline would draw its own maps; here they are given.
    """
    height, width = images.shape[1:3]
    ys, xs = jnp.mgrid[:height, :width].astype(images.dtype)
    across, down = (
        maps[:, i, None, None] * xs + maps[:, i + 1, None, None] * ys + maps[:, i + 2, None, None]
        for i in (0, 3)
    )
    sample = partial(jax.scipy.ndimage.map_coordinates, order=1, mode="nearest")
    by_channel = jax.vmap(sample, (2, None), 2)
    return jax.vmap(by_channel)(images, jnp.stack([down, across], 1))


warped: Callable[[Any, Any], Array] = jax.jit(_warp)
"""`_warp`, compiled: a part of the loading of rows, not of the training step."""
