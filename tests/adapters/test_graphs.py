"""Small graphs, one of every mechanism: certified in an implementation, or refused by name.

python -m pytest tests/adapters/test_graphs.py --implementation pytorch:eager
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest

from adapters.base import Adapter, Unsupported
from adapters.mutants.small_graphs import GRAPHS, RESIDUAL, graph_rows
from adapters.reference.oracle import Reference
from bench.discover import implementations
from bench.proof.certify import certify
from tasks.spec.network import Task


@pytest.fixture(scope="module")
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    name = request.config.getoption("--implementation")
    if not name:
        yield Reference(precision="fp32")
        return
    row = next(i for i in implementations() if i.name == name)
    yield importlib.import_module(row.module).Contender(row.mode, "cpu", "fp32", 2)


@pytest.mark.parametrize("task", GRAPHS, ids=lambda task: task.name)
def test_a_small_graph_is_certified(adapter: Adapter, task: Task) -> None:
    x, y = graph_rows(task, 400)
    try:
        certificate = certify(adapter, task, x, y, seed=1)
    except Unsupported as refusal:
        pytest.skip(str(refusal))
    assert certificate.passed, certificate.reason()
    kinds = {check.kind for check in certificate.checks}
    assert kinds >= {"forward", "trajectory", "prediction", "gradients", "drawn", "calls"}
    if task is RESIDUAL:
        names = [check.name for check in certificate.checks]
        assert {"running statistics", "running statistics, one step"} <= set(names)
