"""Four tasks by hand in TensorFlow: variables and fused Adam, in each of three modes. No Keras."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import tensorflow as tf

BATCH = 32
PREDICT_BATCH = 256


def _dense(x: Any, kernel: Any, bias: Any) -> Any:
    return tf.nn.bias_add(tf.matmul(x, kernel), bias)


def _fnn(p: list[Any], x: Any) -> Any:
    hidden = tf.nn.relu(_dense(tf.reshape(x, (-1, 784)), p[0], p[1]))
    return _dense(hidden, p[2], p[3])


def _cnn(p: list[Any], x: Any) -> Any:
    x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, p[0], 1, "VALID"), p[1]))
    x = tf.reshape(tf.nn.max_pool2d(x, 2, 2, "VALID"), (-1, 31 * 31 * 32))
    return _dense(tf.nn.relu(_dense(x, p[2], p[3])), p[4], p[5])


def _rnn(p: list[Any], x: Any) -> Any:
    h = tf.zeros((tf.shape(x)[0], 64))
    for now in tf.unstack(x, axis=1):
        h = tf.nn.relu(_dense(now, p[0], p[2]) + tf.matmul(h, p[1]))
    return _dense(tf.nn.relu(_dense(h, p[3], p[4])), p[5], p[6])


def _lstm(p: list[Any], x: Any) -> Any:
    h = c = tf.zeros((tf.shape(x)[0], 50))
    for now in tf.unstack(x, axis=1):
        gates = _dense(now, p[0], p[2]) + tf.matmul(h, p[1])
        i, f, g, o = tf.split(gates, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
    return _dense(h, p[3], p[4])


def _cross_entropy(y: Any, outputs: Any) -> Any:
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, outputs))


def _squares(y: Any, outputs: Any) -> Any:
    return tf.reduce_mean(tf.math.squared_difference(outputs[:, 0], y))


MODELS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "fnn-mnist": (_fnn, _cross_entropy),
    "cnn-64-10": (_cnn, _cross_entropy),
    "rnn-sequence": (_rnn, _squares),
    "lstm-forecast": (_lstm, _squares),
}


class Bare(tf.Module):  # type: ignore[misc]
    """Mode graph: one call trains all steps, so Python is entered once a call, not once a step.

    Mode xla is the same function with jit_compile, but the batches of inference are unrolled: XLA
    knows their number when it compiles. Mode eager is the loop written in Python.

    Adam is the fused raw op. Measured against this loop: gradients derived by hand 0.99, five
    steps unrolled 0.98, ten parallel iterations 1.02: all within the noise, so it stays plain.
    Unrolling would also need a number of steps that the factor divides. Recurrent layers are
    unrolled over their 10 or 12 steps, in plain operations.
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
        super().__init__()
        with suppress(RuntimeError):  # TensorFlow refuses a change once it has started
            tf.config.threading.set_inter_op_parallelism_threads(threads)
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        self.model, self.loss = MODELS[task]
        self.x, self.y = self.prepare(x), tf.constant(y)
        self.names = list(weights)
        self.parameters = [tf.Variable(weights[name]) for name in self.names]
        self.first = [tf.Variable(tf.zeros_like(p)) for p in self.parameters]
        self.second = [tf.Variable(tf.zeros_like(p)) for p in self.parameters]
        self.power_1, self.power_2 = tf.Variable(1.0), tf.Variable(1.0)
        self.units = int(self.parameters[-1].shape[0])
        self.mode = mode
        rows = tf.TensorSpec((None, BATCH), tf.int32)
        inputs = tf.TensorSpec((None, *x.shape[1:]), tf.float32)
        xla = mode == "xla"
        self.run = tf.function(self._run, input_signature=[rows], jit_compile=xla)
        # XLA wants each shape itself, and the others one graph for all of them.
        self.infer = tf.function(
            self._batches if xla else self._infer,
            input_signature=None if xla else [inputs],
            jit_compile=xla,
        )

    def _step(self, x: Any, y: Any, power_1: Any, power_2: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = self.loss(y, self.model(self.parameters, x))
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
        shape = (None, self.units)
        out = tf.TensorArray(tf.float32, batches, infer_shape=False, element_shape=shape)

        def body(i: Any, out: Any) -> tuple[Any, ...]:
            part = x[i * PREDICT_BATCH : (i + 1) * PREDICT_BATCH]
            return i + 1, out.write(i, self.model(self.parameters, part))

        return tf.while_loop(lambda i, _: i < batches, body, (0, out))[1].concat()

    def _batches(self, x: Any) -> Any:
        starts = range(0, len(x), PREDICT_BATCH)
        return tf.concat([self.model(self.parameters, x[i : i + PREDICT_BATCH]) for i in starts], 0)

    def _one_by_one(self, order: np.ndarray) -> Any:
        """`_run` without a graph: Adam's powers are Python's numbers between the steps."""
        power_1, power_2 = self.power_1.numpy(), self.power_2.numpy()
        losses = []
        for rows in tf.constant(order):
            power_1, power_2 = power_1 * 0.9, power_2 * 0.999
            x, y = tf.gather(self.x, rows), tf.gather(self.y, rows)
            losses.append(self._step(x, y, power_1, power_2))
        self.power_1.assign(power_1)
        self.power_2.assign(power_2)
        return tf.reduce_mean(losses)

    def train(self, order: np.ndarray) -> float:
        """One step a row of `order`; reading the loss waits for the whole graph."""
        if self.mode == "eager":
            return float(self._one_by_one(order))
        return float(self.run(tf.constant(order)))

    def prepare(self, x: np.ndarray) -> Any:
        """Rows as a tensor, moved once."""
        return tf.constant(np.ascontiguousarray(x))

    def predict(self, x: Any) -> np.ndarray:
        """Outputs of all rows, in batches, by one graph call where there is a graph."""
        outputs = self._batches(x) if self.mode == "eager" else self.infer(x)
        return np.asarray(outputs.numpy())

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights, copied."""
        values = [np.array(p.numpy()) for p in self.parameters]
        return dict(zip(self.names, values, strict=True))
