"""A task that is a graph as blocks of Gluon, and what is made of them: one HybridBlock for what is
predicted, and one for the loss of each update.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import gluon, nd
from mxnet.gluon import nn

from adapters.base import Unsupported, unknown
from adapters.mxnet.graph_layers import block_of, parts_of, turned
from adapters.mxnet.graph_operators import channels_last
from tasks.spec.graph import ROWS, TARGETS, Node, needed, value_shapes
from tasks.spec.network import Task, moved_arrays
from tasks.spec.normalization import BatchNorm
from tasks.spec.sequence import Unembedding
from tasks.spec.training import Term, Update
from tasks.weights import Weights

Array = np.ndarray


class Network:
    """The blocks of the task's nodes. Not a block itself, as MXNet warns of one that has arrays
    which its outputs do not need."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.shapes = value_shapes(task.nodes, task.inputs)
        self.own: dict[str, nn.HybridBlock] = {}
        for node in task.nodes:
            self.own[node.name] = self._block(node)
        self.moved = {name for rule in task.rules for name in moved_arrays(task, rule)}
        self.live = {f"{node.name}/gamma" for node in task.nodes if is_live(node)}

    def _block(self, node: Node) -> nn.HybridBlock:
        if not node.shares:
            return block_of(node.layer, [self.shapes[name] for name in node.reads])
        owner = self.own[node.shares]
        if isinstance(node.layer, Unembedding):  # whose weight has an Embedding's layout
            vocabulary, units = node.layer.vocabulary, self.shapes[node.reads[0]][-1]
            return nn.Dense(
                vocabulary, use_bias=False, flatten=False, in_units=units, params=owner.params
            )
        if is_live(node):
            raise Unsupported(
                "MXNet moves the running statistics of a shared BatchNorm in its backward pass, "
                "the last use first; the task has the first use first"
            )
        return owner

    def values(
        self,
        F: Any,
        inputs: Mapping[str, Any],
        nodes: Collection[Node],
        ends: Collection[str] = (),
    ) -> dict[str, Any]:
        """By name, images channels first. ends: whose values pass no gradient back."""
        values = dict(inputs)
        for node in nodes:
            value = self.own[node.name](*(values[name] for name in node.reads))
            values[node.name] = F.BlockGrad(value) if node.name in ends else value
        return values

    def arrays(self) -> dict[str, gluon.Parameter]:
        """Canonical name → parameter, state too."""
        return {
            f"{node.name}/{part}": parameter
            for node in self.task.nodes
            if not node.shares
            for part, parameter in parts_of(node.layer, self.own[node.name]).items()
        }

    def load(self, weights: Weights) -> None:
        """Give every array its value; only those that some update moves get gradients.

        The scale of a BatchNorm that is not frozen gets one all the same: MXNet moves running
        statistics in the backward pass.
        """
        arrays = self.arrays()
        trained = self.moved | self.live
        for node in self.task.nodes:
            if not node.shares:
                self.own[node.name].initialize(mx.init.Zero())
                self.own[node.name].collect_params().setattr("grad_req", "null")
        for name, parameter in arrays.items():
            parameter.grad_req = "write" if name in trained else "null"
            parameter.set_data(nd.array(turned(name.split("/")[1], weights[name])))

    def weights(self) -> Weights:
        """Every array as the task has it."""
        return {
            name: np.array(turned(name.split("/")[1], parameter.data().asnumpy(), back=True))
            for name, parameter in self.arrays().items()
        }


class Prediction(nn.HybridBlock):
    """Rows → the values of the node that is predicted; images channels first."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.values, self.node = network.values, network.task.predicted
        self.nodes = needed(network.task.nodes, {self.node})
        for node in self.nodes:
            self.register_child(network.own[node.name], node.name)

    def hybrid_forward(self, F: Any, rows: Any) -> Any:
        return self.values(F, {ROWS: rows}, self.nodes)[self.node]


class Loss(nn.HybridBlock):
    """The losses of the rows under one update, (batch,): the sum of its terms.

    Called with those of rows and targets that `inputs` names, images channels first.
    """

    def __init__(self, network: Network, update: Update) -> None:
        super().__init__()
        self.values, self.shapes = network.values, network.shapes
        self.terms, self.own_targets = update.terms, network.task.target_shape
        self.nodes = needed(network.task.nodes, {term.output for term in update.terms})
        self.ends = standing(network.task, update, self.nodes)
        names = {name for node in self.nodes for name in node.reads}
        if any(term.target is None for term in update.terms):
            names.add(TARGETS)
        self.inputs = tuple(name for name in (ROWS, TARGETS) if name in names)
        for node in self.nodes:
            self.register_child(network.own[node.name], node.name)
        self.functions = [_loss_of(term) for term in update.terms]
        for index, function in enumerate(self.functions):
            self.register_child(function, f"term {index}")

    def hybrid_forward(self, F: Any, *given: Any) -> Any:
        inputs = dict(zip(self.inputs, given, strict=True))
        values = self.values(F, inputs, self.nodes, self.ends)
        total = None
        for term, function in zip(self.terms, self.functions, strict=True):
            outputs, wanted = self._compared(F, term, values)
            loss = function(outputs, wanted)
            total = loss if total is None else total + loss
        return total

    def _compared(self, F: Any, term: Term, values: Mapping[str, Any]) -> tuple[Any, Any]:
        """What a term's loss takes."""
        outputs, shape = values[term.output], self.shapes[term.output]
        if term.target is not None:
            return outputs, F.ones_like(outputs) * term.target
        targets = values[TARGETS]
        if term.label_smoothing:
            each = term.label_smoothing / shape[-1]
            own = 1 - term.label_smoothing + each
            return outputs, F.one_hot(targets, depth=shape[-1], on_value=own, off_value=each)
        if shape != self.own_targets:  # of images their values in the task's order
            outputs = channels_last(F, outputs, shape)
            targets = channels_last(F, targets, self.own_targets)
        return outputs, targets


def _loss_of(term: Term) -> gluon.loss.Loss:
    """Gluon's, which give each row the mean over its values."""
    match term.loss:
        case "sparse_categorical_crossentropy":
            return gluon.loss.SoftmaxCrossEntropyLoss(sparse_label=not term.label_smoothing)
        case "binary_crossentropy":
            return gluon.loss.SigmoidBinaryCrossEntropyLoss()
        case "mean_squared_error":  # Gluon's own is half the squared error, the task's the whole
            return gluon.loss.L2Loss(weight=2)
        case _:
            raise unknown("loss", term.loss)


def is_live(node: Node) -> bool:
    """Whether it has running statistics that training moves."""
    return isinstance(node.layer, BatchNorm) and not node.layer.frozen


def standing(task: Task, update: Update, nodes: Collection[Node]) -> frozenset[str]:
    """The nodes that an update neither moves nor goes back through, as `detach` in a GAN's step.

    Back through a BatchNorm it always goes, as its running statistics move there.
    """
    moved = {name.split("/")[0] for name in moved_arrays(task, update)}
    passed: set[str] = set()
    for node in nodes:
        if node.owner in moved or is_live(node) or passed & set(node.reads):
            passed.add(node.name)
    return frozenset(node.name for node in nodes) - passed


def channels_first(x: Array) -> Array:
    """Rows (N, H, W, C) → (N, C, H, W); others as they are."""
    return x.transpose(0, 3, 1, 2) if x.ndim == 4 else x


def canonical(x: Array) -> Array:
    """The way back."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if x.ndim == 4 else x
