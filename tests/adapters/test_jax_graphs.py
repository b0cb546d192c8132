"""Graphs in JAX: what its defaults would make of them is refused.

python -m pytest tests/adapters/test_jax_graphs.py --implementation jax:flax
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest

from adapters.base import Adapter
from adapters.mutants.in_jax_graphs import FAULTS, InMode
from adapters.mutants.small_graphs import graph_rows
from bench.discover import implementations
from bench.proof.certify import certify


@pytest.fixture(scope="module")
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    name = request.config.getoption("--implementation") or ""
    row = next((row for row in implementations() if row.name == name), None)
    if row is None or row.framework != "jax":
        pytest.skip("runs in an environment of JAX, with --implementation")
    yield importlib.import_module(row.module).Contender(row.mode, "cpu", "fp32", 2)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.mutant.name.replace(" ", "-"))
def test_what_a_default_would_make_is_refused(
    adapter: Adapter, fault: InMode, request: pytest.FixtureRequest
) -> None:
    """By a check of the arithmetic, and not because it stops with an error."""
    if request.config.getoption("--implementation") != f"jax:{fault.mode}":
        pytest.skip(f"lives in jax:{fault.mode}")
    x, y = graph_rows(fault.task, 400)
    certificate = certify(fault.mutant.make(adapter), fault.task, x, y, seed=1)
    assert not certificate.passed, "it passed: a hole in the proof"
