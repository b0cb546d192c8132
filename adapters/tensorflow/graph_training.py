"""The updates of a graph by TensorFlow's fused kernels, in order, inside one step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

from adapters.base import unknown
from adapters.tensorflow.graph_model import Network
from tasks.spec.training import SGD, Adam, AdamW, Momentum, Optimizer, WarmupCosine

Tensor: TypeAlias = tf.Tensor


class Predictor(Network):
    """The network as the contender calls a model of either kind."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Canonical name → variable."""
        return self.arrays

    def __call__(self, x: Tensor, training: bool = False, stepwise: bool = False) -> Tensor:
        return self.predicted(x)


class Training(tf.Module):
    """One step of a network: every update in order, each with an optimizer of its own."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.movers = [mover(rule.optimizer, network.moved(rule)) for rule in network.task.rules]

    def step(self, rows: Tensor, targets: Tensor) -> Tensor:
        """The sum of the updates' losses."""
        total = tf.constant(0.0)
        for update, moving in zip(self.network.task.rules, self.movers, strict=True):
            with tf.GradientTape() as tape:
                loss = self.network.loss(update, rows, targets)
            gradients = tape.gradient(loss, moving.moved)
            # A table's gradient arrives as rows; every row moves, so it is made whole.
            moving.apply([tf.convert_to_tensor(gradient) for gradient in gradients])
            total += loss
        return total


class Mover(tf.Module):
    """Moves variables by their gradients."""

    def __init__(self, rule: Any, variables: Mapping[str, Any]) -> None:
        super().__init__()
        self.rule = rule
        self.moved = list(variables.values())

    def apply(self, gradients: Sequence[Tensor]) -> None:
        raise NotImplementedError

    def _zeros(self) -> list[Any]:
        return [tf.Variable(tf.zeros_like(variable)) for variable in self.moved]


class Descent(Mover):
    """SGD, and with momentum."""

    def __init__(self, rule: SGD | Momentum, variables: Mapping[str, Any]) -> None:
        super().__init__(rule, variables)
        self.velocities = self._zeros() if isinstance(rule, Momentum) else []

    def apply(self, gradients: Sequence[Tensor]) -> None:
        rate = self.rule.learning_rate
        if not self.velocities:
            for variable, gradient in zip(self.moved, gradients, strict=True):
                tf.raw_ops.ResourceApplyGradientDescent(
                    var=variable.handle, alpha=rate, delta=gradient
                )
        moved = zip(self.moved, self.velocities, gradients, strict=bool(self.velocities))
        for variable, velocity, gradient in moved:
            tf.raw_ops.ResourceApplyMomentum(
                var=variable.handle, accum=velocity.handle, lr=rate, grad=gradient,
                momentum=self.rule.momentum,
            )  # fmt: skip


class Adaptive(Mover):
    """Adam; and AdamW, whose clipping, schedule and decay are plain operations before it."""

    def __init__(self, rule: Adam | AdamW, variables: Mapping[str, Any]) -> None:
        super().__init__(rule, variables)
        self.first, self.second = self._zeros(), self._zeros()
        self.powers = [tf.Variable(rule.beta_1), tf.Variable(rule.beta_2)]
        self.steps = tf.Variable(0.0)

    def apply(self, gradients: Sequence[Tensor]) -> None:
        rate: Any = self.rule.learning_rate
        if isinstance(self.rule, AdamW):
            rate, gradients = self._decayed(gradients)
        powers = [power.read_value() for power in self.powers]
        for variable, m, v, gradient in zip(
            self.moved, self.first, self.second, gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle, m=m.handle, v=v.handle, beta1_power=powers[0],
                beta2_power=powers[1], lr=rate, beta1=self.rule.beta_1, beta2=self.rule.beta_2,
                epsilon=self.rule.epsilon, grad=gradient,
            )  # fmt: skip
        for variable, power, beta in zip(
            self.powers, powers, (self.rule.beta_1, self.rule.beta_2), strict=True
        ):
            variable.assign(power * beta)

    def _decayed(self, gradients: Sequence[Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
        """The step's rate and its clipped gradients; arrays of two axes and more are decayed."""
        rule = self.rule
        if rule.clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, rule.clip_norm)
        step = self.steps.assign_add(1.0)
        rate = tf.constant(rule.learning_rate)
        if rule.schedule:
            rate = rate * factor(rule.schedule, step)
        for variable in self.moved:
            if len(variable.shape) > 1:
                variable.assign_sub(rate * rule.weight_decay * variable)
        return rate, gradients


def factor(schedule: WarmupCosine, step: Tensor) -> Tensor:
    """Of the rate at step number `step`, 1 or more."""
    part = (step - schedule.warmup) / max(schedule.steps - schedule.warmup, 1)
    fall = 0.5 * (1 + tf.cos(math.pi * tf.minimum(part, 1.0)))
    fall = schedule.end + (1 - schedule.end) * fall
    return tf.where(step <= schedule.warmup, step / max(schedule.warmup, 1), fall)


def mover(rule: Optimizer, variables: Mapping[str, Any]) -> Mover:
    """Raises `Unsupported` for an optimizer that has no form here."""
    match rule:
        case SGD() | Momentum():
            return Descent(rule, variables)
        case Adam() | AdamW():
            return Adaptive(rule, variables)
        case _:
            raise unknown("optimizer", rule)
