"""Adam and plain descent, written by hand over any tree of arrays."""

from __future__ import annotations

from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from adapters.base import unknown
from tasks.spec.network import Task
from tasks.spec.training import SGD, Adam, Optimizer

Array: TypeAlias = jax.Array
Moments = tuple[Any, Any, Array]
"""Adam's two moments of every array, and the number of steps taken."""


def start(params: Any) -> Moments:
    """All zero."""
    zeros = jax.tree.map(jnp.zeros_like, params)
    return zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), jnp.float32)


def update(task: Task, params: Any, gradients: Any, moments: Any) -> tuple[Any, Any]:
    """One step of the task's optimizer: new parameters and moments."""
    return moved(task.optimizer, params, gradients, moments)


def moved(
    rule: Optimizer, params: Any, gradients: Any, moments: Any, rate: Any = None
) -> tuple[Any, Any]:
    """The same of any rule. rate: in place of its learning rate, where that changes from step to
    step.

    Adam with its corrections as two numbers, not optax.adam, which divides each element by them and
    is slower (MEASURED.md).
    """
    together = jax.tree.map
    rate = rule.learning_rate if rate is None else rate
    if isinstance(rule, SGD):
        return together(lambda p, g: p - rate * g, params, gradients), moments
    if not isinstance(rule, Adam):
        raise unknown("optimizer", rule)
    m, v, steps = moments
    steps = steps + 1
    rate = rate / (1 - rule.beta_1**steps)
    unbiased = lax.rsqrt(1 - rule.beta_2**steps)
    m = together(lambda m, g: rule.beta_1 * m + (1 - rule.beta_1) * g, m, gradients)
    v = together(lambda v, g: rule.beta_2 * v + (1 - rule.beta_2) * g * g, v, gradients)
    move = lambda p, m, v: p - rate * m / (jnp.sqrt(v) * unbiased + rule.epsilon)  # noqa: E731
    return together(move, params, m, v), (m, v, steps)
