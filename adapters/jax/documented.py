"""JAX as Flax's documents tell a user to write it: adapters/jax/programs, run on given rows.

The network of a program (NNX modules), its loop over NumPy batches with one nnx.jit training step,
optax with its defaults and its prediction, everything at the settings of JAX and of XLA.

What the suite's contract asks for and a user would not write: weights are loaded, the batches are
those of a given order instead of a shuffled one, Adam's epsilon is the task's, and float32 is kept
strict. JAX has no call that sets the number of threads: it takes one for every core that the
process may use, so that the process is kept to as many cores.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from adapters.base import (
    Adapter,
    Data,
    Device,
    Precision,
    Setting,
    Unsupported,
    form_of,
    only_chains,
)
from adapters.jax import documented_graph
from adapters.jax.device import debugging, device_of, told
from adapters.jax.documented_model import (
    LOSSES,
    canonical,
    network,
    optimizer,
    program_of,
    rows,
    warped,
)
from tasks.spec.layers import Dropout
from tasks.spec.network import Task, parameter_shapes
from tasks.weights import Weights


class Contender(Adapter):
    """Flax NNX and optax, in the mode "flax"."""

    adam_form = "epsilon"

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        if mode != "flax":
            raise Unsupported(f"JAX has no mode {mode!r} here: flax")
        if precision == "bf16":
            raise Unsupported("bfloat16 needs layers made with a dtype; the programs give none")
        if precision == "tf32" and device == "cpu":
            raise Unsupported("a CPU has no TF32")
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:threads])
        strict = "tensorfloat32" if precision == "tf32" else "highest"
        jax.config.update("jax_default_matmul_precision", strict)
        self._device = device_of(device)

    def settings(self) -> dict[str, Setting]:
        products = str(jax.config.jax_default_matmul_precision)
        precision = {"highest": "fp32", "tensorfloat32": "tf32"}.get(products, products)
        return {
            "version": jax.__version__,
            "flax": flax.__version__,
            "optax": optax.__version__,
            "threads": len(os.sched_getaffinity(0)),
            **told(self._device),
            "precision": "other" if jax.config.jax_enable_x64 else precision,
            "matmul_precision": products,
            "prng": str(jax.config.jax_default_prng_impl),
            "jit": not jax.config.jax_disable_jit,
            "debugging": debugging(),
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        if not task.is_graph:
            only_chains(task)
        self._task, self._training = task, True  # as NNX makes its modules
        self._loss = form_of("loss", task.loss, LOSSES)
        self._program = documented_graph if task.is_graph else program_of(task.family)
        self._network = self._made(seed)
        if task.is_graph:
            self._parameters = documented_graph.canonical(task, self._network)
            self._optimizer = documented_graph.optimizers(task, self._network)
        else:
            self._parameters = canonical(task, self._network)
            self._optimizer = optimizer(task, self._network)
        self._load(weights)

    def _made(self, seed: int) -> nnx.Module:
        if self._task.is_graph:
            return documented_graph.Network(self._task, nnx.Rngs(seed))
        return network(self._task, seed)

    def _load(self, weights: Weights) -> None:
        """Flax's arrays are the task's; attention's reshaped, as it has heads apart."""
        for name, parameter in self._parameters.items():
            parameter[...] = jnp.array(weights[name]).reshape(parameter.shape)

    def restart(self, task: Task, weights: Weights, seed: int) -> None:
        """What nnx.jit has compiled serves the same modules and the same optax rule again."""
        if task != self._task:
            self.build(task, weights, seed)
            return
        self._network.train()
        self._training = True
        if any(isinstance(node.layer, Dropout) for node in task.nodes):  # else it has no key
            nnx.update(self._network, nnx.state(self._made(seed), nnx.RngState))
        self._load(weights)
        self._optimizer = _afresh(self._network, self._optimizer)

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        """Rows stay NumPy arrays on the host: the documents hand over a batch when it comes."""
        return rows(self._task, x, y)

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> Any:
        batches = self._program.batches(*data, order)
        if warps is not None:
            batches = _warped(batches, warps)
        self._training = True
        return self._program.train_epoch(self._network, batches, self._loss, self._optimizer)

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        if self._training:
            self._network.eval()
            self._training = False
        inputs, _ = data
        batches = (inputs[i : i + batch_size] for i in range(0, len(inputs), batch_size))
        outputs: np.ndarray = self._program.outputs(self._network, batches)
        return outputs

    def wait(self) -> None:
        jax.block_until_ready((nnx.state(self._network), nnx.state(self._optimizer)))

    def weights(self) -> Weights:
        shapes = parameter_shapes(self._task)
        return {
            name: np.array(parameter[...]).reshape(shapes[name])
            for name, parameter in self._parameters.items()
        }


def _afresh(network: nnx.Module, kept: Any) -> Any:
    """Optimizers of the same rules, whose state begins anew: of a graph one an update."""
    if isinstance(kept, tuple):
        return tuple(_afresh(network, each) for each in kept)
    return nnx.Optimizer(network, kept.tx, wrt=kept.wrt)


def _warped(
    batches: Iterator[tuple[np.ndarray, np.ndarray]], warps: np.ndarray
) -> Iterator[tuple[jax.Array, np.ndarray]]:
    """The batches with their images moved by the maps of each step."""
    for (images, targets), maps in zip(batches, warps, strict=True):
        yield warped(images, maps), targets
