"""Four tasks as TensorFlow's guides write them: tf.Module, tf.data, a step under tf.function.

The optimizer is tf.optimizers.Adam, as in the quickstart for experts. Recurrent layers are loops
that AutoGraph puts into the graph, as in the guide to tf.function.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import tensorflow as tf

PREDICT_BATCH = 256


class _Network(tf.Module):  # type: ignore[misc]
    """One variable for each array of `weights`, in order."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.p = [tf.Variable(value) for value in weights.values()]

    def dense(self, x: Any, first: int) -> Any:
        return x @ self.p[first] + self.p[first + 1]


class _Feedforward(_Network):
    @tf.function  # type: ignore[untyped-decorator]
    def __call__(self, x: Any) -> Any:
        return self.dense(tf.nn.relu(self.dense(tf.reshape(x, [-1, 784]), 0)), 2)


class _Convolutional(_Network):
    @tf.function  # type: ignore[untyped-decorator]
    def __call__(self, x: Any) -> Any:
        x = tf.nn.relu(tf.nn.conv2d(x, self.p[0], 1, "VALID") + self.p[1])
        x = tf.reshape(tf.nn.max_pool2d(x, 2, 2, "VALID"), [-1, 31 * 31 * 32])
        return self.dense(tf.nn.relu(self.dense(x, 2)), 4)


class _Recurrent(_Network):
    @tf.function  # type: ignore[untyped-decorator]
    def __call__(self, x: Any) -> Any:
        h = tf.zeros([tf.shape(x)[0], 64])
        for now in tf.transpose(x, [1, 0, 2]):
            h = tf.nn.relu(now @ self.p[0] + h @ self.p[1] + self.p[2])
        return self.dense(tf.nn.relu(self.dense(h, 3)), 5)


class _Lstm(_Network):
    @tf.function  # type: ignore[untyped-decorator]
    def __call__(self, x: Any) -> Any:
        h = tf.zeros([tf.shape(x)[0], 50])
        c = tf.zeros_like(h)
        for now in tf.transpose(x, [1, 0, 2]):
            i, f, g, o = tf.split(now @ self.p[0] + h @ self.p[1] + self.p[2], 4, axis=1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
        return self.dense(h, 3)


def _cross_entropy(y: Any, outputs: Any) -> Any:
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, outputs))


def _squares(y: Any, outputs: Any) -> Any:
    return tf.reduce_mean((outputs[:, 0] - y) ** 2)


MODELS: dict[str, tuple[type[_Network], Callable[..., Any]]] = {
    "fnn-mnist": (_Feedforward, _cross_entropy),
    "cnn-64-10": (_Convolutional, _cross_entropy),
    "rnn-sequence": (_Recurrent, _squares),
    "lstm-forecast": (_Lstm, _squares),
}


class Bare:
    """The loop of the guides, with the rows in the order they are asked for."""

    def __init__(
        self,
        task: str,
        x: np.ndarray,
        y: np.ndarray,
        weights: dict[str, np.ndarray],
        threads: int,
        mode: str,
    ) -> None:
        if mode != "function":
            raise ValueError(f"there is no bare loop of mode {mode}")
        with suppress(RuntimeError):  # TensorFlow refuses a change once it has started
            tf.config.threading.set_inter_op_parallelism_threads(threads)
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        network, loss_function = MODELS[task]
        self.x, self.y = self.prepare(x), tf.constant(y)
        self.names = list(weights)
        self.model = model = network(weights)
        adam = tf.optimizers.Adam(1e-3, epsilon=1e-7)

        @tf.function  # type: ignore[untyped-decorator]
        def step(inputs: Any, targets: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = loss_function(targets, model(inputs))
            gradients = tape.gradient(loss, model.trainable_variables)
            adam.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            return loss

        self.step = step

    def train(self, order: np.ndarray) -> float:
        """One step a row of `order`; the mean loss."""
        rows = order.ravel()
        ordered = (tf.gather(self.x, rows), tf.gather(self.y, rows))
        batches = tf.data.Dataset.from_tensor_slices(ordered).batch(order.shape[1])
        return float(tf.reduce_mean([self.step(inputs, targets) for inputs, targets in batches]))

    def prepare(self, x: np.ndarray) -> Any:
        """Rows as a tensor, made once."""
        return tf.constant(x)

    def predict(self, x: Any) -> np.ndarray:
        """Outputs of all rows, in batches."""
        batches = tf.data.Dataset.from_tensor_slices(x).batch(PREDICT_BATCH)
        return np.asarray(tf.concat([self.model(part) for part in batches], 0))

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights, copied."""
        return {n: p.numpy().copy() for n, p in zip(self.names, self.model.p, strict=True)}
