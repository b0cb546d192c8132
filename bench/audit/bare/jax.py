"""Four tasks by hand in JAX: a function over a list of arrays, jitted or not; Adam written out."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

PREDICT_BATCH = 256
# YNNPACK for products and sums alone: its convolutions take longer than Eigen's.
CONVOLUTIONS = {
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE"
}


def _fnn(p: list[Any], x: Any) -> Any:
    return jax.nn.relu(x.reshape(len(x), 784) @ p[0] + p[1]) @ p[2] + p[3]


def _cnn(p: list[Any], x: Any) -> Any:
    layout = ("NHWC", "HWIO", "NHWC")
    x = jax.nn.relu(lax.conv_general_dilated(x, p[0], (1, 1), "VALID", None, None, layout) + p[1])
    corners = x.reshape(-1, 31, 2, 31, 2, 32)  # XLA's own reduce_window takes six times as long
    x = corners.max((2, 4)).reshape(-1, 31 * 31 * 32)
    return jax.nn.relu(x @ p[2] + p[3]) @ p[4] + p[5]


def _rnn(p: list[Any], x: Any) -> Any:
    h = jnp.zeros((len(x), 64))
    for t in range(10):
        h = jax.nn.relu(x[:, t] * p[0] + h @ p[1] + p[2])
    return jax.nn.relu(h @ p[3] + p[4]) @ p[5] + p[6]


def _lstm(p: list[Any], x: Any) -> Any:
    h = c = jnp.zeros((len(x), 50))
    for t in range(12):
        i, f, g, o = jnp.split(x[:, t] * p[0] + h @ p[1] + p[2], 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return h @ p[3] + p[4]


def _cross_entropy(outputs: Any, y: Any) -> Any:
    found = jnp.take_along_axis(outputs, y[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(outputs, axis=1) - found)


def _squares(outputs: Any, y: Any) -> Any:
    return jnp.mean(jnp.square(outputs[:, 0] - y))


MODELS = {
    "fnn-mnist": (_fnn, _cross_entropy),
    "cnn-64-10": (_cnn, _cross_entropy),
    "rnn-sequence": (_rnn, _squares),
    "lstm-forecast": (_lstm, _squares),
}


class Bare:
    """All steps of a call in one `lax.scan` of one program, its state donated.

    Not so the convolution: inside a scan its step takes 1.5 times as long as a call a step (two
    threads, loaded machine), so there each step is a call. Mode eager is the same without jax.jit.
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
        # JAX has no setting for it: a thread for each core the process may use.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        self.model, self.loss = MODELS[task]
        self.x, self.y = self.prepare(x), jnp.array(y)
        self.names = list(weights)
        parameters = [jnp.array(value) for value in weights.values()]
        zeros = partial(jax.tree.map, jnp.zeros_like)
        self.state = (parameters, zeros(parameters), zeros(parameters), jnp.float32(0))
        self.scanned = mode == "jit" and task != "cnn-64-10"
        self.one_step, self.outputs = self._step, self._outputs
        if mode == "jit":
            own = None if self.scanned else CONVOLUTIONS
            self.all_steps = jax.jit(self._all_steps, donate_argnums=0)
            self.one_step = jax.jit(self._step, donate_argnums=0, compiler_options=own)
            self.outputs = jax.jit(self._outputs, compiler_options=own)

    def _step(self, state: Any, x: Any, y: Any, rows: Any) -> tuple[Any, Any]:
        p, m, v, step = state
        loss, g = jax.value_and_grad(lambda p: self.loss(self.model(p, x[rows]), y[rows]))(p)
        step = step + 1
        rate, root = 1e-3 / (1 - 0.9**step), lax.rsqrt(1 - 0.999**step)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        p = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) * root + 1e-7), p, m, v)
        return (p, m, v, step), loss

    def _all_steps(self, state: Any, x: Any, y: Any, order: Any) -> tuple[Any, Any]:
        state, losses = lax.scan(lambda s, rows: self._step(s, x, y, rows), state, order)
        return state, losses.mean()

    def _outputs(self, parameters: list[Any], x: Any) -> Any:
        """Batches unrolled: their number is known when this is compiled."""
        starts = range(0, len(x), PREDICT_BATCH)
        return jnp.concatenate([self.model(parameters, x[i : i + PREDICT_BATCH]) for i in starts])

    def train(self, order: np.ndarray) -> float:
        """One step a row of `order`; the state is awaited as the loss is."""
        if self.scanned:
            self.state, loss = self.all_steps(self.state, self.x, self.y, order)
        else:
            losses = []
            for rows in order:
                self.state, loss = self.one_step(self.state, self.x, self.y, rows)
                losses.append(loss)
            loss = np.mean(jax.device_get(losses))
        jax.block_until_ready(self.state)
        return float(loss)

    def prepare(self, x: np.ndarray) -> Any:
        """Rows as an array of JAX, moved once."""
        return jnp.array(x)

    def predict(self, x: Any) -> np.ndarray:
        """Outputs of all rows, in batches, by one call."""
        return np.asarray(self.outputs(self.state[0], x))

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights, copied."""
        return dict(zip(self.names, map(np.array, self.state[0]), strict=True))
