"""fnn-mnist by hand in MXNet 1.9: a hybridized Gluon block and gluon.Trainer."""

from __future__ import annotations

import ctypes
import os
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd

BATCH = 32
PREDICT_BATCH = 256


class _Loss(gluon.HybridBlock):
    """Gather, network and summed cross-entropy as one cached graph."""

    def __init__(self) -> None:
        super().__init__()
        with self.name_scope():
            self.net = gluon.nn.HybridSequential()
            self.net.add(
                gluon.nn.Flatten(),
                gluon.nn.Dense(128, activation="relu", in_units=784),
                gluon.nn.Dense(10, in_units=128),
            )

    def hybrid_forward(self, F: Any, x: Any, y: Any, rows: Any) -> Any:
        return F.softmax_cross_entropy(self.net(F.take(x, rows)), F.take(y, rows))


class Bare:
    """Everything but Adam in one static graph, so that Python pushes few operations a step.

    Measured against mean loss with the gather outside the graph: gather inside 0.95, and the
    fused softmax_cross_entropy instead of Gluon's loss block 0.91 (wall 0.84), which is used.
    It sums over the batch, so Trainer.step gets the batch size. Bulked Adam operations changed
    nothing (0.90); imperative loss and gather 1.13; no kvstore, as nothing is distributed.
    """

    def __init__(
        self, x: np.ndarray, y: np.ndarray, weights: dict[str, np.ndarray], threads: int
    ) -> None:
        os.environ["MXNET_CPU_WORKER_NTHREADS"] = str(threads)  # read when the engine starts
        mx.base.check_call(mx.base._LIB.MXSetNumOMPThreads(ctypes.c_int(threads)))
        self.x, self.y = self.prepare(x), nd.array(y, dtype="float32")
        self.loss = _Loss()
        self.loss.initialize()
        self.loss.hybridize(static_alloc=True, static_shape=True)
        self.layers = {"1_dense": self.loss.net[1], "2_dense": self.loss.net[2]}
        for name, layer in self.layers.items():
            layer.weight.set_data(nd.array(weights[f"{name}/kernel"].T))
            layer.bias.set_data(nd.array(weights[f"{name}/bias"]))
        adam = {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7}
        self.trainer = gluon.Trainer(self.loss.collect_params(), "adam", adam, kvstore=None)

    def train(self, order: np.ndarray) -> float:
        """One step a row of `order`; the engine runs behind Python and is awaited at the end."""
        losses = []
        parts = nd.array(order, dtype="int32").split(len(order), axis=0, squeeze_axis=True)
        for rows in parts if len(order) > 1 else [parts]:  # one part comes without a list
            with autograd.record():
                loss = self.loss(self.x, self.y, rows)
            loss.backward()
            self.trainer.step(BATCH)
            losses.append(loss)
        mean = float(nd.stack(*losses).mean().asscalar()) / BATCH
        nd.waitall()
        return mean

    def prepare(self, x: np.ndarray) -> Any:
        """Rows as an array of MXNet, moved once."""
        return nd.array(x, dtype="float32")

    def predict(self, x: Any) -> np.ndarray:
        """Logits of all rows, in batches; only the last operation is waited for."""
        net = self.loss.net
        parts = [net(x[i : i + PREDICT_BATCH]) for i in range(0, len(x), PREDICT_BATCH)]
        return np.asarray(nd.concat(*parts, dim=0).asnumpy())

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights; Gluon keeps dense kernels as (out, in)."""
        found = {}
        for name, layer in self.layers.items():
            found[f"{name}/kernel"] = np.ascontiguousarray(layer.weight.data().asnumpy().T)
            found[f"{name}/bias"] = layer.bias.data().asnumpy()
        return found
