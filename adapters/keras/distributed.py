"""Keras in several processes: on JAX by keras.distribution; `fit` on TensorFlow's multi-worker.

"data-parallel": `keras.distribution.initialize` and `DataParallel` as Keras's guide has them; every
process gives `fit` its own rows of each batch. "multi-worker-fit": a model made and compiled in the
scope of MultiWorkerMirroredStrategy, as TensorFlow's tutorial has it; Keras 3 cannot (keras issue
20585, open since TensorFlow 2.16), and its error is what a group of it answers.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import numpy as np

from adapters.base import AdamForm, Data, Place, Setting, Unsupported
from adapters.keras import model
from adapters.keras.contender import _import_keras
from adapters.peer import PeerAdapter
from tasks.spec.network import Task, parameter_shapes
from tasks.weights import Weights

BACKENDS = {"data-parallel": "jax", "multi-worker-fit": "tensorflow"}


class Peer(PeerAdapter):
    """One process of Keras's."""

    adam_form: ClassVar[AdamForm] = "epsilon-hat"

    def __init__(self, way: str, place: Place, threads: int) -> None:
        if way not in BACKENDS:
            raise Unsupported(f"Keras has no scheme {way!r} here: {' or '.join(BACKENDS)}")
        self.place, self._threads = place, threads
        self._keras = _import_keras(BACKENDS[way], "cpu")
        self._distribution: Any = None
        self._strategy: Any = None
        if way == "data-parallel":
            self._join_jax(place)
        else:
            self._join_tensorflow(threads)

    def _join_jax(self, place: Place) -> None:
        jax = importlib.import_module("jax")
        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_default_matmul_precision", "highest")
        parts = self._keras.distribution
        if place.size > 1:
            parts.initialize(f"127.0.0.1:{place.ports[0]}", place.size, place.rank)
        devices = parts.list_devices("cpu")
        self._distribution = parts.DataParallel(devices=devices, auto_shard_dataset=False)
        self._jax = jax

    def _join_tensorflow(self, threads: int) -> None:
        tf = importlib.import_module("tensorflow")
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        self._strategy = tf.distribute.MultiWorkerMirroredStrategy()

    def settings(self) -> dict[str, Setting]:
        ranks = (
            self._jax.process_count() if self._strategy is None
            else self._strategy.num_replicas_in_sync
        )  # fmt: skip
        return {
            "version": self._keras.version(),
            "backend": self._keras.config.backend(),
            "threads": self._threads,
            "ranks": ranks,
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        keras = self._keras
        keras.utils.clear_session()  # which forgets the distribution
        if self._distribution is not None:
            keras.distribution.set_distribution(self._distribution)
        keras.utils.set_random_seed(seed)  # on JAX the whole batch's masks come from one seed
        self._task = task
        with self._scope():
            inputs = keras.Input(task.input_shape, dtype=task.input_dtype)
            layers = [model.layer_of(keras, layer, task, "cpu") for layer in task.layers]
            self._model = keras.Sequential([inputs, *layers])
            self._model.set_weights([weights[name].copy() for name in parameter_shapes(task)])
            self._model.compile(
                model.optimizer_of(keras, task.optimizer), model.loss_of(keras, task.loss)
            )

    def _scope(self) -> AbstractContextManager[object]:
        return nullcontext() if self._strategy is None else self._strategy.scope()

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        return x, y if self._task.target_dtype == "int32" else y.reshape(-1, 1)

    def train(self, data: Data, order: np.ndarray) -> float:
        x, y = data
        own = self.part(order)
        rows = own.ravel()
        history = self._model.fit(
            x[rows], y[rows], batch_size=own.shape[1], shuffle=False, verbose=0
        )
        return float(history.history["loss"][-1])

    def wait(self) -> None:
        if self._strategy is None:
            self._jax.block_until_ready([variable.value for variable in self._model.variables])

    def weights(self) -> Weights:
        values = self._model.get_weights()
        return dict(zip(parameter_shapes(self._task), values, strict=True))

    def reduction(self) -> Callable[[], None]:
        """The mean over the devices of an array each, as XLA averages gradients."""
        if self._strategy is not None:
            raise Unsupported("not written for a scheme that does not train")
        jax = self._jax
        mesh = jax.sharding.Mesh(np.array(jax.devices()), ("batch",))
        kinds = (jax.sharding.PartitionSpec("batch"), jax.sharding.PartitionSpec())
        by_rows, everywhere = (jax.sharding.NamedSharding(mesh, kind) for kind in kinds)
        parts = [
            jax.make_array_from_process_local_data(by_rows, np.zeros((1, *shape), np.float32))
            for shape in parameter_shapes(self._task).values()
        ]
        mean = jax.jit(lambda every: [part.mean(axis=0) for part in every],
                       out_shardings=everywhere)  # fmt: skip

        def reduce() -> None:
            jax.block_until_ready(mean(parts))

        return reduce
