"""Loss and gradients of one batch; the latter read from one SGD step at rate 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bench.proof.bounds import KINKS, SINGLE_ROWS, bound, relative, typical
from bench.proof.checks import Check, worst
from bench.proof.trial import Trial
from tasks.spec.network import Task
from tasks.spec.training import SGD
from tasks.weights import Weights


def checks(t: Trial) -> list[Check]:
    """The initial weights' loss and gradients, by norm and by the typical element."""
    rows = t.order[0]
    plain = t.task.with_optimizer(SGD(1.0))
    loss, expected = oracle_gradients(t, plain, rows, t.weights)
    got_loss = float(t.adapter.train(t.build(t.adapter, plain), rows[None]))
    got = t.parts(negated(t.update(t.adapter)))
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


def negated(moved: Mapping[str, np.ndarray]) -> Weights:
    """A step of SGD at rate 1 is the gradient, negated."""
    return {name: -value for name, value in moved.items()}


def _row_by_row(t: Trial, plain: Task, limit: float) -> Check:
    """The median error over batches that each repeat one row, whose gradient is that row's."""
    rows = t.order[0][:SINGLE_ROWS]
    few = replace(t, x=t.x[rows], y=t.y[rows], rows=f"{t.rows} at {rows.tolist()}")
    errors = []
    for row in range(len(rows)):
        _, expected = oracle_gradients(few, plain, np.array([row]), t.weights)
        t.adapter.train(few.build(t.adapter, plain), np.full_like(t.order[:1], row))
        got = t.parts(negated(t.update(t.adapter)))
        errors.append(worst("", got, t.parts(expected), limit).error)
    within = sum(error <= limit for error in errors)
    detail = f"median; {within} of {len(errors)} rows within the bound"
    return Check("gradients, row by row", float(np.median(errors)), limit, detail)
