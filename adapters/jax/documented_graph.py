"""A task that is a graph as Flax's documents would have a user write it: one nnx.Module of layers.

Everything Flax has a module for is that module (documented_layers.py). One nnx.jit step does the
task's updates in order, each with its own nnx.Optimizer, whose `wrt` says which parameters it
moves, as the guide on optimizers of a part of a model has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from adapters.base import form_of, unknown
from adapters.jax.documented_layers import layer_of, parts_of
from adapters.jax.documented_model import LOSSES
from tasks.spec.graph import ROWS, TARGETS, Node, needed, value_shapes
from tasks.spec.network import Task, moved_arrays, parameter_shapes
from tasks.spec.sequence import Unembedding
from tasks.spec.training import SGD, Adam, AdamW, Momentum, Optimizer, Term, Update

Array: TypeAlias = jax.Array
Rows = tuple[np.ndarray, np.ndarray]
Batches = Iterable[tuple[Any, np.ndarray]]

DECAYING = ("kernel", "embedding")
"""Flax's names of the arrays that weight decay is for. Not by their axes: attention's biases have
two in Flax, heads and size."""


class Plan:
    """What is read by which layer, and what the losses are: no part of the state.

    Compared by identity, so that nnx.jit, which looks at a module's attributes in every call, need
    not compare a whole task.
    """

    def __init__(self, task: Task) -> None:
        self.predicted = task.predicted
        self.predicting = needed(task.nodes, {task.predicted})
        self.terms = [update.terms for update in task.rules]
        for term in (term for terms in self.terms for term in terms):
            form_of("loss", term.loss, LOSSES)
        self.training = [
            needed(task.nodes, {term.output for term in update.terms}) for update in task.rules
        ]


class Network(nnx.Module):
    """The task's nodes; a call gives what is predicted for rows (N, *input_shape)."""

    def __init__(self, task: Task, rngs: nnx.Rngs) -> None:
        shapes = value_shapes(task.nodes, task.inputs)
        self.plan = Plan(task)
        self.layers = nnx.Dict(
            {
                _key(node.name): layer_of(node.layer, [shapes[name] for name in node.reads], rngs)
                for node in task.nodes
                if not node.shares
            }
        )

    def __call__(self, x: Array) -> Array:
        return self.values({ROWS: x}, self.plan.predicting)[self.plan.predicted]

    def values(self, inputs: dict[str, Any], nodes: Iterable[Node]) -> dict[str, Array]:
        """Every value by its name, inputs too."""
        values = dict(inputs)
        for node in nodes:
            layer = self.layers[_key(node.owner)]
            apply = layer.attend if isinstance(node.layer, Unembedding) else layer
            values[node.name] = apply(*(values[name] for name in node.reads))
        return values

    def loss(self, number: int, x: Array, y: Array) -> Array:
        """The sum of the terms of update `number`."""
        values = self.values({ROWS: x, TARGETS: y}, self.plan.training[number])
        return sum(
            (term_loss(term, values[term.output], y) for term in self.plan.terms[number]),
            start=jnp.zeros(()),
        )


def _key(name: str) -> str:
    """A name that nnx.Dict has not itself, such as "values"."""
    return f"node_{name}"


def term_loss(term: Term, outputs: Array, targets: Array) -> Array:
    """The mean over the batch and over a row's values."""
    if term.label_smoothing:
        classes = jax.nn.one_hot(targets, outputs.shape[-1])
        smooth = optax.smooth_labels(classes, term.label_smoothing)
        return optax.softmax_cross_entropy(outputs, smooth).mean()
    if term.target is not None:
        targets = jnp.full_like(outputs, term.target)
    elif term.loss != "sparse_categorical_crossentropy":
        targets = targets.reshape(outputs.shape)
    return LOSSES[term.loss](outputs, targets).mean()


def canonical(task: Task, network: Network) -> dict[str, nnx.Variable[Any]]:
    """Canonical name → the variable, parameters and running statistics."""
    found = {
        f"{node.name}/{part}": variable
        for node in task.nodes
        if not node.shares
        for part, variable in parts_of(network.layers[_key(node.name)]).items()
    }
    return {name: found[name] for name in parameter_shapes(task)}


def optimizers(task: Task, network: Network) -> tuple[nnx.Optimizer[Network], ...]:
    """One an update."""
    return tuple(_optimizer(task, update, network) for update in task.rules)


def _optimizer(task: Task, update: Update, network: Network) -> nnx.Optimizer[Network]:
    """The update's rule, over the parameters that it moves."""
    moved = {_key(name.split("/")[0]) for name in moved_arrays(task, update)}
    return nnx.Optimizer(
        network,
        rule_of(update.optimizer),
        wrt=nnx.All(nnx.Param, lambda path, value: path[1] in moved),
    )


def rule_of(wanted: Optimizer) -> optax.GradientTransformation:
    """optax's rule with the numbers that the task fixes."""
    match wanted:
        case SGD(learning_rate=rate):
            return optax.sgd(rate)
        case Momentum(learning_rate=rate, momentum=momentum):
            return optax.sgd(rate, momentum)
        case Adam(learning_rate=rate):
            return optax.adam(rate, wanted.beta_1, wanted.beta_2, wanted.epsilon)
        case AdamW():
            rule = optax.adamw(
                rate_of(wanted), wanted.beta_1, wanted.beta_2, wanted.epsilon,
                weight_decay=wanted.weight_decay, mask=_decaying,
            )  # fmt: skip
            if not wanted.clip_norm:
                return rule
            return optax.chain(optax.clip_by_global_norm(wanted.clip_norm), rule)
        case _:
            raise unknown("optimizer", wanted)


def rate_of(wanted: AdamW) -> float | optax.Schedule:
    """optax's schedule counts steps from 0, the task's from 1, so that its first step moves."""
    plan, peak = wanted.schedule, wanted.learning_rate
    if plan is None:
        return peak
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, peak, plan.warmup, decay_steps=plan.steps, end_value=plan.end * peak
    )
    return lambda count: schedule(count + 1)


def _decaying(parameters: Any) -> Any:
    """Whether each decays: optax's mask, of the same structure."""

    def is_decaying(path: Sequence[Any], value: Any) -> bool:
        return any(getattr(key, "key", None) in DECAYING for key in path)

    return jax.tree.map_with_path(is_decaying, parameters)


def _train_step(
    network: Network,
    optimizers: tuple[nnx.Optimizer[Network], ...],
    average: nnx.metrics.Average,
    x: Array,
    y: Array,
) -> None:
    """All updates of one batch, each by what those before it have moved."""
    total = jnp.zeros(())
    for number, optimizer in enumerate(optimizers):

        def loss_of(network: Network, number: int = number) -> Array:
            return network.loss(number, x, y)

        moved = nnx.DiffState(0, optimizer.wrt)
        loss, gradients = nnx.value_and_grad(loss_of, argnums=moved)(network)
        optimizer.update(network, gradients)
        total += loss
    average.update(loss=total)


def _forward(network: Network, x: Array) -> Array:
    return network(x)


train_step, forward = nnx.jit(_train_step), nnx.jit(_forward)


def train_epoch(
    network: Network,
    batches: Batches,
    loss_function: object,
    optimizers: tuple[nnx.Optimizer[Network], ...],
) -> Array:
    """The mean of the losses of all steps. The network has its own losses."""
    network.train()
    average = nnx.metrics.Average("loss")
    for x, y in batches:
        train_step(network, optimizers, average, x, y)
    mean: Array = average.compute()
    return mean


def batches(x: np.ndarray, y: np.ndarray, order: np.ndarray) -> Iterator[Rows]:
    for rows in order:
        yield x[rows], y[rows]


def outputs(network: Network, batches: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([forward(network, x) for x in batches])
