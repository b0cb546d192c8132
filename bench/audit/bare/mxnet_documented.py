"""Four tasks as MXNet's tutorials write them: Gluon blocks, hybridized, DataLoader, Trainer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn, rnn

PREDICT_BATCH = 256


class _Recurrent(nn.HybridBlock):
    """A recurrent layer, and a head on its last step."""

    def __init__(self, cell: rnn.RNN | rnn.LSTM, *head: nn.Dense) -> None:
        super().__init__()
        self.cell = cell
        self.head = nn.HybridSequential()
        self.head.add(*head)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.head(F.slice_axis(self.cell(x), axis=1, begin=-1, end=None))


def _model(task: str) -> nn.HybridBlock:
    if task == "rnn-sequence":
        cell = rnn.RNN(64, activation="relu", layout="NTC", input_size=1)
        return _Recurrent(cell, nn.Dense(32, activation="relu"), nn.Dense(1))
    if task == "lstm-forecast":
        return _Recurrent(rnn.LSTM(50, layout="NTC", input_size=1), nn.Dense(1))
    model = nn.HybridSequential()
    if task == "fnn-mnist":
        model.add(nn.Flatten(), nn.Dense(128, activation="relu"), nn.Dense(10))
    else:
        model.add(nn.Conv2D(32, 3, activation="relu"), nn.MaxPool2D(), nn.Flatten())
        model.add(nn.Dense(64, activation="relu"), nn.Dense(10))
    return model


class Bare:
    """The loop of the tutorials, with the batches in the order they are asked for.

    MXNet takes its threads from OMP_NUM_THREADS, which must be set when this is made.
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
        if mode != "gluon":
            raise ValueError(f"there is no bare loop of mode {mode}")
        if os.environ.get("OMP_NUM_THREADS") != str(threads):
            raise ValueError(f"OMP_NUM_THREADS must be {threads} when MXNet is imported")
        inputs = self.prepare(x)
        self.rows = gluon.data.ArrayDataset(inputs, nd.array(y))
        classes = task in ("fnn-mnist", "cnn-64-10")
        # L2Loss is half the squared error unless it is told otherwise.
        self.loss = gluon.loss.SoftmaxCrossEntropyLoss() if classes else gluon.loss.L2Loss(2)
        self.model = _model(task)
        self.model.initialize(init.Xavier())
        self.model.hybridize()
        self.model(inputs[:1])  # Gluon makes its parameters when it sees a row
        self.model.collect_params(".*h2h_bias").setattr("grad_req", "null")  # the task has one
        self.names = list(weights)
        for name, (parameter, kind) in zip(self.names, self._parameters(), strict=True):
            parameter.set_data(nd.array(_turned(weights[name], kind)))
        adam = {"learning_rate": 1e-3, "epsilon": 1e-7}
        self.trainer = gluon.Trainer(self.model.collect_params(), "adam", adam)

    def _parameters(self) -> Iterator[tuple[Any, str]]:
        """Each trained parameter in layer order, and how its layout differs from the task's."""
        convolved = False
        for name, parameter in self.model.collect_params().items():
            if name.endswith("bias"):
                if parameter.grad_req != "null":
                    yield parameter, "same"
            elif len(parameter.shape) == 4:
                convolved = True
                yield parameter, "conv"
            else:
                yield parameter, "image" if convolved else "dense"
                convolved = False

    def train(self, order: np.ndarray) -> float:
        """One step a row of `order`; the mean loss."""
        batches = gluon.data.DataLoader(self.rows, batch_sampler=order.tolist())
        running = 0.0
        for inputs, targets in batches:
            with autograd.record():
                loss = self.loss(self.model(inputs), targets)
            loss.backward()
            self.trainer.step(len(inputs))
            running += loss.mean().asscalar()
        nd.waitall()
        return running / len(order)

    def prepare(self, x: np.ndarray) -> Any:
        """Rows as an array of MXNet; images with their channels first."""
        rows = nd.array(x)
        return rows.transpose((0, 3, 1, 2)) if rows.ndim == 4 else rows

    def predict(self, x: Any) -> np.ndarray:
        """Outputs of all rows, in batches."""
        parts = [self.model(x[i : i + PREDICT_BATCH]) for i in range(0, len(x), PREDICT_BATCH)]
        return np.asarray(nd.concat(*parts, dim=0).asnumpy())

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights, copied."""
        parameters = zip(self.names, self._parameters(), strict=True)
        return {name: _canonical(p.data().asnumpy(), kind) for name, (p, kind) in parameters}


def _turned(value: np.ndarray, kind: str) -> np.ndarray:
    """The task's layout → Gluon's; "image" is the kernel after a flattened (32, 31, 31)."""
    if kind == "conv":
        return value.transpose(3, 2, 0, 1)
    if kind == "image":
        return value.reshape(31, 31, 32, -1).transpose(3, 2, 0, 1).reshape(64, -1)
    return value.T if kind == "dense" else value


def _canonical(value: np.ndarray, kind: str) -> np.ndarray:
    if kind == "conv":
        return value.transpose(2, 3, 1, 0).copy()
    if kind == "image":
        return value.reshape(64, 32, 31, 31).transpose(2, 3, 1, 0).reshape(-1, 64).copy()
    return value.T.copy() if kind == "dense" else value.copy()
