"""A task that is a graph as TensorFlow's guides would train it: tf.Module, a step under
tf.function, tf.optimizers, which are Keras's.

Of a task with several updates each has an optimizer of its own, as in the tutorial on adversarial
networks.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import tensorflow as tf

from adapters.base import unknown
from adapters.tensorflow.graph_model import Network
from tasks.spec.network import Task
from tasks.spec.training import SGD, Adam, AdamW, Momentum, Optimizer, Update, WarmupCosine
from tasks.weights import Weights

Tensor: TypeAlias = tf.Tensor


class Graph(Network):
    """The network as the programs call it."""

    @tf.function  # type: ignore[untyped-decorator]
    def __call__(self, rows: Tensor) -> Tensor:
        return self.predicted(rows)


def made(task: Task, weights: Weights) -> tuple[Graph, Any]:
    """A network, and one step of its training: (rows, targets) → the sum of the losses."""
    network = Graph(task, weights)
    updates = [(update, optimizer(network, update)) for update in task.rules]

    @tf.function  # type: ignore[untyped-decorator]
    def step(rows: Tensor, targets: Tensor) -> Tensor:
        total = 0.0
        for update, mover in updates:
            variables = list(network.moved(update).values())
            with tf.GradientTape() as tape:
                loss = network.loss(update, rows, targets)
            # A table's gradient is a list of rows, of which Keras's Adam would square each.
            found = [tf.convert_to_tensor(each) for each in tape.gradient(loss, variables)]
            mover.apply_gradients(zip(found, variables, strict=True))
            total += loss
        return total

    return network, step


class WarmupThenCosine(tf.optimizers.schedules.LearningRateSchedule):
    """The task's rate. Keras counts steps from 0, the task from 1."""

    def __init__(self, rate: float, schedule: WarmupCosine) -> None:
        self.rate, self.schedule = rate, schedule

    def __call__(self, done: Any) -> Tensor:
        warmup, end = self.schedule.warmup, self.schedule.end
        step = tf.cast(done, tf.float32) + 1
        part = tf.minimum((step - warmup) / max(self.schedule.steps - warmup, 1), 1.0)
        fall = end + (1 - end) * 0.5 * (1 + tf.cos(math.pi * part))
        return self.rate * tf.where(step <= warmup, step / max(warmup, 1), fall)


def optimizer(network: Network, update: Update) -> Any:
    """tf.optimizers' own, with the numbers that the task fixes."""
    rule: Optimizer = update.optimizer
    match rule:
        case SGD():
            return tf.optimizers.SGD(rule.learning_rate)
        case Momentum():
            return tf.optimizers.SGD(rule.learning_rate, momentum=rule.momentum)
        case Adam():
            return tf.optimizers.Adam(
                rule.learning_rate, rule.beta_1, rule.beta_2, epsilon=rule.epsilon
            )
        case AdamW():
            return _adamw(network, update, rule)
        case _:
            raise unknown("optimizer", rule)


def _adamw(network: Network, update: Update, rule: AdamW) -> Any:
    """The clipping by the norm over all gradients; arrays of one axis do not decay."""
    rate: Any = rule.learning_rate
    if rule.schedule:
        rate = WarmupThenCosine(rate, rule.schedule)
    mover = tf.optimizers.AdamW(
        rate, weight_decay=rule.weight_decay, beta_1=rule.beta_1, beta_2=rule.beta_2,
        epsilon=rule.epsilon, global_clipnorm=rule.clip_norm or None,
    )  # fmt: skip
    flat = [each for each in network.moved(update).values() if len(each.shape) < 2]
    mover.exclude_from_weight_decay(var_list=flat)
    return mover
