"""MXNet in several processes: the Trainer with the `dist_sync` store, a scheduler and a server.

As MXNet's documents on distributed training have it: every worker pushes its gradients to the
server, which sums them, and pulls the sum; the Trainer divides by the whole batch. The updates are
the workers' own (update_on_kvstore=False). Network and losses: model.py, hybridized.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd

from adapters.base import AdamForm, Data, Place, Setting, Unsupported, form_of
from adapters.mxnet.contender import _BatchLoss, _in_engine, optimizer_of
from adapters.mxnet.model import LOSSES, network
from adapters.peer import PeerAdapter
from tasks.spec.network import Task
from tasks.weights import Weights


class Numbered(mx.kv.KVStoreBase):
    """A store whose keys begin at `first`. The server keeps each key for as long as it lives, with
    the shape it had first; a Trainer counts its keys from zero."""

    def __init__(self, store: Any, first: int) -> None:
        self.store, self.first = store, first

    def broadcast(self, key: int, value: Any, out: Any, priority: int = 0) -> None:
        self.store.broadcast(self.first + key, value, out, priority)

    def pushpull(self, key: int, value: Any, out: Any = None, priority: int = 0) -> None:
        """As the documents' push and then pull: with the store's own `pushpull` one of four workers
        on two cores was now and then handed another sum than the rest (MXNet 1.9.1)."""
        self.store.push(self.first + key, value, priority)
        self.store.pull(self.first + key, value if out is None else out, priority)

    def push(self, key: int, value: Any, priority: int = 0) -> None:
        self.store.push(self.first + key, value, priority)

    def pull(self, key: int, out: Any = None, priority: int = 0, **options: Any) -> None:
        self.store.pull(self.first + key, out, priority, **options)

    def set_optimizer(self, optimizer: Any) -> None:
        raise NotImplementedError("updates are the workers' own")

    @staticmethod
    def is_capable(capability: str) -> bool:
        return False

    def save_optimizer_states(self, fname: str, dump_optimizer: bool = False) -> None:
        raise NotImplementedError

    def load_optimizer_states(self, fname: str) -> None:
        raise NotImplementedError

    @property
    def type(self) -> str:
        return str(self.store.type)

    @property
    def rank(self) -> int:
        return int(self.store.rank)

    @property
    def num_workers(self) -> int:
        return int(self.store.num_workers)


class Peer(PeerAdapter):
    """One worker of MXNet's."""

    adam_form: ClassVar[AdamForm] = "epsilon-hat"

    def __init__(self, way: str, place: Place, threads: int) -> None:
        if way != "dist-sync":
            raise Unsupported(f"MXNet has no scheme {way!r} here: dist-sync")
        self.place, self._threads, self._keys = place, threads, 0
        _in_engine(lambda: mx.base._LIB.MXSetNumOMPThreads(threads))
        self._store = mx.kv.create("dist_sync" if place.size > 1 else "local")

    def settings(self) -> dict[str, Setting]:
        return {
            "version": mx.__version__,
            "threads": self._threads,
            "ranks": self._store.num_workers,
            "store": self._store.type,
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        mx.random.seed(self.own_seed(seed))
        self._task = task
        self._net, self._slots = network(task)
        self._net.initialize(mx.init.Zero(), ctx=mx.cpu())
        for name, parameter, to_gluon, _ in self._slots:
            parameter.set_data(nd.array(to_gluon(weights[name]), dtype="float32"))
        self._loss = _BatchLoss(self._net, form_of("loss", task.loss, LOSSES))
        self._loss.hybridize()
        parameters = self._net.collect_params()
        name, options = optimizer_of(task)
        store = Numbered(self._store, self._keys)
        self._keys += len(parameters.keys())
        self._trainer = gluon.Trainer(
            parameters, name, options, kvstore=store, update_on_kvstore=False
        )

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        if len(self._task.input_shape) == 3:
            x = x.transpose(0, 3, 1, 2)  # NHWC → NCHW
        rows = nd.array(x, dtype=self._task.input_dtype)
        return rows, nd.array(y, dtype=self._task.target_dtype)

    def train(self, data: Data, order: np.ndarray) -> float:
        x, y = data
        losses = []
        for rows in self.part(order):
            own = nd.array(rows, dtype="int32")
            with autograd.record():
                loss = self._loss(nd.take(x, own), nd.take(y, own))
            loss.backward()
            # The loss is one value a row: the sum of all workers' is divided by the whole batch.
            self._trainer.step(self.divisor(order.shape[1]))
            losses.append(loss)
        return float(nd.concat(*losses, dim=0).mean().asscalar())

    def divisor(self, batch: int) -> int:
        """What the sum of all workers' gradients is divided by; `batch` is the whole one's rows."""
        return batch

    def wait(self) -> None:
        nd.waitall()

    def weights(self) -> Weights:
        return {
            name: np.ascontiguousarray(to_canonical(parameter.data().asnumpy()))
            for name, parameter, _, to_canonical in self._slots
        }

    def reduction(self) -> Callable[[], None]:
        arrays = [nd.zeros(parameter.shape) for _, parameter, *_ in self._slots]
        store = Numbered(self._store, self._keys)
        self._keys += len(arrays)
        for key, array in enumerate(arrays):
            store.broadcast(key, array, array)

        def reduce() -> None:
            for key, array in enumerate(arrays):
                store.pushpull(key, array, array, -key)
            nd.waitall()

        return reduce
