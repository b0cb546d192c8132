"""JAX: plain functions over a dictionary of arrays and nothing else. Modes: "jit" and "eager".

Eager is the same without jax.jit, an operation after the other, as one would debug it. It is what
"jit" is held against, and no way to use JAX. What follows is about "jit".

The state (parameters, optimizer, random key) is donated to each call, so updates happen in place.
Steps run `_CHUNKS` at a time inside one `lax.scan`, where that wins, and singly for the rest; both
programs are compiled once, whatever the number of steps. Layouts are the canonical ones: nothing
is permuted on the way in or out.

XLA hands convolutions to YNNPACK by default; they are left to Eigen, with products and sums still
in YNNPACK, which is faster. MEASURED.md has this and the other choices. Layers: model.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from adapters.base import Adapter, Data, Device, Precision, Setting, Unsupported, only_chains
from adapters.jax import graph_model
from adapters.jax.device import debugging, device_of, told
from adapters.jax.model import (
    LOSSES,
    UNROLL,
    Params,
    canonical,
    forward,
    parameters,
    refuse_unknown,
    warp,
)
from adapters.jax.optimizers import start, update
from tasks.spec.graph import value_shapes
from tasks.spec.layers import LSTM, Conv2D, Dropout, SimpleRNN
from tasks.spec.network import Task
from tasks.spec.sequence import GRU, Bidirectional
from tasks.spec.vision import TransposedConv2D
from tasks.weights import Weights

Array: TypeAlias = jax.Array
State = tuple[Any, Any, Array]
Step = Callable[..., tuple[State, Array]]

_CHUNKS = (500, 125, 25)  # steps of a scan
CONVOLUTIONS = (Conv2D, TransposedConv2D)
_UNROLLED = 8  # batches of inference in one program
_CPU_OPTIONS = {  # XLA's own choice takes convolutions too
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE"
}


class Contender(Adapter):
    """A jitted scan over steps ("jit"), or every operation by itself ("eager")."""

    adam_form = "epsilon"

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        if mode not in ("jit", "eager"):
            raise Unsupported(f"JAX has no mode {mode!r} here: jit or eager")
        self._jit = mode == "jit"
        # JAX takes a thread for every core this process may use, once, when it is first used.
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:threads])
        narrow = "tensorfloat32" if precision == "tf32" else "highest"
        jax.config.update("jax_default_matmul_precision", narrow)
        self._compute = jnp.bfloat16 if precision == "bf16" else jnp.float32
        if device == "cuda":  # else JAX takes three quarters of the memory, and nobody sees its use
            os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        self._device = device_of(device)
        self._cudnn = self._jit and device == "cuda" and self._compute == jnp.float32
        self._options: dict[str, dict[str, str] | None] = {"inference": None, "training": None}

    def settings(self) -> dict[str, Setting]:
        return {
            "version": jax.__version__,
            "threads": len(os.sched_getaffinity(0)),
            **told(self._device),
            "precision": self._precision(),
            "matmul_precision": str(jax.config.jax_default_matmul_precision),
            "prng": str(jax.config.jax_default_prng_impl),
            "jit": self._jit,
            "debugging": debugging(),
            "steps_per_scan": "/".join(map(str, _CHUNKS)) if self._jit else "none",
            **{f"xla_options_{kind}": _said(options) for kind, options in self._options.items()},
            "preallocate": os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE", "default"),
        }

    def _precision(self) -> str:
        """What dtype and product switches in force make of float32 data."""
        if self._compute == jnp.bfloat16 or jax.config.jax_enable_x64:
            return "other" if jax.config.jax_enable_x64 else "bf16"
        products = str(jax.config.jax_default_matmul_precision)
        return {"highest": "fp32", "tensorfloat32": "tf32"}.get(products, products)

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        if task.is_graph:
            graph_model.refuse(task)
            if self._compute != jnp.float32:
                raise Unsupported("graphs are in float32 here: no form in bfloat16 is written")
        else:
            only_chains(task)
            refuse_unknown(task)
        self._task = task
        self._begin(weights, seed)
        options, training = self._compiler_options(task)
        self._scans = self._jit and not any(isinstance(n.layer, CONVOLUTIONS) for n in task.nodes)
        self._one, self._outputs = self._step, self._infer
        if not self._jit:
            # A lax.scan, which long sequences need, would be compiled anew in every step.
            if steps := long_steps(task):
                raise Unsupported(
                    f"eager JAX lays a recurrent layer out step by step, here up to {UNROLL} time "
                    f"steps; this one has {steps}"
                )
            return
        self._options = {"inference": options, "training": training}
        self._one = jax.jit(self._step, donate_argnums=0, compiler_options=training)
        self._many = jax.jit(self._scan, donate_argnums=0, compiler_options=training)
        self._outputs = jax.jit(self._infer, static_argnums=(3, 4), compiler_options=options)

    def restart(self, task: Task, weights: Weights, seed: int) -> None:
        """Programs hold no state: what they work on is given to them."""
        if task == self._task:
            self._begin(weights, seed)
        else:
            self.build(task, weights, seed)

    def _begin(self, weights: Weights, seed: int) -> None:
        key = jax.random.key(seed)
        if self._task.is_graph:
            arrays = {name: jnp.array(value) for name, value in weights.items()}
            self._state: State = (arrays, graph_model.start(self._task, arrays), key)
            return
        params = parameters(self._task, weights)
        self._state = (params, start(params), key)

    def _compiler_options(self, task: Task) -> tuple[dict[str, str] | None, dict[str, str] | None]:
        """Of inference and of training. SimpleRNN infers faster without them; LSTM with them, but
        short LSTMs train faster without (MEASURED.md)."""
        if self._device.platform != "cpu":
            return None, None
        layers = [node.layer for node in task.nodes]
        own = any(isinstance(layer, (*CONVOLUTIONS, LSTM)) for layer in layers)
        short = any(isinstance(layer, LSTM) for layer in layers) and not long_steps(task)
        return _CPU_OPTIONS if own else None, _CPU_OPTIONS if own and not short else None

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        return jnp.array(x), jnp.array(y)

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> _Mean:
        losses = []
        done = 0
        while done < len(order):
            left = len(order) - done
            chunk = next((c for c in _CHUNKS if self._scans and c <= left), 1)
            part = slice(done, done + chunk) if chunk > 1 else done
            run: Step = self._many if chunk > 1 else self._one
            maps = None if warps is None else warps[part]
            self._state, loss = run(self._state, *data, order[part], maps)
            losses.append(loss)
            done += chunk
        return _Mean(losses, len(order))

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        params, rows = self._state[0], data[0]
        n, most = len(rows), _UNROLLED * batch_size
        if n <= most:
            return np.array(self._outputs(params, rows, None, n, batch_size))
        starts = range(0, n, most)
        parts = [self._outputs(params, rows, i, min(most, n - i), batch_size) for i in starts]
        return np.concatenate([np.asarray(part) for part in parts])

    def wait(self) -> None:
        jax.block_until_ready(self._state)

    def weights(self) -> Weights:
        params = self._state[0]
        if self._task.is_graph:
            return {name: np.array(value) for name, value in params.items()}
        return canonical(self._task, params)

    def _infer(
        self, params: Params, rows: Array, start: Array | None, count: int, size: int
    ) -> Array:
        """Outputs of `count` rows from `start`, in batches of `size`, all in one program.

        Without a start, of all: cut where the compiler knows, and an argument less, which is
        faster (MEASURED.md). A known start would be a program for each.
        """
        outputs = []
        for done in range(0, count, size):
            most = min(size, count - done)
            if start is None or not self._jit:
                begin = (start or 0) + done
                batch = rows[begin : begin + most]
            else:
                batch = lax.dynamic_slice_in_dim(rows, start + done, most)
            outputs.append(self._forward(params, batch, key=None))
        return outputs[0] if len(outputs) == 1 else jnp.concatenate(outputs)

    def _forward(self, params: Any, x: Array, key: Array | None) -> Array:
        """Outputs in float32; under bfloat16 the layers see rounded copies of the parameters."""
        if self._task.is_graph:
            return graph_model.predicted(self._task, params, x)
        if self._compute == jnp.float32:
            return forward(self._task, params, x, key, self._cudnn)
        rounded = jax.tree.map(lambda value: value.astype(self._compute), params)
        x = x.astype(self._compute) if jnp.issubdtype(x.dtype, jnp.floating) else x
        return forward(self._task, rounded, x, key).astype(jnp.float32)

    def _step(
        self, state: State, x: Array, y: Array, rows: Array, maps: Array | None
    ) -> tuple[State, Array]:
        params, moments, key = state
        # Only dropout draws: elsewhere a split key would show in a small step.
        draws = any(isinstance(node.layer, Dropout) for node in self._task.nodes)
        key, used = jax.random.split(key) if draws else (key, key)
        batch = x[rows] if maps is None else warp(x[rows], maps)
        if self._task.is_graph:
            after = graph_model.step(self._task, params, moments, batch, y[rows], used)
            params, moments, loss = after
            return (params, moments, key), loss

        def loss_of(params: Params) -> Array:
            return LOSSES[self._task.loss](self._forward(params, batch, key=used), y[rows])

        loss, gradients = jax.value_and_grad(loss_of)(params)
        params, moments = update(self._task, params, gradients, moments)
        return (params, moments, key), loss

    def _scan(
        self, state: State, x: Array, y: Array, order: Array, maps: Array | None
    ) -> tuple[State, Array]:
        state, losses = lax.scan(lambda s, item: self._step(s, x, y, *item), state, (order, maps))
        return state, losses.sum()


def long_steps(task: Task) -> int:
    """Time steps of a recurrent layer that has more than are laid out; 0 where none has."""
    shapes = value_shapes(task.nodes, task.inputs)
    steps = [
        shapes[node.reads[0]][0]
        for node in task.nodes
        if isinstance(node.layer, (SimpleRNN, LSTM, GRU, Bidirectional))
    ]
    return max((count for count in steps if count > UNROLL), default=0)


def _said(options: dict[str, str] | None) -> str:
    """Compiler options in a line."""
    return " ".join(f"{name}={value}" for name, value in (options or {}).items()) or "none"


class _Mean:
    """The mean loss of some steps, read from the device only when asked for."""

    def __init__(self, losses: list[Array], steps: int) -> None:
        self._losses, self._steps = losses, steps

    def __float__(self) -> float:
        return float(sum(float(loss) for loss in self._losses) / self._steps)
