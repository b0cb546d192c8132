"""fnn-mnist by hand in TensorFlow: variables, one graph, the loop inside the graph. No Keras."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import tensorflow as tf

BATCH = 32
PREDICT_BATCH = 256


class Bare(tf.Module):  # type: ignore[misc]
    """One graph call trains all steps, so Python is entered once a call, not once a step.

    Adam is the fused raw op. Measured against this loop: gradients derived by hand 0.99, five
    steps unrolled 0.98, ten parallel iterations 1.02: all within the noise, so it stays plain.
    Unrolling would also need a number of steps that the factor divides.
    """

    def __init__(
        self, x: np.ndarray, y: np.ndarray, weights: dict[str, np.ndarray], threads: int
    ) -> None:
        super().__init__()
        with suppress(RuntimeError):  # TensorFlow refuses a change once it has started
            tf.config.threading.set_inter_op_parallelism_threads(threads)
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        self.x, self.y = self.prepare(x), tf.constant(y)
        self.names = ["1_dense/kernel", "1_dense/bias", "2_dense/kernel", "2_dense/bias"]
        self.parameters = [tf.Variable(weights[name]) for name in self.names]
        self.first = [tf.Variable(tf.zeros_like(p)) for p in self.parameters]
        self.second = [tf.Variable(tf.zeros_like(p)) for p in self.parameters]
        self.power_1, self.power_2 = tf.Variable(1.0), tf.Variable(1.0)
        rows = tf.TensorSpec((None, BATCH), tf.int32)
        images = tf.TensorSpec((None, 784), tf.float32)
        self.run = tf.function(self._run, input_signature=[rows], jit_compile=False)
        self.infer = tf.function(self._infer, input_signature=[images], jit_compile=False)

    def _logits(self, x: Any) -> Any:
        kernel_1, bias_1, kernel_2, bias_2 = self.parameters
        hidden = tf.nn.relu(tf.nn.bias_add(tf.matmul(x, kernel_1), bias_1))
        return tf.nn.bias_add(tf.matmul(hidden, kernel_2), bias_2)

    def _step(self, x: Any, y: Any, power_1: Any, power_2: Any) -> Any:
        with tf.GradientTape() as tape:
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(y, self._logits(x))
            loss = tf.reduce_mean(each)
        gradients = tape.gradient(loss, self.parameters)
        for p, m, v, g in zip(self.parameters, self.first, self.second, gradients, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=p.handle, m=m.handle, v=v.handle, beta1_power=power_1, beta2_power=power_2,
                lr=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-7, grad=g, use_locking=False,
            )  # fmt: skip
        return loss

    def _run(self, order: Any) -> Any:
        steps = tf.shape(order)[0]

        def body(i: Any, power_1: Any, power_2: Any, total: Any) -> tuple[Any, ...]:
            rows = order[i]
            x, y = tf.gather(self.x, rows), tf.gather(self.y, rows)
            power_1, power_2 = power_1 * 0.9, power_2 * 0.999
            return i + 1, power_1, power_2, total + self._step(x, y, power_1, power_2)

        start = (0, self.power_1.read_value(), self.power_2.read_value(), 0.0)
        _, power_1, power_2, total = tf.while_loop(
            lambda i, *_: i < steps, body, start, parallel_iterations=1
        )
        self.power_1.assign(power_1)
        self.power_2.assign(power_2)
        return total / tf.cast(steps, tf.float32)

    def _infer(self, x: Any) -> Any:
        rows = tf.shape(x)[0]
        batches = (rows + PREDICT_BATCH - 1) // PREDICT_BATCH
        out = tf.TensorArray(tf.float32, batches, infer_shape=False, element_shape=(None, 10))

        def body(i: Any, out: Any) -> tuple[Any, ...]:
            part = x[i * PREDICT_BATCH : (i + 1) * PREDICT_BATCH]
            return i + 1, out.write(i, self._logits(part))

        return tf.while_loop(lambda i, _: i < batches, body, (0, out))[1].concat()

    def train(self, order: np.ndarray) -> float:
        """One step a row of `order`; reading the loss waits for the whole graph."""
        return float(self.run(tf.constant(order)))

    def prepare(self, x: np.ndarray) -> Any:
        """Rows flattened once, as a tensor."""
        return tf.constant(np.ascontiguousarray(x).reshape(len(x), 784))

    def predict(self, x: Any) -> np.ndarray:
        """Logits of all rows, in batches, by one graph call."""
        return np.asarray(self.infer(x).numpy())

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights, copied."""
        values = [np.array(p.numpy()) for p in self.parameters]
        return dict(zip(self.names, values, strict=True))
