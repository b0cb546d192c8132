"""What the certificate makes of dropout's masks: honest draws pass, each way to cheat is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from adapters.reference.oracle import Reference
from bench.proof.certify import certify
from bench.proof.dropout import SINGLE, STEPS, Masks, judged
from tasks.spec.layers import Dense, Dropout
from tests.support.small import FNN, random_rows

ROWS, VALUES = 32, 128
Draw = Callable[[np.random.Generator, float], np.ndarray]


def masks(draw: Draw, rate: float, seed: int = 0) -> Masks:
    """What would be read of masks drawn so; `draw` gives one step's, (ROWS, VALUES) booleans."""
    rng = np.random.default_rng(seed)
    single = np.stack([draw(rng, rate) for _ in range(SINGLE)]).astype(float)
    summed = np.stack([sum(draw(rng, rate).astype(float) for _ in range(STEPS)) for _ in "ab"])
    return Masks(rate, single, summed)


def honest(rng: np.random.Generator, rate: float) -> np.ndarray:
    return rng.random((ROWS, VALUES)) >= rate


def rows_alike(rng: np.random.Generator, rate: float) -> np.ndarray:
    return np.repeat(rng.random((1, VALUES)) >= rate, ROWS, axis=0)


def whole_rows(rng: np.random.Generator, rate: float) -> np.ndarray:
    return np.repeat(rng.random((ROWS, 1)) >= rate, VALUES, axis=1)


def fixed_count(rng: np.random.Generator, rate: float) -> np.ndarray:
    return np.argsort(rng.random((ROWS, VALUES)), axis=1) >= round(rate * VALUES)


def turned(rng: np.random.Generator, rate: float) -> np.ndarray:
    first = rng.random(VALUES) >= rate
    return np.stack([np.roll(first, 3 * row) for row in range(ROWS)])


def failed(read: Masks) -> list[str]:
    return [check.name for check in judged(read, "d") if not check.passed]


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5, 0.8])
def test_honest_masks_pass(rate: float) -> None:
    wronged = [seed for seed in range(40) if failed(masks(honest, rate, seed))]
    assert not wronged


@pytest.mark.parametrize(
    ("draw", "name"),
    [
        (rows_alike, "d from row to row"),
        (whole_rows, "d from value to value"),
        (fixed_count, "d count in a row"),
        (turned, "d shifted from row to row"),
    ],
)
def test_masks_that_are_no_independent_draws_are_named(draw: Draw, name: str) -> None:
    assert name in failed(masks(draw, 0.5))


def test_one_mask_for_all_steps_of_a_call_is_named() -> None:
    read = masks(honest, 0.5)
    summed = np.stack([STEPS * honest(np.random.default_rng(n), 0.5) for n in (7, 8)]).astype(float)
    assert "d within a call" in failed(replace(read, summed=summed))


def test_masks_begun_anew_in_each_call_are_named() -> None:
    read = masks(honest, 0.5)
    again = replace(read, single=read.single[[0] * SINGLE], summed=read.summed[[0, 0]])
    assert {"d from step to step", "d from call to call"} <= set(failed(again))


def test_another_scale_is_named() -> None:
    read = masks(honest, 0.5)
    assert failed(replace(read, single=read.single * 1.01)) == ["d scale"]


def test_a_dropout_anywhere_is_read() -> None:
    """On the inputs, after a flatten, and two in one network, each at its own rate."""
    layers = (Dropout(0.2), *FNN.layers[:2], Dropout(0.4), Dense(12, "tanh"), Dropout(0.6))
    task = replace(FNN, layers=(*layers, Dense(10)))
    certificate = certify(Reference(precision="fp32"), task, *random_rows(task), seed=1)
    assert certificate.passed, certificate.reason()
    read = {check.name for check in certificate.checks if check.name.endswith("rate")}
    assert read == {"0_dropout rate", "3_dropout rate", "5_dropout rate"}
