"""The oracle over a graph: values node by node, gradients backwards, every update in order.

A value that is read twice gets the sum of the gradients; arrays that two nodes share too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from adapters.base import AdamForm, VarianceForm
from adapters.reference import layers, normalization, sequence, vision
from adapters.reference.layers import Array, Params, Saved
from adapters.reference.losses import term_and_gradient
from adapters.reference.optimizers import Moving
from adapters.reference.pairs import Given, Gradients, Pairs, Result
from tasks.spec.graph import ROWS, TARGETS, Node, needed
from tasks.spec.layers import Conv2D, Dense, Dropout, Layer
from tasks.spec.network import Task, moved_arrays
from tasks.spec.training import Update
from tasks.weights import Weights

Rounding = Callable[[Array], Array]
PAIRS: Pairs = vision.PAIRS | sequence.PAIRS | normalization.PAIRS


def forward(layer: Layer, g: Given, rng: np.random.Generator) -> Result:
    """Any layer's output. The layers of chains are those of adapters.reference.layers."""
    if type(layer) in PAIRS and not _is_plain(layer):
        return PAIRS[type(layer)][0](layer, g)
    (x,) = g.reads
    if isinstance(layer, Dropout) and not g.training:
        return Result(x, np.ones_like(x))
    if isinstance(layer, Dense):
        p = g.p if layer.bias else g.p | {"bias": np.zeros(layer.units, x.dtype)}
        out, saved = layers.forward(layer, p, x.reshape(-1, x.shape[-1]), rng, g.stored)
        return Result(out.reshape(*x.shape[:-1], layer.units), saved)
    return Result(*layers.forward(layer, g.p, x, rng, g.stored))


def backward(layer: Layer, p: Params, saved: Saved, grad: Array, stored: Rounding) -> Gradients:
    """Its gradients, by what it read and by its arrays."""
    if type(layer) in PAIRS and not _is_plain(layer):
        return PAIRS[type(layer)][1](layer, p, saved, grad)
    if isinstance(layer, Dense):
        flat = grad.reshape(-1, grad.shape[-1])
        by_x, parts = layers.backward(layer, p, saved, flat, stored)
        assert by_x is not None
        if not layer.bias:
            del parts["bias"]
        return Gradients((by_x.reshape(*grad.shape[:-1], -1),), parts)
    by_read, parts = layers.backward(layer, p, saved, grad, stored)
    return Gradients((by_read,), parts)


def _is_plain(layer: Layer) -> bool:
    """A convolution as chains have it, whose images are taken one by one."""
    return isinstance(layer, Conv2D) and layer == Conv2D(
        layer.filters, layer.kernel, layer.activation
    )


class Graph:
    """A task's network and its updates. params: its arrays, which the updates move in place."""

    def __init__(
        self,
        task: Task,
        params: Params,
        rounded: Rounding,
        adam: AdamForm,
        variance: VarianceForm,
        seed: int,
    ) -> None:
        self.task, self.params = task, params
        self._rounded, self._variance = rounded, variance
        self._rng = np.random.default_rng(seed)
        self._moving = [
            Moving(update.optimizer, moved_arrays(task, update), params, adam)
            for update in task.rules
        ]

    def step(self, x: Array, y: Array) -> float:
        """All updates in order; the sum of their losses, each before its own move."""
        total = 0.0
        for update, moving in zip(self.task.rules, self._moving, strict=True):
            loss, grads, state = self.gradients(x, y, update)
            moving.step(self.params, grads)
            self.params.update(state)
            total += loss
        return total

    def gradients(self, x: Array, y: Array, update: Update) -> tuple[float, Weights, Weights]:
        """An update's loss, its gradients by the arrays that it moves, and the state after it."""
        nodes = needed(self.task.nodes, {term.output for term in update.terms})
        values, saved, state = self.values({ROWS: x, TARGETS: y}, nodes, training=True)
        total = 0.0
        by_value: dict[str, Array] = {}
        for term in update.terms:
            loss, grad = term_and_gradient(term, values[term.output], y)
            total += loss
            _add(by_value, term.output, grad)
        moved = {name: np.zeros_like(self.params[name]) for name in moved_arrays(self.task, update)}
        for node in reversed(nodes):
            if node.name in by_value:
                self._back(node, saved[node.name], by_value, moved)
        return total, moved, state

    def _back(self, node: Node, saved: Saved, by_value: dict[str, Array], moved: Weights) -> None:
        grad = self._rounded(by_value.pop(node.name))
        found = backward(node.layer, self._parts(node), saved, grad, self._rounded)
        for part, value in found.by_parts.items():
            if (name := f"{node.owner}/{part}") in moved:
                moved[name] += value
        for read, by_read in zip(node.reads, found.by_reads, strict=True):
            if by_read is not None and read not in (ROWS, TARGETS):
                _add(by_value, read, by_read)

    def predict(self, x: Array) -> Array:
        """The values of the predicted node."""
        nodes = needed(self.task.nodes, {self.task.predicted})
        return self.values({ROWS: x}, nodes, training=False)[0][self.task.predicted]

    def values(
        self, inputs: Mapping[str, Array], nodes: Collection[Node], training: bool
    ) -> tuple[dict[str, Array], dict[str, Any], Weights]:
        """By node its value and what its backward pass needs; and the state after a training step:
        where two nodes share a batch norm, the second goes on from the first."""
        values = dict(inputs)
        saved: dict[str, Any] = {}
        state: Weights = {}
        for node in nodes:
            p = self._parts(node)
            for part in p:
                p[part] = state.get(f"{node.owner}/{part}", p[part])
            reads = tuple(self._rounded(values[name]) for name in node.reads)
            given = Given(reads, p, training, self._rounded, self._variance)
            result = forward(node.layer, given, self._rng)
            values[node.name], saved[node.name] = result.out, result.saved
            state |= {f"{node.owner}/{part}": value for part, value in result.state.items()}
        return values, saved, state

    def _parts(self, node: Node) -> Params:
        begin = f"{node.owner}/"
        return {
            name.removeprefix(begin): self._rounded(value)
            for name, value in self.params.items()
            if name.startswith(begin)
        }


def _add(total: dict[str, Array], name: str, value: Array) -> None:
    total[name] = total[name] + value if name in total else value
