"""JAX in several processes: `jax.distributed`, one device a process, arrays over all of them.

As JAX's guide to multi-process programming has it: the parameters lie whole on every device, a
batch is cut over them, and one jitted step is written for the whole batch; XLA finds where to sum.
So the random key is everybody's, and masks differ by the rows. Layers and update: model.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from adapters.base import AdamForm, Data, Place, Setting, Unsupported, only_chains
from adapters.jax.model import (
    LOSSES,
    Params,
    canonical,
    forward,
    parameters,
    refuse_unknown,
)
from adapters.jax.optimizers import start, update
from adapters.peer import PeerAdapter
from tasks.spec.network import Task
from tasks.weights import Weights

AXIS = "rows"


class Peer(PeerAdapter):
    """One process of JAX's."""

    adam_form: ClassVar[AdamForm] = "epsilon"

    def __init__(self, way: str, place: Place, threads: int) -> None:
        if way != "sharded":
            raise Unsupported(f"JAX has no scheme {way!r} here: sharded")
        self.place, self._threads = place, threads
        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_default_matmul_precision", "highest")
        if place.size > 1:
            address = f"127.0.0.1:{place.ports[0]}"
            # Unasked, the coordinator listens on every interface.
            jax.distributed.initialize(
                address, place.size, place.rank, coordinator_bind_address=address
            )
        mesh = Mesh(np.array(jax.devices()), (AXIS,))
        self._everywhere = NamedSharding(mesh, PartitionSpec())
        self._by_rows = NamedSharding(mesh, PartitionSpec(AXIS))

    def settings(self) -> dict[str, Setting]:
        return {
            "version": jax.__version__,
            "threads": self._threads,
            "ranks": jax.process_count(),
            "devices": jax.device_count(),
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        only_chains(task)
        refuse_unknown(task)
        self._task = task
        params = parameters(task, weights)
        state = (params, start(params), jax.random.key_data(jax.random.key(seed)))
        self._state = jax.tree.map(self._whole, state)
        self._step = jax.jit(self._one_step, donate_argnums=0, out_shardings=self._everywhere)

    def _whole(self, value: Any) -> jax.Array:
        """An array that every process has, as one array of all."""
        return jax.make_array_from_process_local_data(self._everywhere, np.asarray(value))

    def _one_step(self, state: Any, x: jax.Array, y: jax.Array) -> Any:
        params, moments, bits = state
        key, used = jax.random.split(jax.random.wrap_key_data(bits))

        def loss_of(params: Params) -> jax.Array:
            return LOSSES[self._task.loss](forward(self._task, params, x, used), y)

        loss, gradients = jax.value_and_grad(loss_of)(params)
        params, moments = update(self._task, params, gradients, moments)
        return (params, moments, jax.random.key_data(key)), loss

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        return x, y

    def train(self, data: Data, order: np.ndarray) -> float:
        losses = []
        for rows in self.part(order):
            x, y = (
                jax.make_array_from_process_local_data(self._by_rows, part[rows]) for part in data
            )
            self._state, loss = self._step(self._state, x, y)
            losses.append(loss)
        return float(np.mean([float(loss) for loss in losses]))

    def wait(self) -> None:
        jax.block_until_ready(self._state)

    def weights(self) -> Weights:
        return canonical(self._task, self._state[0])

    def reduction(self) -> Callable[[], None]:
        """The mean over the devices of an array each, as XLA averages gradients."""
        parts = jax.tree.map(
            lambda value: jax.make_array_from_process_local_data(
                self._by_rows, np.zeros((1, *value.shape), np.float32)
            ),
            self._state[0],
        )
        mean = jax.jit(
            lambda every: jax.tree.map(lambda value: jnp.mean(value, axis=0), every),
            out_shardings=self._everywhere,
        )

        def reduce() -> None:
            jax.block_until_ready(mean(parts))

        return reduce

    def leave(self) -> None:
        if self.place.size > 1:
            jax.distributed.shutdown()
