"""Dropout's masks, read one by one: their rate, scale and place, and that each is a new draw.

A mean loss would show a wrong rate and little else. Here everything before a dropout is made
constant and what follows reads it (bench.proof.probe), so that every value of the mask is seen for
every row of a batch, in single steps; and over a call of several steps, how often each was kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log, prod, sqrt

import numpy as np

from adapters.reference.oracle import Reference
from bench.proof.bounds import MASK_SCALE, MASKED_GRADIENTS, STANDARD_ERRORS, relative
from bench.proof.checks import Check, worst
from bench.proof.probe import nothing, reading_kernel, reading_task, values
from bench.proof.trial import Trial
from tasks.spec.layers import Dropout, Layer
from tasks.spec.network import Task, output_shapes
from tasks.spec.training import SGD
from tasks.weights import Weights

STEPS, SINGLE = 8, 6
SMALL_WEIGHT = 1e-2


@dataclass(frozen=True)
class Masks:
    """What was read of one dropout, in units of a kept value: 1 where kept, 0 where dropped.

    single: (SINGLE, rows, values) of calls of one step; summed: the same of two of `STEPS`.
    """

    rate: float
    single: np.ndarray
    summed: np.ndarray


def checks(t: Trial) -> list[Check]:
    """For each dropout of the task that drops anything."""
    found = []
    for index, layer in enumerate(t.whole.layers):
        if isinstance(layer, Dropout) and layer.rate > 0:
            name = f"{index}_dropout"
            found += [*judged(_read(t, index, layer.rate), name), *_backward(t, index, name)]
    return found


def judged(masks: Masks, name: str) -> list[Check]:
    """Scale, rate, and four kinds of independence, in standard errors of an honest draw."""
    kept = masks.single > 0.5
    off = float(np.max(np.abs(masks.single - kept)))
    pairs = {
        "from step to step": _agreement(kept[::2], kept[1::2], masks.rate),
        "from row to row": _agreement(*_halves(kept, 1), masks.rate),
        "from value to value": _agreement(*_halves(kept, 2), masks.rate),
        "count in a row": _dispersion(kept, 2, masks.rate),
        "count of a value": _dispersion(kept, 1, masks.rate),
        "shifted from row to row": _shifted(kept[:, :-1], kept[:, 1:], masks.rate),
        "shifted from step to step": _shifted(kept[::2], kept[1::2], masks.rate),
        "within a call": _spread(masks.summed, masks.rate),
        "from call to call": _correlation(masks.summed, masks.rate),
    }
    rate = Check(
        f"{name} rate", _rate(masks), STANDARD_ERRORS, f"for {masks.rate}", unit="standard errors"
    )
    return [
        Check(f"{name} scale", off, MASK_SCALE, "kept values are scaled by 1 / (1 - rate)"),
        rate,
        *(
            Check(
                f"{name} {where}",
                error,
                STANDARD_ERRORS,
                "by the masks read",
                unit="standard errors",
            )
            for where, error in pairs.items()
        ),
    ]


def _read(t: Trial, index: int, rate: float) -> Masks:
    task, weights, constant = _probe(t, index)
    rows = task.batch_size
    x = np.ones((rows, *task.input_shape), task.input_dtype)
    t.adapter.build(task, weights, t.seed)
    data = t.adapter.stage(x, np.arange(rows, dtype=np.int32))
    order = np.arange(rows, dtype=np.int32)[None]
    seen, before = [], weights
    for steps in (*[1] * SINGLE, STEPS, STEPS):
        t.adapter.predict(data, rows)  # after which it must be on again
        t.adapter.train(data, np.repeat(order, steps, axis=0))
        t.adapter.wait()
        after = {name: value.copy() for name, value in t.adapter.weights().items()}
        seen.append(values(task, before, after) / constant * (1 - rate))
        before = after
    return Masks(rate, np.stack(seen[:SINGLE]), np.stack(seen[SINGLE:]))


class _Given:
    """Stands for the oracle's random numbers, so that it drops what the contender dropped."""

    def __init__(self, kept: np.ndarray) -> None:
        self.kept = kept

    def random(self, shape: tuple[int, ...]) -> np.ndarray:
        if prod(shape) != self.kept.size:  # of a dropout before, whose rate here is zero
            return np.ones(shape)
        return self.kept.reshape(shape).astype(np.float64)  # kept: 1, over any rate; dropped: 0


def _backward(t: Trial, index: int, name: str) -> list[Check]:
    """The gradients of one step through small weights, against the oracle under the same mask,
    which is read from that very step: the mask holds in both directions."""
    task, weights, constant = _probe(t, index)
    task = task.with_optimizer(SGD(1.0))
    rng = np.random.default_rng((t.seed, 0xD0))
    last = reading_kernel(task)
    weights[last] = (SMALL_WEIGHT * rng.standard_normal(weights[last].shape)).astype(np.float32)
    rows = task.batch_size
    x = np.ones((rows, *task.input_shape), task.input_dtype)
    y = np.arange(rows, dtype=np.int32)
    t.adapter.build(task, weights, t.seed)
    t.adapter.train(t.adapter.stage(x, y), y[None])
    got = {n: -v for n, v in t.update(t.adapter, weights).items()}
    apart = got[last][:, -1:] - got[last][:, :-1]
    dropped = t.whole.layers[index]
    assert isinstance(dropped, Dropout)
    kept = apart.T * rows / constant * (1 - dropped.rate) > 0.5
    oracle = Reference(adam=t.oracle.adam_form)
    oracle.build(task, weights, 0)
    oracle.rng = _Given(kept)  # type: ignore[assignment]
    _, expected = oracle.gradients(x, y)
    below = {n: v for n, v in expected.items() if np.any(v)}
    return [worst(f"{name} gradients", got, below, MASKED_GRADIENTS, relative)]


def _probe(t: Trial, index: int) -> tuple[Task, Weights, np.ndarray]:
    """The task up to that dropout and what reads it; its weights; the constant values it drops."""
    body: tuple[Layer, ...] = tuple(
        Dropout(0.0) if isinstance(x, Dropout) else x for x in t.whole.layers[:index]
    )
    rows = t.whole.batch_size
    dropped = (*body, t.whole.layers[index])
    task = reading_task(t.whole, "dropout-probe", t.whole.input_shape, dropped, rows, rows)
    task = replace(task, augmentation=None)
    weights = nothing(task)
    last = len(task.layers) - 1
    for name, value in weights.items():
        if not name.startswith(f"{last}_") and name.split("/")[1] in ("bias", "table"):
            value[...] = 1.0
    return task, weights, _constant(t, task, body, weights)


def _constant(t: Trial, task: Task, body: tuple[Layer, ...], weights: Weights) -> np.ndarray:
    """(1, values): what reaches the dropout, the same for every row."""
    if not body:
        return np.ones((1, prod(task.input_shape)))
    plain = replace(task, layers=body)
    names = tuple(f"{n}_" for n in range(len(body)))
    used = {name: value for name, value in weights.items() if name.startswith(names)}
    t.oracle.build(plain, used, 0)
    x = np.ones((1, *task.input_shape), task.input_dtype)
    outputs = t.oracle.predict((x, None), 1)
    assert outputs.shape[1:] == output_shapes(plain)[-1]
    return outputs.reshape(1, -1)


def _halves(kept: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Neighbours along an axis, each in one pair only, so that pairs are independent."""
    even = kept.shape[axis] // 2 * 2
    first = np.take(kept, range(0, even, 2), axis)
    return first, np.take(kept, range(1, even, 2), axis)


def _agreement(a: np.ndarray, b: np.ndarray, rate: float) -> float:
    """Standard errors by which two masks agree more or less often than independent ones."""
    if not a.size:
        return 0.0
    expected = rate**2 + (1 - rate) ** 2
    return abs(float(np.mean(a == b)) - expected) / sqrt(expected * (1 - expected) / a.size)


def _dispersion(kept: np.ndarray, axis: int, rate: float) -> float:
    """Standard errors by which the counts kept along an axis vary more or less than a binomial: a
    fixed count does not vary at all."""
    return _excess(kept.sum(axis=axis), kept.shape[axis], rate)


def _excess(counts: np.ndarray, of: int, rate: float) -> float:
    """Standard errors between the variance of `counts`, each out of `of`, and a binomial's."""
    each = rate * (1 - rate)
    squares = (counts - of * (1 - rate)) ** 2 / (of * each)
    variance = 2 + (1 - 6 * each) / (of * each)  # of one such square, by the fourth moment
    return abs(float(squares.mean()) - 1) / sqrt(variance / squares.size)


def _shifted(a: np.ndarray, b: np.ndarray, rate: float) -> float:
    """The largest correlation, in standard errors, between masks of which one is turned by any
    number of values. Some as large is expected of so many turns: taken off is what chance gives."""
    first, second = (np.fft.rfft((m - (1 - rate)) / sqrt(rate * (1 - rate))) for m in (a, b))
    turned = np.fft.irfft(first.conj() * second, n=a.shape[-1])
    sums = turned.reshape(-1, a.shape[-1]).sum(axis=0) / sqrt(a.size)
    return max(0.0, float(np.max(np.abs(sums))) - sqrt(2 * log(max(2, a.shape[-1]))) / 2)


def _rate(masks: Masks) -> float:
    """Standard errors between the values kept in all calls and what the rate lets expect."""
    draws = masks.single.size + STEPS * masks.summed.size
    kept = float((masks.single > 0.5).sum() + np.rint(masks.summed).sum())
    return abs(kept - draws * (1 - masks.rate)) / sqrt(draws * masks.rate * (1 - masks.rate))


def _spread(summed: np.ndarray, rate: float) -> float:
    """Standard errors by which the counts' variance leaves a binomial's: one mask for all steps has
    that many times the variance, the same number of kept steps everywhere none."""
    return _excess(np.rint(summed), STEPS, rate)


def _correlation(summed: np.ndarray, rate: float) -> float:
    """Standard errors by which the counts of two calls go together: masks begun anew in each."""
    apart = (np.rint(summed) - STEPS * (1 - rate)) / sqrt(STEPS * rate * (1 - rate))
    return abs(float(np.mean(apart[0] * apart[1]))) * sqrt(apart[0].size)
