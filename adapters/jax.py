"""JAX: plain functions over a dictionary of arrays, jitted, and nothing else. Mode "jit".

The state (parameters, optimizer, random key) is donated to each call, so updates happen in place.
Steps run `_CHUNKS` at a time inside one `lax.scan`, where that wins, and singly for the rest; both
programs are compiled once, whatever the number of steps. Layouts are the canonical ones: nothing
is permuted on the way in or out.

Choices, measured on 2 busy cores with 0.10.2 on CPU: medians of pairwise ratios of CPU time,
alternatives interleaved in one process.

* Max pooling by `where` over the strided views. With reduce_window, whose gradient is a slow
  select_and_scatter, the cnn-64-10 step took 4.5×. Also against `where`: jnp.maximum over the views
  1.2× (and it halves the gradient of ties), max over a reshaped axis 1.2× (splits it too), a custom
  gradient that keeps the winner's number 1.1× to 1.2×, though 0.93× to 0.95× on cnn-catsdogs.
* XLA hands convolutions to YNNPACK by default. Left to Eigen, with products and sums still in
  YNNPACK, the step took 0.49× on cnn-catsdogs and 0.84× on cnn-64-10. Without YNNPACK altogether
  1.17× of that on cnn-64-10, 2.3× on lstm-imdb. Convolution as patches and one product: 1.15×.
* LSTM with a gradient of its own and the time axis put first before the inputs' product: 0.48× on
  lstm-imdb, 0.6× to 0.8× on lstm-forecast. Of that, the recurrent kernel's gradient summed after
  the loop alone gave 0.87× on lstm-imdb, with time first 0.82×. Its 200 steps unrolled by 2: 1.0×;
  under jax.grad, by 4 1.1×, by 10 1.6×. SimpleRNN in the same form: 1.02× to 1.05×, so not done.

Against the steps before these choices: cnn-64-10 0.19×, cnn-catsdogs 0.32×, lstm-imdb 0.49×.
pytorch:eager, measured apart, is behind on cnn-64-10 (23 ms of CPU time a step against 22) and
about equal on lstm-imdb, but ahead on cnn-catsdogs (410 against 610). There, in CPU time, the first
layer's convolution takes 69 ms forward against 8 and 85 against 39 by its kernel; the other
layers' 1.2 to 1.5 times PyTorch's, those by their input twice.
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
from jax import lax  # isort: skip

Array = jax.Array
Params = dict[str, Array]
State = tuple[Params, Any, Array]

_CHUNKS = (500, 125, 25)  # steps of a scan
_UNROLLED = 8  # batches of inference in one program: 0.8 of the time of a call a batch
_UNROLL = 32  # time steps up to which a recurrent loop is laid out
_CPU_OPTIONS = {  # XLA's own choice takes convolutions too
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE"
}
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
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:threads])
        jax.config.update("jax_platforms", device)
        narrow = "tensorfloat32" if precision == "tf32" else "highest"
        jax.config.update("jax_default_matmul_precision", narrow)
        self._compute = jnp.bfloat16 if precision == "bf16" else jnp.float32
        try:
            self._device = jax.devices(device)[0]
        except RuntimeError as error:
            raise Unsupported(f"this JAX sees no {device} device") from error

    def settings(self) -> dict[str, Setting]:
        return {
            "version": jax.__version__,
            "threads": len(os.sched_getaffinity(0)),
            "device": "cuda" if self._device.platform == "gpu" else self._device.platform,
            "precision": self._precision(),
            "matmul_precision": str(jax.config.jax_default_matmul_precision),
            "prng": str(jax.config.jax_default_prng_impl),
            "steps_per_scan": "/".join(map(str, _CHUNKS)),
        }

    def _precision(self) -> str:
        """What dtype and product switches in force make of float32 data."""
        if self._compute == jnp.bfloat16 or jax.config.jax_enable_x64:
            return "other" if jax.config.jax_enable_x64 else "bf16"
        products = str(jax.config.jax_default_matmul_precision)
        return {"highest": "fp32", "tensorfloat32": "tf32"}.get(products, products)

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self._task = task
        params = {k: jax.device_put(jnp.array(v), self._device) for k, v in weights.items()}
        self._state: State = (params, _start(params), jax.random.key(seed))
        # SimpleRNN infers in 0.85 of the time without them, LSTM in half the time with them.
        better = any(isinstance(layer, (Conv2D, LSTM)) for layer in task.layers)
        options = _CPU_OPTIONS if better and self._device.platform == "cpu" else None
        self._one = jax.jit(self._step, donate_argnums=0, compiler_options=options)
        self._many = jax.jit(self._scan, donate_argnums=0, compiler_options=options)
        self._outputs = jax.jit(self._infer, static_argnums=(3, 4), compiler_options=options)
        self._scans = not any(isinstance(layer, Conv2D) for layer in task.layers)

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        rows, targets = jnp.array(x), jnp.array(y)
        return jax.device_put((rows, targets), self._device)

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> _Mean:
        losses = []
        done = 0
        while done < len(order):
            left = len(order) - done
            chunk = next((c for c in _CHUNKS if self._scans and c <= left), 1)
            part = slice(done, done + chunk) if chunk > 1 else done
            run = self._many if chunk > 1 else self._one
            maps = None if warps is None else warps[part]
            self._state, loss = run(self._state, *data, order[part], maps)
            losses.append(loss)
            done += chunk
        return _Mean(losses, len(order))

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        params, rows = self._state[0], data[0]
        n, most = len(rows), _UNROLLED * batch_size
        starts = range(0, n, most)
        parts = [self._outputs(params, rows, i, min(most, n - i), batch_size) for i in starts]
        return np.concatenate([np.asarray(part) for part in parts])

    def wait(self) -> None:
        jax.block_until_ready(self._state)

    def weights(self) -> Weights:
        return {name: np.array(value) for name, value in self._state[0].items()}

    def _infer(self, params: Params, rows: Array, start: Array, count: int, size: int) -> Array:
        """Outputs of `count` rows from `start`, in batches of `size`, all in one program."""
        outputs = []
        for done in range(0, count, size):
            batch = lax.dynamic_slice_in_dim(rows, start + done, min(size, count - done))
            outputs.append(self._forward(params, batch, key=None))
        return jnp.concatenate(outputs)

    def _forward(self, params: Params, x: Array, key: Array | None) -> Array:
        """Outputs in float32; under bfloat16 the layers see rounded copies of the parameters."""
        if self._compute == jnp.float32:
            return _forward(self._task, params, x, key)
        rounded = {name: value.astype(self._compute) for name, value in params.items()}
        x = x.astype(self._compute) if jnp.issubdtype(x.dtype, jnp.floating) else x
        return _forward(self._task, rounded, x, key).astype(jnp.float32)

    def _step(
        self, state: State, x: Array, y: Array, rows: Array, maps: Array | None
    ) -> tuple[State, Array]:
        params, moments, key = state
        # Only dropout draws: elsewhere a split key would be 5 to 10 % of a small step.
        draws = any(isinstance(layer, Dropout) for layer in self._task.layers)
        key, used = jax.random.split(key) if draws else (key, key)
        batch = x[rows] if maps is None else _warp(x[rows], maps)

        def loss_of(params: Params) -> Array:
            return _loss(self._task, self._forward(params, batch, key=used), y[rows])

        loss, gradients = jax.value_and_grad(loss_of)(params)
        params, moments = _update(self._task, params, gradients, moments)
        return (params, moments, key), loss

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


def _start(params: Params) -> tuple[Params, Params, Array]:
    """Adam's moments and the number of steps taken."""
    zeros = {name: jnp.zeros_like(value) for name, value in params.items()}
    return zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), jnp.float32)


def _update(task: Task, params: Params, gradients: Params, moments: Any) -> tuple[Params, Any]:
    """One step of the task's optimizer: new parameters and moments.

    Adam with its corrections as two numbers: optax.adam, which divides each element by them, made
    the whole step of 784-128-10 1.17 times as long (two threads, quiet; recurrent nets: no
    difference).
    """
    rule, together = task.optimizer, jax.tree.map
    if isinstance(rule, SGD):
        return together(lambda p, g: p - rule.learning_rate * g, params, gradients), moments
    m, v, steps = moments
    steps = steps + 1
    rate = rule.learning_rate / (1 - rule.beta_1**steps)
    unbiased = lax.rsqrt(1 - rule.beta_2**steps)
    m = together(lambda m, g: rule.beta_1 * m + (1 - rule.beta_1) * g, m, gradients)
    v = together(lambda v, g: rule.beta_2 * v + (1 - rule.beta_2) * g * g, v, gradients)
    move = lambda p, m, v: p - rate * m / (jnp.sqrt(v) * unbiased + rule.epsilon)  # noqa: E731
    return together(move, params, m, v), (m, v, steps)


def _loss(task: Task, outputs: Array, y: Array) -> Array:
    """Batch mean; outputs (batch, units), y (batch,). optax's cross-entropy took 1.02 of a step."""
    if task.loss == "sparse_categorical_crossentropy":
        chosen = jnp.take_along_axis(outputs, y[:, None], axis=1)[:, 0]
        return jnp.mean(jax.nn.logsumexp(outputs, axis=1) - chosen)
    z = outputs[:, 0]
    if task.loss == "binary_crossentropy":
        return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))
    return jnp.mean((z - y) ** 2)


def _forward(task: Task, params: Params, x: Array, key: Array | None) -> Array:
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


def _apply(layer: Layer, p: Params, x: Array) -> Array:
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
            return _max_pool(x, size)
        case Embedding():
            return jnp.take(p["table"], x, axis=0, mode="clip")
        case SimpleRNN():
            return _simple_rnn(layer, p, x)
        case LSTM():
            return _lstm(p, x)
        case _:
            raise Unsupported(f"no JAX form of {type(layer).__name__} is written")


def _max_pool(x: Array, size: int) -> Array:
    """The size² views that meet in a window, by `where`: of equals the first keeps the gradient."""
    height, width = x.shape[1] // size * size, x.shape[2] // size * size
    corners = [(i, j) for i in range(size) for j in range(size)]
    top, *others = (x[:, i:height:size, j:width:size] for i, j in corners)
    for other in others:
        top = jnp.where(other > top, other, top)
    return top


def _simple_rnn(layer: SimpleRNN, p: Params, x: Array) -> Array:
    """x (N, T, in) → the last state (N, units).

    Each step makes its own input product: for all steps ahead took 1.3 times as long to train and
    2.5 times to infer on rnn-sequence (two threads; with one no difference).
    """
    activation = _ACTIVATIONS[layer.activation]

    def step(h: Array, now: Array) -> tuple[Array, None]:
        return activation(_times(now, p["kernel"]) + h @ p["recurrent"] + p["bias"]), None

    h = jnp.zeros((len(x), layer.units), x.dtype)
    if x.shape[1] > _UNROLL:
        return lax.scan(step, h, jnp.swapaxes(x, 0, 1))[0]
    for t in range(x.shape[1]):
        h, _ = step(h, x[:, t])
    return h


def _times(x: Array, kernel: Array) -> Array:
    """x @ kernel; of one feature without a product, which XLA would hand to its library."""
    return x * kernel if kernel.shape[0] == 1 else x @ kernel


def _lstm(p: Params, x: Array) -> Array:
    """x (N, T, in) → the last hidden state (N, units)."""
    # Steps first: x is the small one.
    inputs = _times(jnp.swapaxes(x, 0, 1), p["kernel"]) + p["bias"]
    return _lstm_loop(p["recurrent"], inputs)


def _lstm_cell(c: Array, z: Array) -> tuple[Array, Array]:
    """(c, z) → (h, c): z (N, 4 units) holds the gates i, f, g, o before their activations."""
    i, f, g, o = jnp.split(z, 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


@jax.custom_vjp
def _lstm_loop(recurrent: Array, inputs: Array) -> Array:
    """inputs (T, N, 4 units), biased → the last hidden state."""
    return _lstm_forward(recurrent, inputs)[0]


def _lstm_forward(
    recurrent: Array, inputs: Array
) -> tuple[Array, tuple[Array, tuple[Array, Array, Array]]]:
    def step(state: tuple[Array, Array], z: Array) -> tuple[tuple[Array, Array], Any]:
        h, c = state
        z = z + h @ recurrent
        return _lstm_cell(c, z), (h, c, z)

    start = jnp.zeros((inputs.shape[1], recurrent.shape[0]), inputs.dtype)
    (last, _), kept = lax.scan(step, (start, start), inputs, unroll=_unroll(inputs))
    return last, (recurrent, kept)


def _lstm_backward(
    kept: tuple[Array, tuple[Array, Array, Array]], by_last: Array
) -> tuple[Array, Array]:
    """The gates are made anew from z, and the recurrent kernel's gradient is one product over all
    steps: jax.grad through the loop keeps nine arrays a step and adds up 4 units² a step."""
    recurrent, (hs, cs, zs) = kept

    def step(by: tuple[Array, Array], item: tuple[Array, Array]) -> tuple[Any, Array]:
        by_c, by_z = jax.vjp(_lstm_cell, *item)[1](by)
        return (by_z @ recurrent.T, by_c), by_z

    start = (by_last, jnp.zeros_like(by_last))
    _, by_zs = lax.scan(step, start, (cs, zs), reverse=True, unroll=_unroll(zs))
    return jnp.einsum("tnh,tng->hg", hs, by_zs), by_zs


_lstm_loop.defvjp(_lstm_forward, _lstm_backward)


def _unroll(steps: Array) -> int:
    return len(steps) if len(steps) <= _UNROLL else 1


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
