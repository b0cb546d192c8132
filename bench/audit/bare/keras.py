"""Four tasks by hand in Keras 3, on the backend the process has: Sequential, compile, `fit`."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
from keras import layers

BACKEND = keras.config.backend()
if BACKEND == "tensorflow":
    import tensorflow as tf
elif BACKEND == "torch":
    import torch

BATCH = 32
PREDICT_BATCH = 256


def _model(task: str) -> list[Any]:
    if task == "fnn-mnist":
        hidden = layers.Dense(128, activation="relu")
        return [keras.Input((28, 28)), layers.Flatten(), hidden, layers.Dense(10)]
    if task == "cnn-64-10":
        conv = layers.Conv2D(32, 3, activation="relu")
        dense = layers.Dense(64, activation="relu")
        image = keras.Input((64, 64, 3))
        return [image, conv, layers.MaxPooling2D(2), layers.Flatten(), dense, layers.Dense(10)]
    if task == "rnn-sequence":
        cell = layers.SimpleRNN(64, activation="relu", unroll=True)
        hidden = layers.Dense(32, activation="relu")
        return [keras.Input((10, 1)), cell, hidden, layers.Dense(1)]
    return [keras.Input((12, 1)), layers.LSTM(50, unroll=True), layers.Dense(1)]


def _set_threads(threads: int) -> None:
    if BACKEND == "torch":
        torch.set_num_threads(threads)
    elif BACKEND == "jax":  # which takes a thread for each core the process may use
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    else:
        with suppress(RuntimeError):  # TensorFlow refuses a change once it has started
            tf.config.threading.set_inter_op_parallelism_threads(threads)
            tf.config.threading.set_intra_op_parallelism_threads(threads)


class Bare:
    """`fit` over an epoch's rows, gathered in their order in one operation before it begins.

    On TensorFlow they are a tf.data set. Measured there against one step an execution with a
    gather a step (1.00): 25 steps an execution
    0.51, and with XLA 0.47; 250 steps 0.44; NumPy rows with `shuffle=False`, 25 steps 0.65, and
    with XLA 0.59; all batches gathered ahead, 25 steps, without XLA 0.34, so they are. XLA with
    batches gathered ahead was not measured; it is on because it won both pairs at 25 steps.
    25 divides the steps of nearly every round. XLA is off for the convolution,
    where Keras on a CPU is slower with it, and short sequences are unrolled, as in the suite:
    the settings are the mode's, not the loop's.

    On JAX and PyTorch the rows are NumPy arrays: Keras makes one step an execution there, and
    compiles by its own choice ("auto": JAX always, PyTorch never).
    """

    def __init__(
        self,
        task: str,
        x: np.ndarray,
        y: np.ndarray,
        weights: dict[str, np.ndarray],
        threads: int,
        mode: str,
    ) -> None:
        if mode != BACKEND:
            raise ValueError(f"Keras runs on {BACKEND} in this process, not on {mode}")
        _set_threads(threads)
        classes = y.dtype != np.float32
        self.x, self.y = self.prepare(x), self.prepare(y if classes else y[:, None])
        self.names = list(weights)
        self.model = keras.Sequential(_model(task))
        self.model.set_weights([weights[name] for name in self.names])
        losses = keras.losses
        graph = {"jit_compile": task != "cnn-64-10", "steps_per_execution": 25}
        self.model.compile(
            optimizer=keras.optimizers.Adam(1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-7),
            loss=losses.SparseCategoricalCrossentropy(from_logits=True)
            if classes
            else losses.MeanSquaredError(),
            **(graph if BACKEND == "tensorflow" else {}),
        )

    def train(self, order: np.ndarray) -> float:
        """One `fit` of one epoch; its history is the mean over equal batches, on the host."""
        if BACKEND == "tensorflow":
            batches = (tf.gather(self.x, order), tf.gather(self.y, order))
            found = self.model.fit(tf.data.Dataset.from_tensor_slices(batches), verbose=0)
        else:
            rows = order.ravel()
            x, y = self.x[rows], self.y[rows]
            found = self.model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
        return float(found.history["loss"][0])

    def prepare(self, x: np.ndarray) -> Any:
        """Rows moved once: a tensor on TensorFlow, an array on the others."""
        return tf.constant(x) if BACKEND == "tensorflow" else np.ascontiguousarray(x)

    def predict(self, x: Any) -> np.ndarray:
        """Outputs by `predict_on_batch`: `predict` would make a data set and callbacks a call."""
        parts = [
            self.model.predict_on_batch(x[i : i + PREDICT_BATCH])
            for i in range(0, len(x), PREDICT_BATCH)
        ]
        return np.concatenate(parts)

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights, copied."""
        return dict(zip(self.names, map(np.array, self.model.get_weights()), strict=True))
