"""JAX: plain functions over a dictionary of arrays, jitted, with optax. Mode "jit".

The state (parameters, optimizer, random key) is donated to each call, so updates happen in place.
Steps run `_CHUNK` at a time inside one `lax.scan`, where that wins, and singly for the rest; both
programs are compiled once, whatever the number of steps. Layouts are the canonical ones: nothing
is permuted on the way in or out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from adapters.base import Adapter, Data, Device, Precision, Setting, Unsupported
from tasks.spec import (
    LSTM,
    SGD,
    Activation,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    MaxPool2D,
    SimpleRNN,
    Task,
    layer_name,
)
from tasks.weights import Weights

# JAX takes a thread for every core this process may use, once, when it is first used.
import jax  # isort: skip
import jax.numpy as jnp  # isort: skip
import optax  # isort: skip
from jax import lax  # isort: skip

Array = jax.Array
State = tuple[dict[str, Array], Any, Array]

_CHUNK = 125
_UNROLL = 32  # time steps up to which a recurrent loop is laid out
_ACTIVATIONS: dict[Activation, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
}


class Contender(Adapter):
    """JAX in mode "jit"."""

    adam_form = "epsilon"

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        if mode != "jit":
            raise Unsupported(f"JAX has no mode {mode!r} here: jit")
        if precision != "fp32":
            raise Unsupported(f"precision {precision} is not written yet for JAX")
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:threads])
        jax.config.update("jax_platforms", device)
        jax.config.update("jax_default_matmul_precision", "highest")
        try:
            self._device = jax.devices(device)[0]
        except RuntimeError as error:
            raise Unsupported(f"this JAX sees no {device} device") from error

    def settings(self) -> dict[str, Setting]:
        strict = jax.config.jax_default_matmul_precision == "highest"
        return {
            "version": jax.__version__,
            "threads": len(os.sched_getaffinity(0)),
            "device": "cuda" if self._device.platform == "gpu" else self._device.platform,
            "precision": "fp32" if strict and not jax.config.jax_enable_x64 else "other",
            "matmul_precision": str(jax.config.jax_default_matmul_precision),
            "prng": str(jax.config.jax_default_prng_impl),
            "optax": optax.__version__,
            "steps_per_scan": _CHUNK,
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self._task = task
        self._optimizer = _optimizer(task)
        params = {k: jax.device_put(jnp.array(v), self._device) for k, v in weights.items()}
        self._state: State = (params, self._optimizer.init(params), jax.random.key(seed))
        self._one = jax.jit(self._step, donate_argnums=0)
        self._many = jax.jit(self._scan, donate_argnums=0)
        self._outputs = jax.jit(self._infer, static_argnums=3)
        self._scans = not any(isinstance(layer, Conv2D) for layer in task.layers)

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        rows, targets = jnp.array(x), jnp.array(y)
        return jax.device_put((rows, targets), self._device)

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> _Mean:
        losses = []
        done = 0
        while done < len(order):
            chunk = _CHUNK if self._scans and len(order) - done >= _CHUNK else 1
            part = slice(done, done + chunk) if chunk > 1 else done
            run = self._many if chunk > 1 else self._one
            maps = None if warps is None else warps[part]
            self._state, loss = run(self._state, *data, order[part], maps)
            losses.append(loss)
            done += chunk
        return _Mean(losses, len(order))

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        params, rows = self._state[0], data[0]
        n = len(rows)
        starts = range(0, n, batch_size)
        parts = [self._outputs(params, rows, i, min(batch_size, n - i)) for i in starts]
        return np.concatenate([np.asarray(part) for part in parts])

    def wait(self) -> None:
        jax.block_until_ready(self._state)

    def weights(self) -> Weights:
        return {name: np.array(value) for name, value in self._state[0].items()}

    def _infer(self, params: dict[str, Array], rows: Array, start: Array, size: int) -> Array:
        return _forward(self._task, params, lax.dynamic_slice_in_dim(rows, start, size), key=None)

    def _step(
        self, state: State, x: Array, y: Array, rows: Array, maps: Array | None
    ) -> tuple[State, Array]:
        params, moments, key = state
        key, used = jax.random.split(key)
        batch = x[rows] if maps is None else _warp(x[rows], maps)

        def loss_of(params: dict[str, Array]) -> Array:
            return _loss(self._task, _forward(self._task, params, batch, key=used), y[rows])

        loss, gradients = jax.value_and_grad(loss_of)(params)
        updates, moments = self._optimizer.update(gradients, moments)
        return (optax.apply_updates(params, updates), moments, key), loss

    def _scan(
        self, state: State, x: Array, y: Array, order: Array, maps: Array | None
    ) -> tuple[State, Array]:
        state, losses = lax.scan(lambda s, item: self._step(s, x, y, *item), state, (order, maps))
        return state, losses.sum()


class _Mean:
    """The mean loss of some steps, read from the device only when asked for."""

    def __init__(self, losses: list[Array], steps: int) -> None:
        self._losses, self._steps = losses, steps

    def __float__(self) -> float:
        return float(sum(float(loss) for loss in self._losses) / self._steps)


def _optimizer(task: Task) -> Any:
    optimizer = task.optimizer
    if isinstance(optimizer, SGD):
        return optax.sgd(optimizer.learning_rate)
    return optax.adam(
        optimizer.learning_rate, optimizer.beta_1, optimizer.beta_2, optimizer.epsilon
    )


def _loss(task: Task, outputs: Array, y: Array) -> Array:
    """Batch mean; outputs (batch, units), y (batch,)."""
    if task.loss == "sparse_categorical_crossentropy":
        return optax.softmax_cross_entropy_with_integer_labels(outputs, y).mean()
    if task.loss == "binary_crossentropy":
        return optax.sigmoid_binary_cross_entropy(outputs[:, 0], y).mean()
    return jnp.mean((outputs[:, 0] - y) ** 2)


def _forward(task: Task, params: dict[str, Array], x: Array, key: Array | None) -> Array:
    """Outputs of a batch; `key` draws dropout's masks in training and is None in inference."""
    for index, layer in enumerate(task.layers):
        name = layer_name(index, layer)
        p = {k.split("/")[1]: v for k, v in params.items() if k.startswith(f"{name}/")}
        if isinstance(layer, Dropout):
            if key is not None and layer.rate > 0:
                key, used = jax.random.split(key)
                kept = jax.random.bernoulli(used, 1 - layer.rate, x.shape)
                x = jnp.where(kept, x / (1 - layer.rate), 0.0)
        else:
            x = _apply(layer, p, x)
    return x


def _apply(layer: Layer, p: dict[str, Array], x: Array) -> Array:
    match layer:
        case Flatten():
            return x.reshape(len(x), -1)
        case Dense(activation=activation):
            return _ACTIVATIONS[activation](x @ p["kernel"] + p["bias"])
        case Conv2D(activation=activation):
            layout = ("NHWC", "HWIO", "NHWC")
            z = lax.conv_general_dilated(x, p["kernel"], (1, 1), "VALID", dimension_numbers=layout)
            return _ACTIVATIONS[activation](z + p["bias"])
        case MaxPool2D(size=size):
            window = (1, size, size, 1)
            return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
        case Embedding():
            return jnp.take(p["table"], x, axis=0, mode="clip")
        case SimpleRNN():
            return _simple_rnn(layer, p, x)
        case LSTM():
            return _lstm(p, x)
        case _:
            raise Unsupported(f"no JAX form of {type(layer).__name__} is written")


def _simple_rnn(layer: SimpleRNN, p: dict[str, Array], x: Array) -> Array:
    """x (N, T, in) → the last state (N, units); the inputs' products are made for all steps."""
    activation = _ACTIVATIONS[layer.activation]
    inputs = jnp.swapaxes(x @ p["kernel"] + p["bias"], 0, 1)

    def step(h: Array, z: Array) -> tuple[Array, None]:
        return activation(z + h @ p["recurrent"]), None

    start = jnp.zeros((len(x), layer.units), x.dtype)
    return lax.scan(step, start, inputs, unroll=_unroll(x))[0]


def _lstm(p: dict[str, Array], x: Array) -> Array:
    """x (N, T, in) → the last hidden state (N, units), gates i, f, g, o."""
    inputs = jnp.swapaxes(x @ p["kernel"] + p["bias"], 0, 1)

    def step(state: tuple[Array, Array], z: Array) -> tuple[tuple[Array, Array], None]:
        h, c = state
        i, f, g, o = jnp.split(z + h @ p["recurrent"], 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    start = jnp.zeros((len(x), p["recurrent"].shape[0]), jnp.float32)
    return lax.scan(step, (start, start), inputs, unroll=_unroll(x))[0][0]


def _unroll(x: Array) -> int:
    return x.shape[1] if x.shape[1] <= _UNROLL else 1


def _warp(images: Array, maps: Array) -> Array:
    """Affine warp of (N, H, W, C) by maps (N, 6): bilinear, edges repeated."""
    height, width = images.shape[1:3]
    ys, xs = jnp.mgrid[0:height, 0:width].astype(images.dtype)
    a = maps[:, :, None, None]
    px = jnp.clip(a[:, 0] * xs + a[:, 1] * ys + a[:, 2], 0, width - 1)
    py = jnp.clip(a[:, 3] * xs + a[:, 4] * ys + a[:, 5], 0, height - 1)
    sample = partial(jax.scipy.ndimage.map_coordinates, order=1, mode="nearest")
    by_channel = jax.vmap(lambda image, y, x: sample(image, [y, x]), (2, None, None), 2)
    return jax.vmap(by_channel)(images, py, px)
