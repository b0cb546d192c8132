"""Calls as they are timed: many steps in one, several in a row, from several staged sets.

The steps are those of the task from weights that keep units off their kinks (bench.proof.kinks)
and under an optimizer that lets no rounding grow, so that hundreds of them can be compared: with
relu or pools, Adam with an epsilon far over the gradients, which makes a step linear in them; else
one as large as the gradients. Both show which form of Adam it is, and whether epsilon is passed on.

All sets have one shape, and calls few lengths: each further one is a program more to compile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, SupportsFloat

import numpy as np

from adapters.base import Adapter
from bench.proof.bounds import (
    AGAIN_CALLS,
    AGAIN_LONG_CALL,
    CALL_LOSSES,
    CALLS,
    LARGE_EPSILON,
    LONG_CALL,
    OWN_WEIGHTS,
    typical,
)
from bench.proof.checks import Check, count, worst
from bench.proof.gradients import oracle_gradients
from bench.proof.kinks import away_from_kinks
from bench.proof.narrow import STEP_OPERATIONS, cropped, narrowed, step_operations
from bench.proof.prediction import apart, own_outputs
from bench.proof.trial import Trial
from tasks.spec.layers import LSTM, MaxPool2D, SimpleRNN
from tasks.spec.network import Task
from tasks.spec.training import SGD, Adam
from tasks.weights import Weights

# Rates and epsilons. Steps so large that they move a weight by more than its own rounding, and so
# small that on inputs of large norm hundreds of them are no chaos; a recurrent layer multiplies
# what they do along the sequence. Under a pool, whose winners change with the weights, a window won
# by another pixel in float32 makes further ones change where steps are large. In costly networks
# gradients may be 1e-6, so there epsilon is so many times the smallest of them.
CALM_RATE, CALM_RATE_POOLS, CALM_RATE_RECURRENT, CALM_RATE_COSTLY = 5e-4, 2e-5, 2e-3, 1e-2
CALM_RATE_GRAPH = 1e-3
CALM_EPSILON, CALM_RECURRENT, OVER_GRADIENTS = 0.1, 1.0, 10.0
# Of the uneven calls: which staged rows, and how many steps. Uneven, so that steps left over by
# chunks of any size show; two of one length in a row, so that an order or an optimizer kept from
# the first shows; single ones, which take another way in some adapters, one with a row many times.
Rows = Literal["all", "some", "relabelled", "reordered"]
Call = tuple[Rows, int]
SINGLE: tuple[Call, ...] = (("some", 1), ("relabelled", 1), ("reordered", 1), ("all", 1))
USUAL: tuple[Call, ...] = (("all", 37), ("all", 37), ("relabelled", 64), *SINGLE)
COSTLY: tuple[Call, ...] = (("all", 5), ("all", 5), ("relabelled", 7), *SINGLE)
CROWDED = 6  # the call whose batch is one row in its first half
REPEATED = 2  # so many first calls are made once more after another build
FIRST = ("first calls", "repeated calls")
SOME_ROWS = 320  # whole batches of predictions
PREDICT_BATCH = 160


@dataclass(frozen=True)
class _Plan:
    """calls: the rows they are from and their orders, int32 (steps, batch); long: the order of one
    as long as a timed round; start: the weights; first, some: the rows of the first set, and of the
    others."""

    calls: tuple[tuple[Rows, np.ndarray], ...]
    long: np.ndarray
    start: Weights
    first: np.ndarray
    some: np.ndarray


@dataclass
class _Seen:
    """What one adapter did. moved: stretch → by name how far the weights went."""

    losses: list[SupportsFloat] = field(default_factory=list)
    moved: dict[str, Weights] = field(default_factory=dict)
    apart: list[float] = field(default_factory=list)
    changed: dict[str, int] = field(default_factory=dict)


def checks(t: Trial) -> list[Check]:
    """Uneven calls, predictions between; one as long as a timed round; the first ones again."""
    task = t.task
    narrow = narrowed(task)
    is_costly = step_operations(task) > STEP_OPERATIONS
    t = replace(t, whole=narrow, x=cropped(t.x, narrow))
    plan = _plan(t, is_costly)
    pools = any(isinstance(x, MaxPool2D) for x in task.layers)
    rate, epsilon = CALM_RATE_POOLS if pools else CALM_RATE, CALM_EPSILON
    if is_costly and not task.is_graph:
        rate, epsilon = CALM_RATE_COSTLY, _over_gradients(t, plan)
    t = replace(t, whole=calm(narrow, rate, epsilon))
    about = f"calls {[(rows, len(order)) for rows, order in plan.calls]}"
    expected = t.answer(about, lambda: _flat(_run(t, t.oracle, plan)))
    first = _first_calls(t, plan)
    seen = _run(t, t.adapter, plan)
    seen.moved["first calls"] = first
    got = _flat(seen)
    uneven = sum(len(order) for _, order in plan.calls)
    steps = {
        "uneven calls": uneven,
        "long call": uneven + len(plan.long),
        **dict.fromkeys(FIRST, sum(len(order) for _, order in plan.calls[:REPEATED])),
    }
    expected = expected | {
        name.replace(FIRST[1], FIRST[0]): value
        for name, value in expected.items()
        if name.startswith(FIRST[1])
    }
    got |= _beyond_rounding(got, expected, plan.start, steps)
    return [
        *(count(name, changed, "changed later") for name, changed in seen.changed.items()),
        _losses("call losses", got, expected, slice(-1), CALL_LOSSES),
        _update("uneven calls", got, expected, t, CALLS, AGAIN_CALLS),
        Check("predictions between calls", max(seen.apart), OWN_WEIGHTS),
        _losses("long call loss", got, expected, slice(-1, None), CALL_LOSSES),
        _update("long call", got, expected, t, LONG_CALL, AGAIN_LONG_CALL),
        *(_update(name, got, expected, t, CALLS, AGAIN_CALLS) for name in FIRST),
    ]


def _over_gradients(t: Trial, plan: _Plan) -> float:
    """An epsilon over the first batch's gradients, by the parameter that has the smallest."""
    rows = plan.first[plan.calls[0][1][0]]
    _, found = oracle_gradients(t, t.task, rows, plan.start, "weights away from kinks")
    return OVER_GRADIENTS * min(float(np.sqrt(np.mean(value**2))) for value in found.values())


def calm(task: Task, rate: float, epsilon: float) -> Task:
    """The task under an Adam whose epsilon matters, and with kinks one that does not amplify what a
    unit at its kink does; rate and epsilon are that one's."""
    if task.is_graph:
        return task.with_optimizer(SGD(CALM_RATE_GRAPH))
    if not isinstance(task.optimizer, Adam):
        return task
    if not any(isinstance(x, MaxPool2D) or _is_relu(x) for x in task.layers):
        return task.with_optimizer(replace(task.optimizer, epsilon=LARGE_EPSILON))
    if any(isinstance(x, (SimpleRNN, LSTM)) for x in task.layers):
        rate, epsilon = CALM_RATE_RECURRENT, CALM_RECURRENT
    return task.with_optimizer(replace(task.optimizer, learning_rate=rate, epsilon=epsilon))


def _is_relu(layer: Any) -> bool:
    return getattr(layer, "activation", "") == "relu"


def _plan(t: Trial, is_costly: bool) -> _Plan:
    rng = np.random.default_rng((t.seed, 0xCA))
    # The second set begins with the same row as the first: a set is more than its first row.
    rows = 1 + rng.permutation(len(t.x) - 1)
    first, some = (np.concatenate([[0], r]) for r in (rows[: SOME_ROWS - 1], rows[1 - SOME_ROWS :]))
    batch = t.task.batch_size

    def order(steps: int, rows: int) -> np.ndarray:
        drawn = [rng.permutation(rows) for _ in range(-(-steps * batch // rows))]
        return np.concatenate(drawn)[: steps * batch].reshape(steps, batch).astype(np.int32)

    calls = [(rows, order(steps, len(some))) for rows, steps in (COSTLY if is_costly else USUAL)]
    calls[CROWDED][1][:, : batch // 2] = calls[CROWDED][1][0, 0]
    seen = np.union1d(first, some)
    start = t.answer("away from kinks", lambda: away_from_kinks(t, t.x[seen]), by_adam=False)
    start = {name: value.astype(np.float32) for name, value in start.items()}
    long = order(t.task.round_steps, len(first))
    return _Plan(tuple(calls), long, start, first, some)


def _staged(t: Trial, each: Adapter, plan: _Plan) -> dict[Rows, Any]:
    """Four sets, alive together; of one shape, with one first row, with the same inputs."""
    x, y = t.x[plan.some], t.y[plan.some]
    turned = np.concatenate([[0], np.roll(np.arange(1, len(y)), 1)])
    return {
        "all": each.stage(t.x[plan.first], t.y[plan.first]),
        "some": each.stage(x, y),
        "relabelled": each.stage(x, np.roll(y, 1, axis=0)),
        "reordered": each.stage(x[turned], y[turned]),
    }


def _run(t: Trial, each: Adapter, plan: _Plan) -> _Seen:
    """From a build that may keep what `_first_calls` compiled."""
    t.begin_again(each, t.task, plan.start)
    seen, sets = _Seen(), _staged(t, each, plan)
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    orders: list[tuple[np.ndarray, np.ndarray]] = []

    def call(rows: Rows, order: np.ndarray) -> None:
        orders.append((order.copy(), order))
        seen.losses.append(each.train(sets[rows], orders[-1][1]))

    def look(stretch: str) -> None:
        """Predict first: the weights read afterwards must be those it used."""
        outputs = each.predict(sets["some"], PREDICT_BATCH)
        each.wait()
        given = each.weights()
        kept.extend((value, value.copy()) for value in given.values())
        seen.moved[stretch] = {n: given[n].astype(np.float64) - w for n, w in plan.start.items()}
        if each is not t.oracle:
            right = own_outputs(t, t.x[plan.some], given)
            seen.apart.append(apart(outputs, right, float(np.sqrt(np.mean(right**2)))))

    each.predict(sets["some"], PREDICT_BATCH)  # what is remembered of it is out of date from now on
    for number, (rows, order) in enumerate(plan.calls, start=1):
        call(rows, order)
        if number == REPEATED:
            look("repeated calls")
    look("uneven calls")
    early = [float(loss) for loss in seen.losses]
    call("all", plan.long)
    look("long call")
    late = [float(loss) for loss in seen.losses[: len(early)]]
    seen.changed = {
        "weights given out": _differing(kept),
        "losses given out": sum(a != b for a, b in zip(early, late, strict=True)),
        "orders given": _differing(orders),
    }
    return seen


def _first_calls(t: Trial, plan: _Plan) -> Weights:
    """The first calls from a build of their own, after which they are made once more: done again,
    not remembered, and with nothing left of them. How far the weights went."""
    t.begin(t.adapter, t.task, plan.start)
    sets = _staged(t, t.adapter, plan)
    for rows, order in plan.calls[:REPEATED]:
        t.adapter.train(sets[rows], order)
    return t.update(t.adapter, plan.start)


def _differing(pairs: list[tuple[np.ndarray, np.ndarray]]) -> int:
    return sum(not np.array_equal(a, b) for a, b in pairs)


def _flat(seen: _Seen) -> dict[str, np.ndarray]:
    """As the memo keeps it. The long call's move is counted from where it began."""
    uneven, long = seen.moved["uneven calls"], seen.moved["long call"]
    moved = seen.moved | {"long call": {name: long[name] - uneven[name] for name in long}}
    flat = {
        f"{stretch}: {name}": v for stretch, by_name in moved.items() for name, v in by_name.items()
    }
    return flat | {"losses": np.array([float(loss) for loss in seen.losses])}


def _losses(
    name: str,
    got: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    which: slice,
    limit: float,
) -> Check:
    a, b = got["losses"][which], expected["losses"][which]
    return Check(name, float(np.max(np.abs(a - b) / np.abs(b))), limit, again_up_to=AGAIN_CALLS)


def _beyond_rounding(
    got: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    start: Weights,
    steps: Mapping[str, int],
) -> dict[str, np.ndarray]:
    """The moves, nearer to the oracle's by what storing the weights after each step may lose.

    Each step rounds a weight to float32: half a unit in its last place, in a random direction.
    Where steps are small beside the weight that is a large part of the move, in honest work too.
    """
    found = {}
    for stretch, count_ in steps.items():
        for name, weight in start.items():
            key = f"{stretch}: {name}"
            largest = np.maximum(np.abs(weight), np.abs(weight + expected[key]))
            lost = 0.5 * np.sqrt(count_) * np.spacing(largest.astype(np.float32))
            apart_ = got[key] - expected[key]
            beyond = np.sign(apart_) * np.maximum(np.abs(apart_) - lost, 0.0)
            found[key] = expected[key] + beyond
    return found


def _update(
    stretch: str,
    got: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    t: Trial,
    limit: float,
    again: float,
) -> Check:
    begin = f"{stretch}: "
    if t.whole.proof is not None:  # a task that float32 follows less far says how far
        limit = max(limit, t.whole.proof.typical)
    a, b = (
        t.parts({n.removeprefix(begin): v for n, v in moved.items() if n.startswith(begin)})
        for moved in (got, expected)
    )
    return worst(stretch, a, b, limit, typical, again)
