"""Faults of two networks that are trained against each other in one step.

Each is something that ports of a GAN are seen to do: an optimizer over both networks, a generated
batch that is not detached, gradients that are not zeroed, one noise for both steps, labels the
wrong way round, and both gradients taken before either step.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from adapters.base import Adapter
from adapters.mutants.graphs import Change, another
from adapters.mutants.mutant import NUMPY, Mutant, Wrapped
from adapters.mutants.small_graphs import ADVERSARIES
from adapters.reference.graph import Graph
from adapters.reference.oracle import Reference
from tasks.spec.network import Task
from tasks.spec.training import Adam, Update
from tasks.weights import Weights

Array = np.ndarray
TELLS, FOOLS = 0, 1
"""The discriminator's update and the generator's."""


def with_update(task: Task, number: int, update: Update) -> Task:
    """The task with one of its updates replaced."""
    updates = list(task.updates)
    updates[number] = update
    return replace(task, updates=tuple(updates))


def moving_all(number: int) -> Change:
    """An optimizer of one step that has the arrays of both networks."""
    return lambda task: with_update(task, number, replace(task.updates[number], moves=()))


def labelled(number: int, labels: dict[float, float]) -> Change:
    """Other labels in one step: what the task has → what is taken for it."""

    def changed(task: Task) -> Task:
        update = task.updates[number]
        terms = tuple(
            term if term.target is None else replace(term, target=labels[term.target])
            for term in update.terms
        )
        return with_update(task, number, replace(update, terms=terms))

    return changed


def turned(task: Task) -> Task:
    return replace(task, updates=task.updates[::-1])


def all_moved(task: Task) -> Task:
    return replace(task, updates=tuple(replace(update, moves=()) for update in task.updates))


def one_noise(task: Task) -> Task:
    """The generator's step goes through the very batch that the discriminator was shown."""
    noise, other = (node for node in task.network if node.reads == ("x",))
    same = replace(other, layer=noise.layer)
    return replace(task, network=tuple(same if n is other else n for n in task.network))


def exchanged_noise(task: Task) -> Task:
    """Each step has the other's noise."""
    noise, other = (node for node in task.network if node.reads == ("x",))
    turn = {noise.name: other.layer, other.name: noise.layer}
    network = (replace(n, layer=turn.get(n.name, n.layer)) for n in task.network)
    return replace(task, network=tuple(network))


def not_zeroed(task: Task) -> Task:
    """What the discriminator's loss sends back into the generator is added to its own gradient.

    Seen after the discriminator's move, as where its loss is kept for both."""
    tells, fools = task.updates
    told = tuple(term for term in tells.terms if term.target == 0.0)
    return with_update(task, FOOLS, replace(fools, terms=fools.terms + told))


def rated(number: int, beta_1: float) -> Change:
    """Adam's default of one step, where the task has 0.5. Other optimizers stay."""

    def changed(task: Task) -> Task:
        update = task.updates[number]
        if not isinstance(update.optimizer, Adam):
            return task
        return with_update(
            task, number, replace(update, optimizer=replace(update.optimizer, beta_1=beta_1))
        )

    return changed


class AtOnce(Graph):
    """All gradients of a step are taken before any of its moves."""

    def step(self, x: Array, y: Array) -> float:
        total, taken = 0.0, []
        for update in self.task.rules:
            loss, gradients, state = self.gradients(x, y, update)
            taken.append(gradients)
            self.params.update(state)
            total += loss
        for moving, gradients in zip(self._moving, taken, strict=True):
            moving.step(self.params, gradients)
        return total


class BeforeItsStep(Reference):
    """The generator learns from the discriminator as it was before the step."""

    def __init__(self) -> None:
        super().__init__(precision="fp32")

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        super().build(task, weights, seed)
        self.graph = AtOnce(
            task, self.params, self._rounded, self.adam_form, self.variance_form, seed
        )


def _before_its_step(_: Adapter) -> Adapter:
    return BeforeItsStep()


class OneMoreMove(Wrapped):
    """Every batch is trained on twice in a row: two moves of each network for one."""

    def steps(self, order: Array) -> Array:
        return order.repeat(2, axis=0)


def _fault(name: str, how: Change | type[Wrapped]) -> Mutant:
    make = how if isinstance(how, type) else another(how)
    return Mutant(name, "graphs", make, families=("gan",), task=ADVERSARIES.name)


MUTANTS = (
    _fault("updates in the other order", turned),
    _fault("an update that moves all", all_moved),
    _fault("the generator's step moves the discriminator", moving_all(FOOLS)),
    _fault("the discriminator's step moves the generator", moving_all(TELLS)),
    _fault("the discriminator's gradient kept in the generator's", not_zeroed),
    _fault("one noise for both steps", one_noise),
    _fault("each step has the other's noise", exchanged_noise),
    _fault("labels of 0.9 for real ones", labelled(TELLS, {1.0: 0.9, 0.0: 0.0})),
    _fault("the discriminator's labels turned round", labelled(TELLS, {1.0: 0.0, 0.0: 1.0})),
    _fault("the generator's label turned round", labelled(FOOLS, {1.0: 0.0})),
    _fault("Adam's default beta_1 in the generator's step", rated(FOOLS, 0.9)),
    _fault("two moves of each network a batch", OneMoreMove),
    Mutant(
        "a discriminator from before its step", "graphs", _before_its_step,
        families=("gan",), frameworks=NUMPY, task=ADVERSARIES.name,
    ),
)  # fmt: skip
