"""Rows and batches by tf.data, for Keras on TensorFlow. What was measured: MEASURED.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# Where the rows are: tf.data gathers there, and `fit` moves the batches. What is taken of them has
# to be taken there too: with a GPU TensorFlow would first copy all rows to it, in every call.
HOST = "CPU:0"
PREFETCH = 2
SMALL_ROW = 1024  # bytes


@dataclass
class Staged:
    """Resident rows and the datasets over them, made once: tracing a dataset costs each call.

    `order` (steps, batch) and `warps` (steps, batch, 6) are variables that the datasets read
    anew whenever `fit` starts an iterator.
    """

    x: Any
    y: Any
    order: Any
    warps: Any
    batches: Any
    warped: Any


def stage(
    tf: Any, x: np.ndarray, targets: np.ndarray, batch: int, warp: Callable[[Any, Any], Any]
) -> Staged:
    """x (N, ...) and targets (N,) or (N, 1), to be read in batches of `batch` rows.

    warp: (images, maps) → the images moved; images have a dataset that applies it.
    """
    with tf.device(HOST):
        rows, targets = tf.constant(x), tf.constant(targets)
        order = tf.Variable(np.zeros((0, batch), np.int32), shape=(None, batch))
        warps = tf.Variable(np.zeros((0, batch, 6), np.float32), shape=(None, batch, 6))
    batches = _batches(tf, rows, targets, order)
    warped = None
    if x.ndim == 4:
        warped = _finish(
            tf,
            _slices(tf, order, warps).map(
                lambda i, maps: (warp(tf.gather(rows, i), maps), tf.gather(targets, i))
            ),
        )
    return Staged(rows, targets, order, warps, _finish(tf, batches), warped)


def _finish(tf: Any, dataset: Any) -> Any:
    """Prefetch, without tf.data's autotuning: its thread can miss the end of an iterator."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(PREFETCH).with_options(options)


def _slices(tf: Any, *variables: Any) -> Any:
    """A dataset over the first axis of the variables' values at the time it is iterated."""

    def read(_: Any) -> Any:
        values = tuple(variable.read_value() for variable in variables)
        return tf.data.Dataset.from_tensor_slices(values)

    return tf.data.Dataset.range(1).flat_map(read)


def _batches(tf: Any, rows: Any, targets: Any, order: Any) -> Any:
    """The dataset of an order's batches. Small rows are gathered for all steps at once, which is
    faster; of large ones that would copy the epoch."""
    if rows.dtype.size * rows[0].shape.num_elements() > SMALL_ROW:
        return _slices(tf, order).map(lambda i: (tf.gather(rows, i), tf.gather(targets, i)))

    def gather(_: Any) -> Any:
        i = order.read_value()
        return tf.data.Dataset.from_tensor_slices((tf.gather(rows, i), tf.gather(targets, i)))

    return tf.data.Dataset.range(1).flat_map(gather)
