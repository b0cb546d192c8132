"""Faults of a group of processes: each is planted around a `Peer` and must be refused.

A fault is a function from a framework's `Peer` to one with the fault. Those of this module lie in
how rows are shared and what each rank draws, so they can be made anywhere, and in the exchange of
gradients, where NumPy's own peer does every step of it by hand. Those of the frameworks' own
exchange stand in groups_inside.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.weights import Weights

NUMPY = "numpy:sockets"
ANYWHERE = (
    NUMPY, "pytorch:ddp", "pytorch:fsdp", "tensorflow:multi-worker", "keras:data-parallel",
    "jax:sharded", "mxnet:dist-sync",
)  # fmt: skip
# Where a rank draws its own masks; elsewhere they are the whole batch's.
OWN_MASKS = (NUMPY, "pytorch:ddp", "pytorch:fsdp", "tensorflow:multi-worker", "mxnet:dist-sync")
# MXNet sums over rows and divides once: unequal parts are right there. JAX and Keras refuse them.
MEANS = (NUMPY, "pytorch:ddp", "pytorch:fsdp", "tensorflow:multi-worker")


@dataclass(frozen=True)
class GroupFault:
    """name: what went wrong, in words. place: "module:function". schemes: where it can be made.
    check: the check that must refuse it. dropout: it shows only in a task that has one."""

    name: str
    place: str
    schemes: tuple[str, ...]
    check: str
    dropout: bool = False


def _numpy(function: str) -> str:
    return f"adapters.mutants.groups:{function}"


def first_shard(peer: Any) -> Any:
    """Every rank works on the rows of rank 0: no sampler, or one without the rank."""

    class Faulty(peer):
        def part(self, order: np.ndarray) -> np.ndarray:
            rows = order.shape[1] // self.place.size
            return np.ascontiguousarray(order[:, :rows])

    return Faulty


def unequal_parts(peer: Any) -> Any:
    """Rank 0 takes a quarter more than its part, the last as many fewer; means are averaged."""

    class Faulty(peer):
        def part(self, order: np.ndarray) -> np.ndarray:
            size, rank = self.place.size, self.place.rank
            ends = np.linspace(0, order.shape[1], size + 1).astype(int)
            ends[1:-1] += max(1, order.shape[1] // size // 4) if size > 1 else 0
            return np.ascontiguousarray(order[:, ends[rank] : ends[rank + 1]])

    return Faulty


def overlapping_parts(peer: Any) -> Any:
    """Ranks behind the first begin a row too early: one row is twice in the batch, one not."""

    class Faulty(peer):
        def part(self, order: np.ndarray) -> np.ndarray:
            return super().part(np.roll(order, 1 if self.place.rank else 0, axis=1))

    return Faulty


def orders_of_their_own(peer: Any) -> Any:
    """Each rank shuffles the batch by a seed of its own before it takes its part."""

    class Faulty(peer):
        def part(self, order: np.ndarray) -> np.ndarray:
            rng = np.random.default_rng(self.place.rank)
            return super().part(rng.permuted(order, axis=1))

    return Faulty


def step_behind(peer: Any) -> Any:
    """The last rank works on the rows of the step before."""

    class Faulty(peer):
        def part(self, order: np.ndarray) -> np.ndarray:
            late = self.place.rank and self.place.rank == self.place.size - 1
            return super().part(np.concatenate([order[:1], order[:-1]]) if late else order)

    return Faulty


def epoch_forgotten(peer: Any) -> Any:
    """The rows of the first call come again in each: `set_epoch` was forgotten."""

    class Faulty(peer):
        def build(self, *arguments: Any) -> None:
            self.first: np.ndarray | None = None
            super().build(*arguments)

        def part(self, order: np.ndarray) -> np.ndarray:
            self.first = order if self.first is None else self.first
            return super().part(self.first)

    return Faulty


def same_seed(peer: Any) -> Any:
    """All ranks draw the same masks."""

    class Faulty(peer):
        def own_seed(self, seed: int) -> int:
            return seed

    return Faulty


def weights_of_their_own(peer: Any) -> Any:
    """Ranks behind the first begin with other weights, which nobody sends round."""

    class Faulty(peer):
        def build(self, task: Any, weights: Weights, seed: int) -> None:
            scale = np.float32(1 + 1e-3 * self.place.rank)
            super().build(task, {n: value * scale for n, value in weights.items()}, seed)

    return Faulty


def summed(peer: Any) -> Any:
    """The gradients' sum in the place of their mean."""
    return _exchanging(peer, lambda self, right, own: right * np.float32(self.place.size))


def divided_twice(peer: Any) -> Any:
    """The mean is divided by the number of processes once more."""
    return _exchanging(peer, lambda self, right, own: right / np.float32(self.place.size))


def never_exchanged(peer: Any) -> Any:
    """Every rank trains on its own gradients."""
    return _exchanging(peer, lambda self, right, own: own)


def rounded(peer: Any) -> Any:
    """Gradients are sent in half precision."""
    return _exchanging(peer, lambda self, right, own: right.astype(np.float16).astype(np.float32))


def one_lost(peer: Any) -> Any:
    """The last rank's gradients never arrive, and are counted as zero."""

    class Faulty(peer):
        def exchanged(self, flat: np.ndarray) -> np.ndarray:
            lost = self.place.rank and self.place.rank == self.place.size - 1
            return super().exchanged(np.zeros_like(flat) if lost else flat)

    return Faulty


def a_bias_left_out(peer: Any) -> Any:
    """The last parameter's gradient is not exchanged."""

    class Faulty(peer):
        def mean(self, gradients: Weights) -> Weights:
            last = next(name for name in gradients if name.endswith("bias"))
            return super().mean(gradients) | {last: gradients[last]}

    return Faulty


def every_second_step(peer: Any) -> Any:
    """Gradients are exchanged in every second step only, the own ones used in between."""

    class Faulty(peer):
        def mean(self, gradients: Weights) -> Weights:
            right = super().mean(gradients)
            return gradients if self.model.t % 2 else right

    return Faulty


def late_mean(peer: Any) -> Any:
    """Each step uses the mean of the step before, which had the time to arrive."""

    class Faulty(peer):
        def build(self, *arguments: Any) -> None:
            self.before: Weights | None = None
            super().build(*arguments)

        def mean(self, gradients: Weights) -> Weights:
            now = super().mean(gradients)
            before, self.before = self.before, now
            return now if before is None else before

    return Faulty


def own_moments(peer: Any) -> Any:
    """Statistics that are not synchronised: Adam squares the own gradients, not their mean."""

    class Faulty(peer):
        def update(self, gradients: Weights) -> None:
            first = {name: value.copy() for name, value in self.model.m.items()}
            mean = self.mean(gradients)
            start = {name: value.copy() for name, value in self.model.params.items()}
            self.model._update(gradients)  # which leaves the own squares behind
            squares = {name: value.copy() for name, value in self.model.v.items()}
            self.model.params, self.model.m, self.model.t = start, first, self.model.t - 1
            self.model._update(mean)
            self.model.v = squares

    return Faulty


def averaged_weights(peer: Any) -> Any:
    """Each rank makes its own step, and then the weights are averaged."""

    class Faulty(peer):
        def update(self, gradients: Weights) -> None:
            self.model._update(gradients)
            mean = self.mean(self.model.params)
            self.model.params = {name: value.copy() for name, value in mean.items()}

    return Faulty


def _exchanging(peer: Any, wrong: Any) -> Any:
    class Faulty(peer):
        def exchanged(self, flat: np.ndarray) -> np.ndarray:
            return np.asarray(wrong(self, super().exchanged(flat), flat))

    return Faulty


WHOLE, APART, TYPICAL = "gradients, whole", "ranks apart", "update, typical"
FAULTS = (
    GroupFault("one rank's shard repeated", _numpy("first_shard"), ANYWHERE, WHOLE),
    GroupFault("unequal shards averaged", _numpy("unequal_parts"), MEANS, WHOLE),
    GroupFault("overlapping shards", _numpy("overlapping_parts"), ANYWHERE, WHOLE),
    GroupFault("each rank its own order", _numpy("orders_of_their_own"), ANYWHERE, WHOLE),
    GroupFault("a rank a step behind", _numpy("step_behind"), ANYWHERE, TYPICAL),
    GroupFault("the first rows again in each call", _numpy("epoch_forgotten"), ANYWHERE, TYPICAL),
    GroupFault(
        "the same dropout seed", _numpy("same_seed"), OWN_MASKS, "masks of the ranks", dropout=True
    ),
    GroupFault("weights of their own", _numpy("weights_of_their_own"), (NUMPY,), APART),
    GroupFault("sum for mean", _numpy("summed"), (NUMPY,), WHOLE),
    GroupFault("divided twice", _numpy("divided_twice"), (NUMPY,), WHOLE),
    GroupFault("never exchanged", _numpy("never_exchanged"), (NUMPY,), APART),
    GroupFault("sent in half precision", _numpy("rounded"), (NUMPY,), WHOLE),
    GroupFault("a rank's gradients lost", _numpy("one_lost"), (NUMPY,), WHOLE),
    GroupFault("a bias left out", _numpy("a_bias_left_out"), (NUMPY,), APART),
    GroupFault("every second step alone", _numpy("every_second_step"), (NUMPY,), APART),
    GroupFault("the mean of the step before", _numpy("late_mean"), (NUMPY,), TYPICAL),
    GroupFault("statistics of the own shard", _numpy("own_moments"), (NUMPY,), TYPICAL),
    GroupFault("weights averaged after own steps", _numpy("averaged_weights"), (NUMPY,), TYPICAL),
)
