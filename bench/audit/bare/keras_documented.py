"""Four tasks as Keras's tutorials write them: Sequential, compile, fit and predict on arrays."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

BATCH = 32
PREDICT_BATCH = 256


def _model(task: str) -> Any:
    if task == "fnn-mnist":
        hidden = layers.Dense(128, activation="relu")
        parts = [keras.Input((28, 28)), layers.Flatten(), hidden, layers.Dense(10)]
    elif task == "cnn-64-10":
        conv = layers.Conv2D(32, 3, activation="relu")
        dense = layers.Dense(64, activation="relu")
        image = [keras.Input((64, 64, 3)), conv, layers.MaxPooling2D()]
        parts = [*image, layers.Flatten(), dense, layers.Dense(10)]
    elif task == "rnn-sequence":
        cell = layers.SimpleRNN(64, activation="relu")
        hidden = layers.Dense(32, activation="relu")
        parts = [keras.Input((10, 1)), cell, hidden, layers.Dense(1)]
    else:
        parts = [keras.Input((12, 1)), layers.LSTM(50), layers.Dense(1)]
    return keras.Sequential(parts)


class Bare:
    """`fit` on arrays whose rows were put in the order they are asked for, and not shuffled."""

    def __init__(
        self,
        task: str,
        x: np.ndarray,
        y: np.ndarray,
        weights: dict[str, np.ndarray],
        threads: int,
        mode: str,
    ) -> None:
        if mode != "fit":
            raise ValueError(f"there is no bare loop of mode {mode}")
        with suppress(RuntimeError):  # TensorFlow refuses a change once it has started
            tf.config.threading.set_inter_op_parallelism_threads(threads)
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        self.x, self.y = x, y
        self.names = list(weights)
        self.model = _model(task)
        self.model.set_weights([weights[name] for name in self.names])
        classes = y.dtype != np.float32
        self.model.compile(
            optimizer="adam",
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            if classes
            else "mean_squared_error",
        )

    def train(self, order: np.ndarray) -> float:
        """One epoch of a step a row of `order`; the mean loss."""
        rows = order.ravel()
        x, y = self.x[rows], self.y[rows]
        history = self.model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
        return float(history.history["loss"][0])

    def prepare(self, x: np.ndarray) -> np.ndarray:
        """Keras takes the rows as they are."""
        return x

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Outputs of all rows, in batches."""
        outputs: np.ndarray = self.model.predict(x, batch_size=PREDICT_BATCH, verbose=0)
        return outputs

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights, copied."""
        return dict(zip(self.names, map(np.array, self.model.get_weights()), strict=True))
