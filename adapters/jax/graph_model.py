"""A task that is a graph as functions over a dictionary of arrays: values, losses, updates."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeAlias

import jax
import jax.numpy as jnp

from adapters.base import form_of, unknown
from adapters.jax.graph_layers import LAYERS, Given, refuse_unknown
from adapters.jax.model import LOSSES
from adapters.jax.optimizers import Moments, moved
from adapters.jax.optimizers import start as zeros
from tasks.spec.graph import ROWS, TARGETS, Node, needed
from tasks.spec.layers import Dropout
from tasks.spec.network import Task, moved_arrays
from tasks.spec.training import SGD, Adam, AdamW, Momentum, Optimizer, Term, Update
from tasks.weights import Weights

Array: TypeAlias = jax.Array
Arrays = dict[str, Array]
"""By canonical name."""


def refuse(task: Task) -> None:
    """Raises `Unsupported` for what has no form here: it would be traced when a step is timed."""
    for node in task.nodes:
        refuse_unknown(node.layer)
    for update in task.rules:
        for term in update.terms:
            form_of("loss", term.loss, LOSSES)
        if not isinstance(update.optimizer, SGD | Momentum | Adam | AdamW):
            raise unknown("optimizer", update.optimizer)


def parameters(weights: Weights) -> Arrays:
    return {name: jnp.array(value) for name, value in weights.items()}


def start(task: Task, params: Arrays) -> list[Moments]:
    """The state of each update's optimizer, over the arrays that it moves."""
    return [
        zeros({name: params[name] for name in moved_arrays(task, update)}) for update in task.rules
    ]


def values(
    params: Arrays, inputs: Mapping[str, Array], nodes: Collection[Node], key: Array | None
) -> tuple[Arrays, Arrays]:
    """Every value by name, and the running statistics after a training step.

    key: of training, None in inference. Where two nodes share a batch norm, the second goes on
    from the first.
    """
    found, state = dict(inputs), dict[str, Array]()
    for node in nodes:
        begin = f"{node.owner}/"
        p = {
            name.removeprefix(begin): state.get(name, value)
            for name, value in params.items()
            if name.startswith(begin)
        }
        if key is not None and isinstance(node.layer, Dropout):
            key, used = jax.random.split(key)
        else:
            used = key
        given = Given(p, used)
        reads = (found[name] for name in node.reads)
        found[node.name] = LAYERS[type(node.layer)](node.layer, given, *reads)
        state |= {begin + part: value for part, value in given.state.items()}
    return found, state


def predicted(task: Task, params: Arrays, x: Array) -> Array:
    """What the task predicts for a batch, in inference."""
    nodes = needed(task.nodes, {task.predicted})
    return values(params, {ROWS: x}, nodes, None)[0][task.predicted]


def step(
    task: Task, params: Arrays, states: list[Moments], x: Array, y: Array, key: Array
) -> tuple[Arrays, list[Moments], Array]:
    """All updates in order, each by what those before it have moved; the sum of their losses."""
    total, after = jnp.zeros(()), []
    for update, state in zip(task.rules, states, strict=True):
        mine = {name: params[name] for name in moved_arrays(task, update)}

        def loss_of(
            mine: Arrays, update: Update = update, params: Arrays = params
        ) -> tuple[Array, Arrays]:
            return loss(task, update, params | mine, x, y, key)

        (value, statistics), gradients = jax.value_and_grad(loss_of, has_aux=True)(mine)
        mine, state = moved_by(update.optimizer, mine, gradients, state)
        params = params | mine | statistics
        after.append(state)
        total += value
    return params, after, total


def loss(
    task: Task, update: Update, params: Arrays, x: Array, y: Array, key: Array
) -> tuple[Array, Arrays]:
    """The sum of an update's terms, and the running statistics after it."""
    nodes = needed(task.nodes, {term.output for term in update.terms})
    found, statistics = values(params, {ROWS: x, TARGETS: y}, nodes, key)
    terms = (term_loss(term, found[term.output], y) for term in update.terms)
    return sum(terms, start=jnp.zeros(())), statistics


def term_loss(term: Term, outputs: Array, y: Array) -> Array:
    """The mean over the batch and over a row's values."""
    if term.loss == "sparse_categorical_crossentropy":
        rows, classes = outputs.reshape(-1, outputs.shape[-1]), y.reshape(-1)
        plain = LOSSES[term.loss](rows, classes)
        if not term.label_smoothing:
            return plain
        share = term.label_smoothing
        even = jnp.mean(jax.nn.logsumexp(rows, axis=1) - rows.mean(1))
        return (1 - share) * plain + share * even
    z = outputs.reshape(-1, 1)
    target = jnp.full(len(z), term.target) if term.target is not None else y.reshape(-1)
    return LOSSES[term.loss](z, target)


def moved_by(
    rule: Optimizer, params: Arrays, gradients: Arrays, state: Moments
) -> tuple[Arrays, Moments]:
    """Arrays and the optimizer's state after one step."""
    if isinstance(rule, Adam | SGD):
        return moved(rule, params, gradients, state)
    first, second, steps = state
    if isinstance(rule, Momentum):
        first = jax.tree.map(lambda v, g: rule.momentum * v + g, first, gradients)
        params = jax.tree.map(lambda p, v: p - rule.learning_rate * v, params, first)
        return params, (first, second, steps)
    rate = rule.learning_rate * factor(rule, steps + 1)
    if rule.clip_norm:
        gradients = clipped(gradients, rule.clip_norm)
    adam = Adam(1.0, rule.beta_1, rule.beta_2, rule.epsilon)
    after, state = moved(adam, params, gradients, state, rate)
    for name, value in params.items():
        if value.ndim > 1:
            after[name] = after[name] - rate * rule.weight_decay * value
    return after, state


def factor(rule: AdamW, step: Array) -> Array | float:
    """Of the rate in step number `step`, counted from 1."""
    plan = rule.schedule
    if plan is None:
        return 1.0
    done = jnp.clip((step - plan.warmup) / (plan.steps - plan.warmup), 0.0, 1.0)
    cosine = plan.end + (1 - plan.end) * 0.5 * (1 + jnp.cos(jnp.pi * done))
    return jnp.where(step <= plan.warmup, step / plan.warmup, cosine)


def clipped(gradients: Arrays, most: float) -> Arrays:
    """All by one factor, so that the norm over all of them is `most` or less."""
    norm = jnp.sqrt(sum(jnp.vdot(value, value) for value in gradients.values()))
    scale = most / jnp.maximum(norm, most)
    return {name: value * scale for name, value in gradients.items()}
