"""The updates of a graph: their losses, their optimizers, in order, inside one step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.base import unknown
from adapters.pytorch.graph import Network
from tasks.spec.graph import ROWS, TARGETS, needed
from tasks.spec.network import Task, moved_arrays
from tasks.spec.training import SGD, Adam, AdamW, Momentum, Optimizer, Term, Update

Loss = Callable[[Tensor, Tensor], Tensor]  # of a batch and its targets


def loss_of(model: Network, update: Update) -> Loss:
    """The sum of an update's terms."""
    nodes = needed(model.task.nodes, {term.output for term in update.terms})

    def loss(batch: Tensor, targets: Tensor) -> Tensor:
        values = model.values({ROWS: batch, TARGETS: targets}, nodes)
        total = torch.zeros((), device=batch.device)
        for term in update.terms:
            outputs = model.canonical(values[term.output], term.output)
            total = total + term_loss(term, outputs.float(), targets)
        return total

    return loss


def term_loss(term: Term, outputs: Tensor, targets: Tensor) -> Tensor:
    """One term; outputs and targets canonical."""
    if term.loss == "sparse_categorical_crossentropy":
        return F.cross_entropy(
            outputs.flatten(0, -2), targets.flatten(), label_smoothing=term.label_smoothing
        )
    if term.target is not None:
        wanted = torch.full_like(outputs, term.target)
    else:
        wanted = targets.reshape(outputs.shape)
    if term.loss == "binary_crossentropy":
        return F.binary_cross_entropy_with_logits(outputs, wanted)
    if term.loss == "mean_squared_error":
        return F.mse_loss(outputs, wanted)
    raise unknown("loss", term.loss)


def moved(model: Network, update: Update) -> list[nn.Parameter]:
    """The parameters that an update moves."""
    arrays = model.parameters_by_name()
    return [arrays[name] for name in moved_arrays(model.task, update)]


def optimizer_of(
    wanted: Optimizer, parameters: Sequence[nn.Parameter], **options: Any
) -> torch.optim.Optimizer:
    """torch.optim's; options: `fused`, say. Arrays of one axis do not decay."""
    match wanted:
        case SGD(learning_rate=rate):
            return torch.optim.SGD(parameters, lr=rate, **options)
        case Momentum(learning_rate=rate, momentum=momentum):
            return torch.optim.SGD(parameters, lr=rate, momentum=momentum, **options)
        case Adam():
            return torch.optim.Adam(
                parameters, lr=wanted.learning_rate, betas=(wanted.beta_1, wanted.beta_2),
                eps=wanted.epsilon, **options,
            )  # fmt: skip
        case AdamW():
            groups = [
                {"params": [p for p in parameters if p.dim() > 1]},
                {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
            ]
            return torch.optim.AdamW(
                groups, lr=wanted.learning_rate, betas=(wanted.beta_1, wanted.beta_2),
                eps=wanted.epsilon, weight_decay=wanted.weight_decay, **options,
            )  # fmt: skip
        case _:
            raise unknown("optimizer", wanted)


class Mover:
    """One update: its optimizer, its clipping and its schedule, whose count goes on over calls."""

    def __init__(self, model: Network, update: Update, **options: Any) -> None:
        self.parameters = moved(model, update)
        self.optimizer = optimizer_of(update.optimizer, self.parameters, **options)
        self.wanted = update.optimizer
        self.steps = 0

    def move(self) -> None:
        """Along the gradients that lie on the parameters; they are taken away then."""
        self.steps += 1
        if isinstance(self.wanted, AdamW):
            if self.wanted.clip_norm:
                nn.utils.clip_grad_norm_(self.parameters, self.wanted.clip_norm)
            if self.wanted.schedule:
                rate = self.wanted.learning_rate * self.wanted.schedule.factor(self.steps)
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


def stepping(task: Task, model: Network, compiled: Callable[[Loss], Loss], **options: Any) -> Loss:
    """One step of a batch: every update in order; gives the sum of their losses.

    compiled: what is made of each update's loss before it is run.
    """
    updates = [
        (compiled(loss_of(model, update)), Mover(model, update, **options)) for update in task.rules
    ]

    def step(batch: Tensor, targets: Tensor) -> Tensor:
        total = torch.zeros((), device=batch.device)
        for loss_function, mover in updates:
            loss = loss_function(batch, targets)
            loss.backward(inputs=mover.parameters)
            mover.move()
            total = total + loss.detach()
        return total

    return step
