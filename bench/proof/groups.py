"""Whether a group of processes did the whole batch's work: its ranks' answers and the oracle's.

The oracle knows of no processes: it takes the whole batch. A sum for a mean is a constant factor in
the gradient, which Adam hides, so gradients are read from a step of SGD. They are compared twice:
all of them together with those that one process of the same scheme finds for the whole batch,
within `WHOLE`, and parameter by parameter with the oracle's within the certificate's own bound (a
convolution's kernel sums over thousands of positions in float32: 3e-6 in one process too). One
process itself is held against the oracle, within `ROUNDED`. Then come twenty steps of the task's
own optimizer, and at last the ranks among themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from adapters.base import AdamForm
from adapters.reference.oracle import Reference
from bench.proof.bounds import STANDARD_ERRORS, bound, relative, typical
from bench.proof.calls import CALM_RATE_POOLS
from bench.proof.checks import Certificate, Check, count, worst
from bench.proof.gradients import reading
from bench.proof.trial import provable
from tasks.spec.layers import Dropout, MaxPool2D
from tasks.spec.network import Task
from tasks.weights import initial_weights

CALLS = 4
WHOLE = 1e-6
# Of one process against float64: MXNet's float32 errs by 1.3e-6 on cnn-64-10, others by 4e-7.
ROUNDED = 5e-6
GRADIENTS, UPDATE, LOSSES = "gradients/", "update/", "losses"
RankArrays = Mapping[str, np.ndarray]


def stepped(task: Task) -> Task:
    """The task as its twenty steps are taken: under a pool at the small rate that calls of the
    certificate take there too (bench.proof.calls), since a window won by another pixel in float32
    parts two right trajectories by 1e-3."""
    task = provable(task)
    pools = any(isinstance(layer, MaxPool2D) for layer in task.layers)
    return task.at_rate(CALM_RATE_POOLS) if pools else task


def expected(
    task: Task, x: np.ndarray, y: np.ndarray, order: np.ndarray, seed: int, form: AdamForm
) -> dict[str, np.ndarray]:
    """What the oracle answers: "gradients/NAME" of the first batch, "update/NAME" over all steps of
    `order` (steps, batch) in `CALLS` calls, and their "losses"."""
    oracle, weights = Reference(adam=form), initial_weights(task, seed)
    oracle.build(reading(task.without_dropout()), weights, seed)
    rows, _ = oracle.stage(x, y)
    _, gradients = oracle.gradients(rows[order[0]], y[order[0]])
    oracle.build(stepped(task), weights, seed)
    losses = [float(oracle.train((rows, y), part)) for part in np.split(order, CALLS)]
    after = oracle.weights()
    found = {GRADIENTS + name: value for name, value in gradients.items()}
    found |= {UPDATE + name: after[name] - weights[name] for name in weights}
    return found | {LOSSES: np.array(losses)}


def certificate(
    task: Task,
    ranks: Sequence[RankArrays],
    right: RankArrays,
    alone: RankArrays | None,
    seed: int,
    form: str,
) -> Certificate:
    """ranks: what each found, as `expected` names it. alone: what one process of the same scheme
    found, or None where this is it."""
    first = ranks[0]
    gradients, update = (_of(first, kind) for kind in (GRADIENTS, UPDATE))
    right_gradients, right_update = (_of(right, kind) for kind in (GRADIENTS, UPDATE))
    losses = np.mean([rank[LOSSES] for rank in ranks], axis=0)
    off = np.max(np.abs(losses - right[LOSSES]) / np.abs(right[LOSSES]))
    found = [
        _whole_check(gradients, right_gradients, alone),
        worst("gradients", gradients, right_gradients, bound(task, "gradients")),
        Check("losses", float(off), bound(task, "losses"), f"worst of {CALLS} calls"),
        worst("update", update, right_update, bound(task, "update")),
        worst("update, typical", update, right_update, bound(task, "typical"), typical),
    ]
    if alone is not None:
        before = _of(alone, UPDATE)
        limits = bound(task, "update"), bound(task, "typical")
        found.append(worst("as one process", update, before, limits[0]))
        found.append(worst("as one process, typical", update, before, limits[1], typical))
    found.append(_replicas(ranks))
    return Certificate(tuple(found), form, seed)


def _of(arrays: RankArrays, kind: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(kind): arrays[name] for name in arrays if name.startswith(kind)}


def _whole_check(got: RankArrays, right: RankArrays, alone: RankArrays | None) -> Check:
    name = "gradients, whole"
    if alone is None:
        return Check(name, _whole(got, right), ROUNDED, "all together, against float64")
    found = _whole(got, _of(alone, GRADIENTS))
    return Check(name, found, WHOLE, "all together, against one process")


def _whole(got: RankArrays, right: RankArrays) -> float:
    """All parameters in one row; infinite where a name or a shape is another."""
    if {n: v.shape for n, v in got.items()} != {n: v.shape for n, v in right.items()}:
        return float("inf")
    a, b = (np.concatenate([side[name].ravel() for name in right]) for side in (got, right))
    return relative(a, b)


def _replicas(ranks: Sequence[RankArrays]) -> Check:
    """All ranks must hold the same model, to the bit."""
    first = ranks[0]
    apart = [
        number
        for number, rank in enumerate(ranks)
        if any(not np.array_equal(rank[n], first[n]) for n in first if n != LOSSES)
    ]
    return count("ranks apart", len(apart), f"of {len(ranks)}")


def masks(task: Task, size: int, alive: int, kept: int) -> Check:
    """Of `alive` units (those with a gradient where nothing is dropped), `kept` had one in a batch
    in which each rank drew a mask of its own for the same row: all but rate^size of them."""
    (rate,) = (layer.rate for layer in task.layers if isinstance(layer, Dropout) and layer.rate)
    share = 1 - rate**size
    error = np.sqrt(alive * share * (1 - share))
    off = abs(kept - alive * share) / error if error else float("inf")
    detail = f"{kept} of {alive} units kept by some rank, {alive * share:.0f} awaited"
    return Check("masks of the ranks", float(off), STANDARD_ERRORS, detail, unit="standard errors")
