"""Four tasks by hand in MXNet 1.9: Gluon blocks, hybridized or not, and gluon.Trainer."""

from __future__ import annotations

import ctypes
import os
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn, rnn

BATCH = 32
PREDICT_BATCH = 256


class _LastStep(gluon.HybridBlock):
    """(N, T, 1) → (N, units): a fused recurrent layer over time-major rows, its last output."""

    def __init__(self, cell: Any) -> None:
        super().__init__()
        self.cell = cell
        cell.l0_h2h_bias.grad_req = "null"  # the task has one bias

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        states = self.cell(F.swapaxes(x, 0, 1))
        return F.reshape(F.slice_axis(states, axis=0, begin=-1, end=None), shape=(-3, 0))


def _dense(units: int, inputs: int, activation: str | None = None) -> Any:
    return nn.Dense(units, activation=activation, in_units=inputs)


def _layers(task: str) -> list[Any]:
    """The layers with parameters and Flatten, in order."""
    if task == "fnn-mnist":
        return [nn.Flatten(), _dense(128, 784, "relu"), _dense(10, 128)]
    if task == "cnn-64-10":
        conv = nn.Conv2D(32, 3, activation="relu", in_channels=3)
        dense = _dense(64, 32 * 31 * 31, "relu")
        return [conv, nn.MaxPool2D(2, 2), nn.Flatten(), dense, _dense(10, 64)]
    if task == "rnn-sequence":
        cell = rnn.RNN(64, activation="relu", input_size=1)
        return [_LastStep(cell), _dense(32, 64, "relu"), _dense(1, 32)]
    return [_LastStep(rnn.LSTM(50, input_size=1)), _dense(1, 50)]


class _Loss(gluon.HybridBlock):
    """Gather, network and summed loss as one block: one cached graph when hybridized."""

    def __init__(self, task: str) -> None:
        super().__init__()
        self.classes = task in ("fnn-mnist", "cnn-64-10")
        with self.name_scope():
            self.net = nn.HybridSequential()
            self.net.add(*_layers(task))

    def hybrid_forward(self, F: Any, x: Any, y: Any, rows: Any) -> Any:
        outputs, targets = self.net(F.take(x, rows)), F.take(y, rows)
        if self.classes:
            return -F.sum(F.pick(F.log_softmax(outputs), targets))
        return F.sum(F.square(F.reshape(outputs, shape=(-1,)) - targets))


class Bare:
    """Mode hybrid: everything but Adam in one static graph, so that Python pushes few operations a
    step. Mode imperative: the same blocks, operation by operation. The figures are hybrid's.

    Measured against mean loss with the gather outside the graph: gather inside 0.95. The loss is
    summed over the batch, so Trainer.step gets the batch size. The fused softmax_cross_entropy
    takes 0.91 of Gluon's loss block (wall 0.84) but reports no loss above -log(1e-8): not the same
    work, as a fresh cnn-64-10 shows (4.312 for 4.337), so it is not used. Bulked Adam operations
    changed nothing (0.90); imperative loss and gather 1.13; no kvstore, as nothing is distributed.
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
        os.environ["MXNET_CPU_WORKER_NTHREADS"] = str(threads)  # read when the engine starts
        mx.base.check_call(mx.base._LIB.MXSetNumOMPThreads(ctypes.c_int(threads)))
        self.x, self.y = self.prepare(x), nd.array(y, dtype="float32")
        self.loss = _Loss(task)
        self.loss.initialize()
        if mode == "hybrid":
            self.loss.hybridize(static_alloc=True, static_shape=True)
        self.names = list(weights)
        for name, (parameter, kind) in zip(self.names, self._parameters(), strict=True):
            parameter.set_data(nd.array(_turned(weights[name], kind)))
        adam = {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7}
        self.trainer = gluon.Trainer(self.loss.collect_params(), "adam", adam, kvstore=None)

    def _parameters(self) -> list[tuple[Any, str]]:
        """Each parameter in layer order, and how its layout differs from (in, out)."""
        found: list[tuple[Any, str]] = []
        image = False
        for layer in self.loss.net:
            if isinstance(layer, nn.Conv2D):
                image = True
                found += [(layer.weight, "conv"), (layer.bias, "same")]
            elif isinstance(layer, _LastStep):
                cell = layer.cell
                found += [(cell.l0_i2h_weight, "dense"), (cell.l0_h2h_weight, "dense")]
                found.append((cell.l0_i2h_bias, "same"))
            elif isinstance(layer, nn.Dense):
                found += [(layer.weight, "image" if image else "dense"), (layer.bias, "same")]
                image = False
        return found

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
        """Rows as an array of MXNet, moved once; images as (N, C, H, W)."""
        return nd.array(x.transpose(0, 3, 1, 2) if x.ndim == 4 else x, dtype="float32")

    def predict(self, x: Any) -> np.ndarray:
        """Outputs of all rows, in batches; only the last operation is waited for."""
        net = self.loss.net
        parts = [net(x[i : i + PREDICT_BATCH]) for i in range(0, len(x), PREDICT_BATCH)]
        return np.asarray(nd.concat(*parts, dim=0).asnumpy())

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights, copied."""
        parameters = zip(self.names, self._parameters(), strict=True)
        return {name: _canonical(p.data().asnumpy(), kind) for name, (p, kind) in parameters}


def _turned(value: np.ndarray, kind: str) -> np.ndarray:
    """Canonical layout → Gluon's; "image" is the kernel after a flattened (32, 31, 31)."""
    if kind == "conv":
        return value.transpose(3, 2, 0, 1)
    if kind == "image":
        return value.reshape(31, 31, 32, -1).transpose(3, 2, 0, 1).reshape(64, -1)
    return value.T if kind == "dense" else value


def _canonical(value: np.ndarray, kind: str) -> np.ndarray:
    if kind == "conv":
        return value.transpose(2, 3, 1, 0)
    if kind == "image":
        return value.reshape(64, 32, 31, 31).transpose(2, 3, 1, 0).reshape(-1, 64)
    return value.T if kind == "dense" else value
