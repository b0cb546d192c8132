"""A task that is a graph as one tf.Module: values node by node over its variables; its losses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

import tensorflow as tf

from adapters.base import unknown
from adapters.tensorflow.graph_layers import layer_form
from tasks.spec.graph import ROWS, TARGETS, Node, needed
from tasks.spec.network import Task, moved_arrays, task_arrays
from tasks.spec.training import Term, Update
from tasks.weights import Weights

Tensor: TypeAlias = tf.Tensor


class Network(tf.Module):
    """The task's nodes. compute: what they compute in; state and variables stay float32."""

    def __init__(self, task: Task, weights: Weights, compute: Any = tf.float32) -> None:
        super().__init__()
        self.task, self.compute = task, compute
        moved = {name for rule in task.rules for name in moved_arrays(task, rule)}
        self.arrays = {
            name: tf.Variable(weights[name], trainable=name in moved) for name in task_arrays(task)
        }
        self.parts = {
            node.name: {
                name.split("/")[1]: variable
                for name, variable in self.arrays.items()
                if name.startswith(f"{node.owner}/")
            }
            for node in task.nodes
        }
        self.forms = {node.name: layer_form(node.layer) for node in task.nodes}
        self.predicting = needed(task.nodes, {task.predicted})

    def predicted(self, rows: Tensor) -> Tensor:
        """What is predicted for rows, in inference, in float32."""
        values = self.values({ROWS: rows}, self.predicting, training=False)
        return tf.cast(values[self.task.predicted], tf.float32)

    def values(
        self, inputs: Mapping[str, Tensor], nodes: Collection[Node], training: bool
    ) -> dict[str, Tensor]:
        """By name."""
        values = {name: self._lowered(value) for name, value in inputs.items()}
        for node in nodes:
            parts = {part: self._read(part, v) for part, v in self.parts[node.name].items()}
            reads = [values[name] for name in node.reads]
            values[node.name] = self.forms[node.name](node.layer, parts, reads, training)
        return values

    def _lowered(self, value: Any) -> Any:
        is_lower = self.compute != tf.float32 and value.dtype.is_floating
        return tf.cast(value, self.compute) if is_lower else value

    def _read(self, part: str, variable: Any) -> Any:
        return variable if part in ("mean", "variance") else self._lowered(variable)

    def loss(self, update: Update, rows: Tensor, targets: Tensor) -> Tensor:
        """The sum of an update's terms."""
        nodes = needed(self.task.nodes, {term.output for term in update.terms})
        values = self.values({ROWS: rows, TARGETS: targets}, nodes, training=True)
        terms = [
            term_loss(term, tf.cast(values[term.output], tf.float32), targets)
            for term in update.terms
        ]
        return tf.add_n(terms)

    def moved(self, update: Update) -> dict[str, Any]:
        """Canonical name → variable that an update moves."""
        return {name: self.arrays[name] for name in moved_arrays(self.task, update)}

    def weights(self) -> Weights:
        return {name: variable.numpy() for name, variable in self.arrays.items()}


def term_loss(term: Term, outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean over the batch and over the values of a row."""
    if term.loss == "sparse_categorical_crossentropy":
        return tf.reduce_mean(_categorical(term, outputs, targets))
    fixed = term.target is not None
    wanted = tf.fill(tf.shape(outputs), term.target) if fixed else targets
    wanted = tf.reshape(wanted, tf.shape(outputs))
    if term.loss == "binary_crossentropy":
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(wanted, outputs))
    if term.loss == "mean_squared_error":
        return tf.reduce_mean(tf.math.squared_difference(outputs, wanted))
    raise unknown("loss", term.loss)


def _categorical(term: Term, outputs: Tensor, targets: Tensor) -> Tensor:
    """Smoothed labels as one-hot targets, which TensorFlow has no sparse form of."""
    if not term.label_smoothing:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, outputs)
    classes, s = outputs.shape[-1], term.label_smoothing
    labels = tf.one_hot(targets, classes, on_value=1 - s + s / classes, off_value=s / classes)
    return tf.nn.softmax_cross_entropy_with_logits(labels, outputs)
