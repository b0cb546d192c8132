"""What the optimizers of a graph's updates do to its arrays, in plain NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from adapters.base import AdamForm, unknown
from adapters.reference.layers import Array, Params
from tasks.spec.training import SGD, Adam, AdamW, Momentum, Optimizer


class Moving:
    """One update's optimizer with its state, over the arrays of those names."""

    def __init__(
        self, optimizer: Optimizer, names: Sequence[str], params: Params, form: AdamForm
    ) -> None:
        if not isinstance(optimizer, SGD | Momentum | Adam | AdamW):
            raise unknown("optimizer", optimizer)
        self.optimizer = optimizer
        self.form = form
        self.first = {name: np.zeros_like(params[name]) for name in names}
        self.second = {name: np.zeros_like(params[name]) for name in names}
        self.steps = 0

    def step(self, params: Params, grads: Params) -> None:
        """Move the arrays, in place, by their gradients."""
        self.steps += 1
        optimizer = self.optimizer
        if isinstance(optimizer, AdamW) and optimizer.clip_norm:
            grads = clipped(grads, optimizer.clip_norm)
        for name in self.first:
            params[name] -= self._move(name, params[name], grads[name])

    def _move(self, name: str, value: Array, grad: Array) -> Array:
        match self.optimizer:
            case SGD(learning_rate=rate):
                return rate * grad
            case Momentum(learning_rate=rate, momentum=momentum):
                velocity = self.first[name]
                velocity *= momentum
                velocity += grad
                return rate * velocity
            case Adam(learning_rate=rate) as adam:
                return self._adam(adam, name, grad, rate)
            case AdamW() as adam:
                rate = adam.learning_rate
                if adam.schedule:
                    rate *= adam.schedule.factor(self.steps)
                decay = rate * adam.weight_decay if value.ndim > 1 else 0.0
                return self._adam(adam, name, grad, rate) + decay * value

    def _adam(self, adam: Adam | AdamW, name: str, grad: Array, rate: float) -> Array:
        m, v = self.first[name], self.second[name]
        m += (1 - adam.beta_1) * (grad - m)
        v += (1 - adam.beta_2) * (grad * grad - v)
        first, second = 1 - adam.beta_1**self.steps, 1 - adam.beta_2**self.steps
        if self.form == "epsilon":
            return np.asarray(rate / first * m / (np.sqrt(v / second) + adam.epsilon))
        return np.asarray(rate * sqrt(second) / first * m / (np.sqrt(v) + adam.epsilon))


def clipped(grads: Params, most: float) -> Params:
    """All gradients by one factor, so that the norm over all of them is `most` or less."""
    norm = sqrt(sum(float((value.astype(np.float64) ** 2).sum()) for value in grads.values()))
    factor = min(1.0, most / norm) if norm else 1.0
    return {name: value * value.dtype.type(factor) for name, value in grads.items()}
