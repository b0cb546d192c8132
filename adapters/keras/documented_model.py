"""A task in Keras as its documents would have a user write it: layers with their defaults, rows.

Four tasks are what the programs of this folder are about, and take their network from there. The
others of a family get one of the same classes, built from the task's layers.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from adapters.base import form_of, unknown
from adapters.keras.model import ACTIVATIONS, warped
from tasks.catalogue.every import TASKS
from tasks.spec.layers import (
    LSTM,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    MaxPool2D,
    SimpleRNN,
)
from tasks.spec.network import Family, Task

OWN_TASKS: dict[Family, str] = {
    "fnn": "fnn-mnist",
    "cnn": "cnn-64-10",
    "rnn": "rnn-sequence",
    "lstm": "lstm-imdb",
}
"""Family → the task that its program in adapters/keras/programs is about."""


def program_of(family: Family) -> ModuleType:
    """The program by whose `fit` and `predict` a family's tasks are run."""
    return import_module(f"adapters.keras.programs.{family}")


def network(task: Task) -> Any:
    """The program's own network where the task is the program's, else one of the same classes."""
    own = next(one for one in TASKS if one.name == OWN_TASKS[task.family])
    if (task.layers, task.input_shape) == (own.layers, own.input_shape):
        return program_of(task.family).model()
    return general(task)


def general(task: Task) -> Any:
    """Any task as one keras.Sequential. Raises `Unsupported` for a layer that is not known here."""
    words = isinstance(task.layers[0], Embedding)
    inputs = keras.Input((None,), dtype="int32") if words else keras.Input(task.input_shape)
    return keras.Sequential([inputs, *map(_layer, task.layers)])


def _layer(layer: Layer) -> Any:
    match layer:
        case Flatten():
            return layers.Flatten()
        case Dense(units=units, activation=name):
            return layers.Dense(units, activation=form_of("activation", name, ACTIVATIONS))
        case Dropout(rate=rate):
            return layers.Dropout(rate)
        case Conv2D(filters=filters, kernel=kernel, activation=name):
            activation = form_of("activation", name, ACTIVATIONS)
            return layers.Conv2D(filters, kernel, activation=activation)
        case MaxPool2D(size=size):
            return layers.MaxPooling2D(size)
        case Embedding(vocabulary=vocabulary, units=units):
            return layers.Embedding(vocabulary, units)
        case SimpleRNN(units=units, activation=name):
            return layers.SimpleRNN(units, activation=form_of("activation", name, ACTIVATIONS))
        case LSTM(units=units):
            return layers.LSTM(units)
        case _:
            raise unknown("layer", layer)


def whole_tables(model: Any) -> None:
    """Adam moves every row of an Embedding's table in every step, as the task's rule says.

    Keras on TensorFlow gives its Adam only the rows that a batch used, and the moments of the
    others stand still. A regularizer of strength zero adds nothing to the loss; with it the
    gradient has every row.
    """
    for layer in model.layers:
        if isinstance(layer, layers.Embedding):
            layer.embeddings.regularizer = keras.regularizers.L2(0.0)


def warped_batches(x: np.ndarray, y: np.ndarray, order: np.ndarray, warps: np.ndarray) -> Any:
    """The ordered batches with each image warped by its map, as Keras's guide augments images.

    There a tf.data set is mapped through layers such as RandomRotation. Those draw their own maps;
    here the maps are given, so the function under those layers, keras.ops.image.affine_transform,
    takes their place.
    """
    batches = tf.data.Dataset.from_tensor_slices((x[order], y[order], warps))
    moved = batches.map(
        lambda images, targets, maps: (warped(keras, images, maps), targets),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return moved.prefetch(tf.data.AUTOTUNE)
