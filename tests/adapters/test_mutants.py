"""The certificate must refuse every mutant, on every family where its fault can show."""

from __future__ import annotations

import pytest

from adapters.mutants.inside import REFERENCE
from adapters.mutants.wrapped import WRAPPED, Mutant
from adapters.reference.oracle import Reference
from bench.proof.certify import certify
from tasks.spec.network import Task
from tests.support.small import FNN, SMALL, random_rows

PAIRS = [(m, t) for m in WRAPPED + REFERENCE for t in SMALL if m.applies(t)]


@pytest.mark.parametrize("task", SMALL, ids=lambda t: t.name)
def test_the_honest_reference_passes(task: Task) -> None:
    certificate = certify(Reference(precision="fp32"), task, *random_rows(task), seed=1)
    assert certificate.passed, certificate.reason()


@pytest.mark.parametrize(("mutant", "task"), PAIRS, ids=lambda x: x.name.replace(" ", "-"))
def test_mutant_is_refused(mutant: Mutant, task: Task) -> None:
    adapter = mutant.make(Reference(precision="fp32"))
    assert not certify(adapter, task, *random_rows(task), seed=1).passed


def test_the_catalogue_is_large_enough() -> None:
    names = {m.name for m in WRAPPED + REFERENCE}
    assert len(names) == len(WRAPPED + REFERENCE) >= 25
    assert sum(m.applies(FNN) for m in WRAPPED + REFERENCE) >= 10
