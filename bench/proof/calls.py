"""Calls as they are timed: many steps in one, several in a row, other rows staged in between.

The steps are those of the task under an optimizer that lets no rounding grow, so that hundreds of
them can be compared: with relu or pools, Adam with an epsilon far over the gradients, which makes a
step linear in them; else the task's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from adapters.base import Adapter
from bench.proof.bounds import AGAIN_CALLS, AGAIN_LONG_CALL, CALLS, LONG_CALL, typical
from bench.proof.checks import Check, count, worst
from bench.proof.narrow import STEP_OPERATIONS, narrowed, step_operations
from bench.proof.trial import Trial
from tasks.spec.layers import MaxPool2D
from tasks.spec.network import Task
from tasks.spec.training import Adam
from tasks.weights import Weights

CALM_RATE, CALM_EPSILON = 0.03, 1.0
# Uneven, so that steps left over by chunks of any size show; two of one length, so that an order or
# an optimizer kept from the first shows; single ones, which take another way in some adapters.
SIZES, SIZES_OF_COSTLY = (37, 37, 1, 1, 64), (5, 5, 1, 1, 7)
OTHER_ROWS = 300
AT_OTHER = 2  # which call trains on the other staged rows


@dataclass(frozen=True)
class _Plan:
    """Which calls are made: their orders (steps, batch), and the rows of the second staged set."""

    task: Task
    orders: tuple[np.ndarray, ...]
    long: np.ndarray
    other: np.ndarray


def checks(t: Trial) -> list[Check]:
    """Uneven calls, a prediction between; then one as long as a timed round."""
    task = calm(narrowed(t.task))
    t = replace(t, whole=task)
    plan = _plan(t)
    expected = t.answer(f"calls {[len(o) for o in plan.orders]}", lambda: _oracle(t, plan))
    got, changed = _run(t, t.adapter, plan)
    found = [
        count("weights given out", changed, "arrays that changed after they were given out"),
        _losses("call losses", got, expected, "even"),
        _update("uneven calls", got, expected, t, CALLS, AGAIN_CALLS),
        _losses("long call loss", got, expected, "long", LONG_CALL),
        _update("long call", got, expected, t, LONG_CALL, AGAIN_LONG_CALL),
    ]
    return found


def calm(task: Task) -> Task:
    """The task under an optimizer that does not amplify what one unit at its kink does."""
    kinks = any(
        isinstance(x, MaxPool2D) or getattr(x, "activation", "") == "relu" for x in task.layers
    )
    if not kinks or not isinstance(task.optimizer, Adam):
        return task
    return task.with_optimizer(
        replace(task.optimizer, learning_rate=CALM_RATE, epsilon=CALM_EPSILON)
    )


def _plan(t: Trial) -> _Plan:
    costly = step_operations(t.task) > STEP_OPERATIONS
    sizes = SIZES_OF_COSTLY if costly else SIZES
    rng = np.random.default_rng((t.seed, 0xCA))
    other = rng.permutation(len(t.x))[:OTHER_ROWS]

    def order(steps: int, rows: int) -> np.ndarray:
        drawn = [rng.permutation(rows) for _ in range(-(-steps * t.task.batch_size // rows))]
        flat = np.concatenate(drawn)[: steps * t.task.batch_size]
        return flat.reshape(steps, -1).astype(np.int32)

    among = [len(other) if n == AT_OTHER else len(t.x) for n in range(len(sizes))]
    orders = tuple(order(steps, rows) for steps, rows in zip(sizes, among, strict=True))
    return _Plan(t.task, orders, order(t.task.round_steps, len(t.x)), other)


def _oracle(t: Trial, plan: _Plan) -> Mapping[str, np.ndarray]:
    return _run(t, t.oracle, plan)[0]


def _run(t: Trial, each: Adapter, plan: _Plan) -> tuple[dict[str, np.ndarray], int]:
    """Losses and moves; and how many arrays, once given out, were changed by what came later."""
    first = t.build(each, plan.task)
    other = each.stage(t.x[plan.other], t.y[plan.other])
    losses = []
    kept: list[tuple[Weights, Weights]] = []
    for number, order in enumerate(plan.orders):
        losses.append(float(each.train(other if number == AT_OTHER else first, order)))
        if number in (0, AT_OTHER):
            each.predict(other, 64)
            given = each.weights()
            kept.append((given, {name: value.copy() for name, value in given.items()}))
    moved = t.update(each)
    long_loss = float(each.train(first, plan.long))
    after = t.update(each)
    found = {f"even {name}": value for name, value in moved.items()}
    found |= {f"long {name}": after[name] - moved[name] for name in moved}
    found |= {"losses even": np.array(losses), "losses long": np.array([long_loss])}
    changed = sum(not np.array_equal(a[name], b[name]) for a, b in kept for name in a)
    return found, changed


def _losses(
    name: str,
    got: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    stretch: str,
    limit: float = CALLS,
) -> Check:
    a, b = got[f"losses {stretch}"], expected[f"losses {stretch}"]
    return Check(name, float(np.max(np.abs(a - b) / np.abs(b))), limit, again_up_to=AGAIN_CALLS)


def _update(
    name: str,
    got: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    t: Trial,
    limit: float,
    again: float,
) -> Check:
    stretch = "even " if name == "uneven calls" else "long "
    a, b = (
        t.parts({n.removeprefix(stretch): v for n, v in moved.items() if n.startswith(stretch)})
        for moved in (got, expected)
    )
    return worst(name, a, b, limit, typical, again)
