"""Loss and gradients of one batch; the latter read from one SGD step at a large rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bench.proof.bounds import KINKS, SINGLE_ROWS, bound, relative, typical
from bench.proof.checks import Check, worst
from bench.proof.trial import Trial
from tasks.spec.network import Task
from tasks.spec.training import SGD
from tasks.weights import Weights

# So large that what is left of the weights in a moved one is little beside the move, even of
# gradients of 1e-8; and one for all such steps, so that one program is compiled.
READING_RATE = 1e6


def checks(t: Trial) -> list[Check]:
    """The initial weights' loss and gradients, by norm and by the typical element; of a graph those
    of each of its updates by itself, and the running statistics after it."""
    if not t.task.is_graph:
        return _of_chain(t)
    updates = t.task.rules
    return [
        check
        for number in range(len(updates))
        for check in _of_update(t, number, f", update {number + 1}" if len(updates) > 1 else "")
    ]


def _of_update(t: Trial, number: int, said: str) -> list[Check]:
    """Of a graph: an error over the bound and up to what a unit at its kink does is tried on other
    draws, because single rows have no batch to be normalised by."""
    alone = replace(t.task, updates=(t.task.rules[number],))
    plain = reading(alone)

    def compute() -> Mapping[str, np.ndarray]:
        data = t.build(t.oracle, plain)
        loss, found = t.oracle.gradients(data[0][t.order[0]], t.y[t.order[0]])
        t.oracle.train(data, t.order[:1])
        after = t.oracle.weights()
        return {"loss": np.array(loss), **found, **{name: after[name] for name in t.state}}

    expected = dict(t.answer(f"gradients of update {number}", compute, by_adam=False))
    loss = expected.pop("loss")
    state = {name: expected.pop(name) - t.weights[name] for name in t.state}
    t.begin(t.adapter, plain)
    data, order = _batch(t)
    got_loss = np.array(float(t.adapter.train(data, order)))
    moved = t.update(t.adapter)
    a, b = (t.parts({n: each[n] for n in expected}) for each in (gradients_of(moved), expected))
    limit = bound(t.task, "gradients")
    found = [
        Check(f"loss{said}", relative(got_loss, loss), bound(t.task, "outputs")),
        worst(f"gradients{said}", a, b, limit, again_up_to=KINKS),
        worst(f"gradients, typical{said}", a, b, bound(t.task, "typical"), typical, KINKS),
    ]
    if state:
        one = {name: moved[name] for name in state}
        found.append(worst(f"running statistics, one step{said}", one, state, limit))
    return found


def _of_chain(t: Trial) -> list[Check]:
    rows = t.order[0]
    plain = reading(t.task)
    loss, expected = oracle_gradients(t, plain, rows, t.weights)
    t.begin(t.adapter, plain)
    data, order = _batch(t)
    got_loss = float(t.adapter.train(data, order))
    got = t.parts(gradients_of(t.update(t.adapter)))
    expected = t.parts(expected)
    check = worst("gradients", got, expected, bound(t.task, "gradients"))
    found = [check]
    if not t.by_layer and check.bound < check.error <= KINKS:
        found = [replace(check, bound=KINKS, detail=f"{check.detail}; see row by row")]
        found.append(_row_by_row(t, plain, check.bound))
    return [
        Check("loss", relative(np.array(got_loss), np.array(loss)), bound(t.task, "outputs")),
        *found,
        worst("gradients, typical", got, expected, bound(t.task, "typical"), typical),
    ]


def oracle_gradients(
    t: Trial, task: Task, rows: np.ndarray, weights: Weights, about: str = "initial weights"
) -> tuple[float, Weights]:
    """Batch-mean loss and gradients of `rows`. about: what the weights are, for the memo."""

    def compute() -> Mapping[str, np.ndarray]:
        data = t.build(t.oracle, task, weights)
        loss, found = t.oracle.gradients(data[0][rows], t.y[rows])
        return {"loss": np.array(loss), **found}

    answer = dict(t.answer(f"gradients of {rows.tolist()} at {about}", compute, by_adam=False))
    return float(answer.pop("loss")), answer


def reading(task: Task) -> Task:
    """The task under the optimizer by whose steps gradients are read."""
    return task.with_optimizer(SGD(READING_RATE))


def gradients_of(moved: Mapping[str, np.ndarray]) -> Weights:
    """What moved the weights so far in one step of `reading`."""
    return {name: -value / READING_RATE for name, value in moved.items()}


def _batch(t: Trial) -> tuple[Any, np.ndarray]:
    """The first batch, staged by itself, and the order of it, int32 (1, batch)."""
    rows = t.order[0]
    x, y = np.ascontiguousarray(t.x[rows]), np.ascontiguousarray(t.y[rows])
    return t.adapter.stage(x, y), np.arange(len(rows), dtype=np.int32)[None]


def _row_by_row(t: Trial, plain: Task, limit: float) -> Check:
    """The median error over batches that each repeat one row, whose gradient is that row's."""
    rows = t.order[0][:SINGLE_ROWS]
    few = replace(t, x=t.x[rows], y=t.y[rows], rows=f"{t.rows} at {rows.tolist()}")
    errors = []
    for row in range(len(rows)):
        _, expected = oracle_gradients(few, plain, np.array([row]), t.weights)
        t.begin_again(t.adapter, plain)
        data, order = _batch(t)
        t.adapter.train(data, np.full_like(order, row))
        got = t.parts(gradients_of(t.update(t.adapter)))
        errors.append(worst("", got, t.parts(expected), limit).error)
    within = sum(error <= limit for error in errors)
    detail = f"median; {within} of {len(errors)} rows within the bound"
    return Check("gradients, row by row", float(np.median(errors)), limit, detail)
