"""What is particular of MXNet in tasks that are graphs.

python -m pytest tests/adapters/test_mxnet_graphs.py --implementation mxnet:hybrid
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from adapters.base import Unsupported
from adapters.mutants.in_mxnet import FAULTS
from adapters.mutants.mutant import Mutant
from adapters.mutants.small_graphs import ADVERSARIES, FROZEN, GATES, GRAPHS, RESIDUAL, graph_rows
from bench.discover import implementations
from bench.proof.certify import certify
from tasks.spec.graph import Node, chain
from tasks.spec.layers import Conv2D, Dense, Flatten
from tasks.spec.network import Task
from tasks.spec.normalization import BatchNorm
from tasks.spec.training import AdamW, Term, WarmupCosine
from tasks.weights import initial_weights

NORM = BatchNorm(0.9, 1e-3)
UNTRAINED = replace(
    FROZEN,
    name="a batch norm that no update moves",
    network=chain((Conv2D(3, 3, "relu"), NORM, Flatten(), Dense(6, "relu"), Dense(5))),
)


def _generator_with_norm() -> Task:
    """Its first update goes through the generator and moves nothing there but statistics."""
    noise, dense, *others = (
        node for node in ADVERSARIES.network if not node.name.startswith(("other", "fooled"))
    )
    first, second = ADVERSARIES.updates
    return replace(
        ADVERSARIES,
        name="a batch norm in the generator",
        network=(
            noise,
            replace(dense, layer=Dense(8, bias=False)),
            Node("norm", NORM, ("dense",)),
            *(replace(n, reads=("norm",)) if n.reads == ("dense",) else n for n in others),
        ),
        updates=(
            first,
            replace(
                second,
                terms=(Term("made3", "binary_crossentropy", 1.0),),
                moves=("dense", "norm", "fake"),
            ),
        ),
    )


@pytest.fixture(scope="module")
def adapter(request: pytest.FixtureRequest) -> Iterator[Any]:
    name = request.config.getoption("--implementation")
    row = next((one for one in implementations() if one.name == name), None)
    if row is None or row.framework != "mxnet":
        pytest.skip("runs in MXNet's environment, with --implementation")
    # One thread: with several the tuned modes have the engine that does one operation at a time.
    yield importlib.import_module(row.module).Contender(row.mode, "cpu", "fp32", 1)


@pytest.mark.parametrize(
    "task", [UNTRAINED, _generator_with_norm()], ids=lambda task: task.name.replace(" ", "-")
)
def test_running_statistics_move_where_nothing_is_trained(adapter: Any, task: Task) -> None:
    """MXNet moves them in the backward pass, which must go there all the same."""
    certificate = certify(adapter, task, *graph_rows(task, 400), seed=1)
    assert certificate.passed, certificate.reason()


def test_a_shared_batch_norm_is_refused(adapter: Any) -> None:
    """In the backward pass the last use moves the statistics first."""
    first = next(node for node in RESIDUAL.network if isinstance(node.layer, BatchNorm))
    again = Node("again", first.layer, (first.name,), shares=first.name)
    readers = (
        replace(n, reads=("again",)) if n.reads == (first.name,) else n for n in RESIDUAL.network
    )
    nodes = [part for n in readers for part in ((n, again) if n.name == first.name else (n,))]
    task = replace(RESIDUAL, network=tuple(nodes))
    with pytest.raises(Unsupported, match="shared BatchNorm"):
        adapter.build(task, initial_weights(task, 3), 0)


def test_the_second_bias_of_gates_stays_zero(adapter: Any) -> None:
    adapter.build(GATES, initial_weights(GATES, 3), 0)
    adapter.train(adapter.stage(*graph_rows(GATES, 40)), np.arange(16, dtype=np.int32)[None])
    network = adapter._graph.network
    biases = [
        parameter
        for block in network.own.values()
        for parameter in block.collect_params(".*h2h_bias").values()
    ]
    assert len(biases) == 6
    assert not any(bias.data().asnumpy().any() for bias in biases)


def test_the_schedule_is_the_tasks_own(adapter: Any) -> None:
    """MXNet's count is 1 at the first step, and its cosine's length includes the warm-up."""
    training = importlib.import_module("adapters.mxnet.graph_training")
    schedule = WarmupCosine(4, 16, 0.1)
    made = training.optimizer_of(AdamW(0.01, 0.1, schedule=schedule)).lr_scheduler
    rates = [made(step) for step in range(1, 25)]
    assert rates == pytest.approx([0.01 * schedule.factor(step) for step in range(1, 25)])


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_its_faults_are_refused(adapter: Any, fault: Mutant) -> None:
    task = next(one for one in GRAPHS if fault.applies(one))
    assert not certify(fault.make(adapter), task, *graph_rows(task, 400), seed=1).passed
