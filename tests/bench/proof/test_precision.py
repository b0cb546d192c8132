"""Certificates under TF32 and bfloat16: the honest oracle passes, faults and pretenders do not."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.base import Precision
from adapters.mutants import arithmetic, arithmetic_inside, augmentation
from adapters.mutants.mutant import Mutant
from adapters.reference.oracle import Reference, round_mantissa
from bench.proof import certify as proof
from bench.proof.bounds import LOWER_CAP, lower_bound
from bench.proof.certify import GROUPS, certify
from bench.proof.checks import Check
from tasks.spec.network import Task
from tests.support.small import SMALL, random_rows

LOWER: tuple[Precision, ...] = ("tf32", "bf16")
# Faults of about the size of bfloat16's own rounding (4e-3) or under it: they cannot be told from
# it by any comparison of single numbers. Under float32 each of them is refused.
WITHIN_ROUNDING = {
    "learning rate 1 % higher",
    "beta 1 of 0.89",
    "beta 2 of 0.99",
    "epsilon of 1e-8",
    "inputs scaled by 0.999",
    "outputs rounded to half precision",
    "TF32 left on",
}
PAIRS = [
    (m, t)
    for m in (*arithmetic.AROUND, *arithmetic_inside.INSIDE, *augmentation.MUTANTS[:3])
    for t in SMALL
    if m.applies(t) and m.name not in WITHIN_ROUNDING
]


@pytest.mark.parametrize(("dropped", "unit"), [(13, 2.0**-11), (16, 2.0**-8)])
def test_rounding_keeps_half_a_unit(dropped: int, unit: float) -> None:
    x = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
    rounded = round_mantissa(x, dropped)
    assert np.max(np.abs(rounded - x) / np.abs(x)) <= unit
    assert np.array_equal(round_mantissa(rounded, dropped), rounded)
    assert np.mean(rounded - x) == pytest.approx(0, abs=unit / 100)


@pytest.mark.parametrize("precision", LOWER)
@pytest.mark.parametrize("task", SMALL, ids=lambda t: t.name)
def test_the_oracle_in_it_passes(task: Task, precision: Precision) -> None:
    certificate = certify(
        Reference(precision=precision), task, *random_rows(task), seed=1, precision=precision
    )
    assert certificate.passed, certificate.reason()


@pytest.mark.parametrize("task", SMALL, ids=lambda t: t.name)
def test_float32_is_no_bfloat16_but_tf32_is_only_leave(task: Task) -> None:
    rows = random_rows(task)
    fine = certify(Reference(precision="fp32"), task, *rows, seed=1, precision="bf16")
    assert fine.reason().startswith("precision:")
    assert certify(Reference(precision="fp32"), task, *rows, seed=1, precision="tf32").passed


@pytest.mark.parametrize("precision", LOWER)
@pytest.mark.parametrize("task", SMALL, ids=lambda t: t.name)
def test_each_lower_precision_is_refused_as_float32(task: Task, precision: Precision) -> None:
    rows = random_rows(task)
    coarse = certify(Reference(precision=precision), task, *rows, seed=1)
    assert not coarse.passed


@pytest.mark.parametrize(("mutant", "task"), PAIRS, ids=lambda x: x.name.replace(" ", "-"))
def test_mutant_is_refused_in_bfloat16(mutant: Mutant, task: Task) -> None:
    adapter = mutant.make(Reference(precision="bf16"))
    assert not certify(adapter, task, *random_rows(task), seed=1, precision="bf16").passed


class Drawn:
    """A trial whose number of the draw is all that its checks know."""

    def __init__(self, errors: list[float], number: int = 0) -> None:
        self.errors, self.number = errors, number

    def redrawn(self, number: int) -> Drawn:
        return Drawn(self.errors, number)


@pytest.mark.parametrize(
    ("errors", "passes"),
    [
        ([0.9, 9, 9, 9, 9], True),
        ([1.1, 0.9, 0.8, 9, 0.7], True),
        ([1.1, 0.9, 1.2, 1.3, 0.7], False),
        ([3.1, 0.1, 0.1, 0.1, 0.1], False),  # too far over its bound to be luck
    ],
)
def test_a_near_miss_is_drawn_again(
    monkeypatch: pytest.MonkeyPatch, errors: list[float], passes: bool
) -> None:
    def lower(group: object, trial: Drawn, precision: Precision) -> list[Check]:
        return [Check("loss", 2e-3 * trial.errors[trial.number], 2e-3)]

    monkeypatch.setattr(proof, "_lower", lower)
    (found,) = proof.lower_settled(GROUPS[0], Drawn(errors), "tf32")  # type: ignore[arg-type]
    assert found.passed is passes


def test_one_rounding_of_a_single_output_is_allowed() -> None:
    check = Check("predictions, one row", 3.8e-3, 5e-6)
    assert proof._widened(check, {check.name: 4e-4}, "bf16")[0].passed
    assert not proof._widened(check, {check.name: 4e-4}, "tf32")[0].passed


def test_bounds_follow_the_oracle_and_are_capped() -> None:
    assert lower_bound(1e-5, 1e-9) == 1e-5
    assert lower_bound(1e-5, 1e-3) == 4e-3
    assert lower_bound(1e-5, 0.2) == LOWER_CAP
