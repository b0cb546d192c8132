"""What an adapter has no form of it refuses, with `Unsupported` and its name, when it is built.

python -m pytest tests/adapters/test_unknown_layer.py --implementation pytorch:eager
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from adapters.base import Adapter, Unsupported
from adapters.mutants.small_graphs import GRAPHS
from bench.discover import implementations, tuners
from tasks.spec.graph import chain
from tasks.spec.layers import Dense, Flatten, Layer, SimpleRNN
from tasks.spec.network import Task
from tasks.weights import initial_weights
from tests.support.small import CNN, FNN, RNN


@dataclass(frozen=True)
class Strange(Layer):
    """A layer no adapter knows: (N, units) → the same."""


@dataclass(frozen=True)
class Wander:
    """An optimizer no adapter knows."""

    learning_rate: float = 0.1


ODD: Any = "odd"  # neither an activation nor a loss
PLAIN = replace(FNN, layers=(Flatten(), Dense(6, "relu"), Dense(10)))
STRANGE: Any = Strange()
WANDER: Any = Wander()


def with_layers(task: Task, *layers: Layer) -> Task:
    return replace(task, layers=layers)


UNKNOWN: dict[str, tuple[Task, str | None]] = {
    "layer": (with_layers(PLAIN, *PLAIN.layers, STRANGE), "Strange"),
    "activation": (with_layers(PLAIN, Flatten(), Dense(6, ODD), Dense(10)), "odd"),
    "activation-of-rnn": (with_layers(RNN, SimpleRNN(4, ODD), Dense(1)), "odd"),
    "activation-of-cnn": (
        with_layers(CNN, replace(CNN.layers[0], activation=ODD), *CNN.layers[1:]),
        "odd",
    ),
    "loss": (replace(PLAIN, loss=ODD), "odd"),
    "optimizer": (PLAIN.with_optimizer(WANDER), "Wander"),
    "layer-of-a-graph": (
        replace(PLAIN, layers=(), network=chain((*PLAIN.layers, STRANGE))),
        "Strange",
    ),
}
"""What is unknown → a task with it, and the word that the refusal must hold."""


@pytest.fixture(scope="module")
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    name = request.config.getoption("--implementation")
    if not name:
        pytest.skip("runs in a framework's environment, with --implementation")
    row = next(i for i in implementations() + tuners() if i.name == name)
    yield importlib.import_module(row.module).Contender(row.mode, "cpu", "fp32", 2)


@pytest.mark.parametrize("task", GRAPHS, ids=lambda task: task.name)
def test_a_graph_is_built_or_refused_by_name(adapter: Adapter, task: Task) -> None:
    try:
        adapter.build(task, initial_weights(task, 3), 0)
    except Unsupported as refusal:
        assert any(word in str(refusal) for word in ("layer", "optimizer", "loss"))


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_what_is_unknown_is_refused_by_name(adapter: Adapter, unknown: str) -> None:
    task, word = UNKNOWN[unknown]
    known = PLAIN if task.family == "fnn" else RNN if task.family == "rnn" else CNN
    try:
        adapter.build(known, initial_weights(known, 3), 0)
    except Unsupported:
        word = None  # it does nothing of the kind, and says so in its own words
    with pytest.raises(Unsupported, match=word):
        adapter.build(task, initial_weights(task, 3), 0)
