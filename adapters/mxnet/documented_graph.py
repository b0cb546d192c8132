"""A task that is a graph as MXNet's tutorials would train it: a loop over a DataLoader.

The network is a HybridBlock of Gluon's layers, hybridized with the defaults, and every step's
loss is read. Of a GAN each network is moved by a Trainer of its own, as in the tutorial of DCGAN.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from mxnet import nd

from adapters.mxnet.graph_model import Network, Prediction, canonical, channels_first
from adapters.mxnet.graph_training import Mover, losses_of
from tasks.spec.graph import ROWS, TARGETS
from tasks.spec.network import Task
from tasks.weights import Weights


class Program:
    """One network and its training."""

    def __init__(self, task: Task, weights: Weights) -> None:
        self.network = Network(task)
        self.network.load(weights)
        self.prediction = Prediction(self.network)
        self.prediction.hybridize()
        losses = losses_of(self.network)
        for loss in losses:
            loss.hybridize()
        rules = zip(task.rules, losses, strict=True)
        self.movers = [Mover(self.network, update, loss) for update, loss in rules]

    def inputs(self, x: np.ndarray) -> nd.NDArray:
        """Rows, or targets, as the network takes them."""
        return nd.array(channels_first(x))

    def train_epoch(self, batches: Iterable[Sequence[nd.NDArray]]) -> float:
        """The mean over the steps of the updates' losses."""
        losses = []
        for rows, targets in batches:
            values = {ROWS: rows, TARGETS: targets}
            total = 0.0
            for mover in self.movers:
                loss = mover.step([values[name] for name in mover.loss.inputs], len(rows))
                total += loss.mean().asscalar()
            losses.append(total)
        return float(np.mean(losses))

    def outputs(self, batches: Iterable[nd.NDArray]) -> np.ndarray:
        """What is predicted for all batches."""
        outputs = nd.concat(*[self.prediction(batch) for batch in batches], dim=0)
        return canonical(outputs.asnumpy())
