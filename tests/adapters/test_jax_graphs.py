"""Graphs in JAX: what its defaults would make of them is refused.

python -m pytest tests/adapters/test_jax_graphs.py --implementation jax:flax
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest

from adapters.base import Adapter, Unsupported
from adapters.mutants.graphs_of_jax import FAULTS
from adapters.mutants.mutant import Mutant
from adapters.mutants.small_graphs import GRAPHS, graph_rows
from bench.discover import implementations
from bench.proof.certify import certify


@pytest.fixture(scope="module")
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    name = request.config.getoption("--implementation") or ""
    row = next((row for row in implementations() if row.name == name), None)
    if row is None or row.framework != "jax":
        pytest.skip("runs in an environment of JAX, with --implementation")
    yield importlib.import_module(row.module).Contender(row.mode, "cpu", "fp32", 2)


LONG = pytest.mark.long  # they take a while to compile
SOON = ("small-frozen", "small-pixels")
TRIED = [pytest.param(f, marks=[] if f.task in SOON else [LONG], id=f.name) for f in FAULTS]


@pytest.mark.parametrize("fault", TRIED)
def test_what_a_default_would_make_is_refused(adapter: Adapter, fault: Mutant) -> None:
    """By a check of the arithmetic, and not because it stops with an error."""
    task = next(task for task in GRAPHS if task.name == fault.task)
    try:
        faulty = fault.make(adapter)
    except Unsupported as elsewhere:
        pytest.skip(str(elsewhere))
    certificate = certify(faulty, task, *graph_rows(task, 400), seed=1)
    assert not certificate.passed, "it passed: a hole in the proof"
