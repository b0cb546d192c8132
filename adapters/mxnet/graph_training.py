"""The updates of a graph: a loss, a Trainer each, in order, inside one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mxnet as mx
from mxnet import autograd, gluon, nd

from adapters.base import unknown
from adapters.mxnet.graph_model import Loss, Network
from tasks.spec.network import moved_arrays
from tasks.spec.training import SGD, Adam, AdamW, Momentum, Optimizer, Update


class DecoupledAdam(mx.optimizer.Adam):
    """AdamW, of which MXNet has no optimizer: its Adam, then a decay of the old weights.

    Written as its documents tell to extend an optimizer. `wd` of MXNet's Adam is another rule (it
    is added to the gradient), and `contrib.adamw_update` neither corrects the moments nor
    multiplies the decay by the rate.
    """

    def __init__(self, decay: float, **options: Any) -> None:
        super().__init__(**options)
        self.decay = decay

    def update(self, index: int, weight: Any, grad: Any, state: Any) -> None:
        """Move one array; those of one axis do not decay."""
        if weight.ndim < 2:
            super().update(index, weight, grad, state)
            return
        decay = weight * self.decay
        super().update(index, weight, grad, state)
        weight -= self.learning_rate * decay  # the count has risen: this step's rate


def optimizer_of(wanted: Optimizer) -> mx.optimizer.Optimizer:
    """MXNet's, with the numbers that the task fixes. Its schedules count steps from 1, as the
    task does, and the length of a cosine includes the warm-up."""
    match wanted:
        case SGD(learning_rate=rate):
            return mx.optimizer.SGD(learning_rate=rate)
        case Momentum(learning_rate=rate, momentum=momentum):
            return mx.optimizer.SGD(momentum, learning_rate=rate)
        case Adam():
            return mx.optimizer.Adam(**_adam(wanted))
        case AdamW():
            return DecoupledAdam(wanted.weight_decay, **_adam(wanted), **_schedule(wanted))
        case _:
            raise unknown("optimizer", wanted)


def _adam(wanted: Adam | AdamW) -> dict[str, float]:
    return {
        "learning_rate": wanted.learning_rate,
        "beta1": wanted.beta_1,
        "beta2": wanted.beta_2,
        "epsilon": wanted.epsilon,
    }


def _schedule(wanted: AdamW) -> dict[str, Any]:
    if not wanted.schedule:
        return {}
    schedule, rate = wanted.schedule, wanted.learning_rate
    falling = mx.lr_scheduler.CosineScheduler(
        schedule.steps, base_lr=rate, final_lr=schedule.end * rate, warmup_steps=schedule.warmup
    )
    return {"lr_scheduler": falling}


class Mover:
    """One update: its loss, and the Trainer of what it moves."""

    def __init__(self, network: Network, update: Update, loss: Any, **options: Any) -> None:
        self.loss = loss
        arrays = network.arrays()
        self.moved = [arrays[name] for name in moved_arrays(network.task, update)]
        self.trainer = gluon.Trainer(self.moved, optimizer_of(update.optimizer), **options)
        rule = update.optimizer
        self.clip_norm = rule.clip_norm if isinstance(rule, AdamW) else 0.0

    def step(self, batch: Sequence[Any], rows: int) -> nd.NDArray:
        """Move along the gradient of a batch of so many rows; their losses (rows,)."""
        with autograd.record():
            loss = self.loss(*batch)
        loss.backward()
        if self.clip_norm:
            # Gradients are sums over the rows, which update() divides by their number.
            self.trainer.allreduce_grads()
            gradients = [parameter.grad() for parameter in self.moved]
            gluon.utils.clip_global_norm(gradients, self.clip_norm * rows, check_isfinite=False)
            self.trainer.update(rows)
        else:
            self.trainer.step(rows)
        return loss


def losses_of(network: Network) -> list[Loss]:
    """One an update, in their order."""
    return [Loss(network, update) for update in network.task.rules]
