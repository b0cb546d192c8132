"""A task that is a graph as the tuned modes train it: the network and the updates of the
documented one, with the rows gathered inside each update's graph, memory and shapes static.
"""

from __future__ import annotations

from typing import Any

from mxnet import gluon, nd

from adapters.mxnet.graph_model import Loss, Network
from adapters.mxnet.graph_training import Mover, losses_of
from tasks.spec.graph import ROWS, TARGETS
from tasks.spec.network import Task
from tasks.weights import Weights


class GatheredLoss(gluon.HybridBlock):
    """A loss of rows that it takes itself: what the loss reads (N, ...), row numbers (batch,)."""

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.loss = loss
        self.inputs = loss.inputs

    def hybrid_forward(self, F: Any, *given: Any) -> Any:
        *values, rows = given
        return self.loss(*(F.take(value, rows) for value in values))


class GraphSteps:
    """One network and the steps of its training."""

    def __init__(self, task: Task, weights: Weights, hybrid: bool) -> None:
        self.network = Network(task)
        self.network.load(weights)
        losses = [GatheredLoss(loss) for loss in losses_of(self.network)]
        # In static memory MXNet 1.9.1 does not let what reads running statistics wait for the
        # backward pass that moves them: seen where no update of the layer's arrays follows.
        static = self.network.live <= self.network.moved
        if hybrid:
            for loss in losses:
                loss.hybridize(static_alloc=static, static_shape=static)
        self.movers = [
            Mover(self.network, update, loss, kvstore=None)
            for update, loss in zip(task.rules, losses, strict=True)
        ]

    def step(self, x: nd.NDArray, y: nd.NDArray, rows: nd.NDArray, count: int) -> nd.NDArray:
        """Every update in order, on those rows; the sum of their losses, a row each."""
        values = {ROWS: x, TARGETS: y}
        losses = [
            mover.step([*(values[name] for name in mover.loss.inputs), rows], count)
            for mover in self.movers
        ]
        return losses[0] if len(losses) == 1 else nd.add_n(*losses)
