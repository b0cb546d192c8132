"""Four tasks by hand in Keras 3 on TensorFlow: Sequential, compile, one `fit` call."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

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


class Bare:
    """`fit` over a tf.data set of the batches, gathered in one operation before it begins.

    Measured against one step an execution with a gather a step (1.00): 25 steps an execution
    0.51, and with XLA 0.47; 250 steps 0.44; NumPy rows with `shuffle=False`, 25 steps 0.65, and
    with XLA 0.59; all batches gathered ahead, 25 steps, without XLA 0.34, so they are. XLA with
    batches gathered ahead was not measured; it is on because it won both pairs at 25 steps.
    25 divides the steps of every round and the 50 of the check. XLA is off for the convolution,
    where Keras on a CPU is slower with it, and short sequences are unrolled, as in the suite:
    the settings are the mode's, not the loop's.
    """

    def __init__(
        self, task: str, x: np.ndarray, y: np.ndarray, weights: dict[str, np.ndarray], threads: int
    ) -> None:
        with suppress(RuntimeError):  # TensorFlow refuses a change once it has started
            tf.config.threading.set_inter_op_parallelism_threads(threads)
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        classes = y.dtype != np.float32
        self.x, self.y = self.prepare(x), tf.constant(y if classes else y[:, None])
        self.names = list(weights)
        self.model = keras.Sequential(_model(task))
        self.model.set_weights([weights[name] for name in self.names])
        losses = keras.losses
        self.model.compile(
            optimizer=keras.optimizers.Adam(1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-7),
            loss=losses.SparseCategoricalCrossentropy(from_logits=True)
            if classes
            else losses.MeanSquaredError(),
            jit_compile=task != "cnn-64-10",
            steps_per_execution=25,
        )

    def train(self, order: np.ndarray) -> float:
        """One `fit` of one epoch; its history is the mean over equal batches, on the host."""
        batches = (tf.gather(self.x, order), tf.gather(self.y, order))
        found = self.model.fit(tf.data.Dataset.from_tensor_slices(batches), verbose=0)
        return float(found.history["loss"][0])

    def prepare(self, x: np.ndarray) -> Any:
        """Rows as a tensor, moved once."""
        return tf.constant(x)

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
