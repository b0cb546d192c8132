"""The documented row of JAX runs the code of its programs, and nothing beside it.

python -m pytest tests/adapters/test_documented_jax.py --implementation jax:flax
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.discover import implementations
from tasks.catalogue.every import TASKS
from tasks.spec.layers import Dropout
from tasks.spec.network import Task, parameter_shapes
from tasks.weights import initial_weights
from tests.support.small import CNN, FNN, LSTM_WORDS, RNN, random_rows

OWN = ("fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-imdb")
own_task = pytest.mark.parametrize(
    "task", [task for task in TASKS if task.name in OWN], ids=lambda task: task.name
)
ORDER = np.arange(32, dtype=np.int32).reshape(2, 16)


@pytest.fixture(scope="module")
def adapter(request: pytest.FixtureRequest) -> Iterator[Any]:
    name = request.config.getoption("--implementation")
    row = next((one for one in implementations() if one.name == name), None)
    if row is None or (row.framework, row.division) != ("jax", "documented"):
        pytest.skip("runs in the environment of jax:flax, with --implementation")
    yield importlib.import_module(row.module).Contender(row.mode, "cpu", "fp32", 2)


def documented_model() -> Any:
    pytest.importorskip("flax")
    return importlib.import_module("adapters.jax.documented_model")


def kinds(made: Any, model: Any) -> list[tuple[Any, ...]]:
    """Its layers with parameters, in order: the class, a recurrent cell's class and activation,
    and the shape of each parameter."""
    return [
        (
            type(layer),
            type(getattr(layer, "cell", None)),
            getattr(getattr(layer, "cell", None), "activation_fn", None),
            *(parameter.shape for parameter in made._parameters(layer)),
        )
        for layer in made.layers(model)
    ]


@own_task
def test_the_general_network_is_the_programs(task: Task) -> None:
    made = documented_model()
    program, general = made.program_of(task.family).model(), made.general(task, 0)
    assert kinds(made, program) == kinds(made, general)
    theirs, ours = made.canonical(task, program), made.canonical(task, general)
    for name, parameter in ours.items():
        parameter[...] = theirs[name][...]
    x, y = random_rows(task, rows=4)
    inputs, _ = made.rows(task, x, y)
    assert np.array_equal(program(inputs), general(inputs))


@own_task
def test_the_programs_task_runs_the_programs_network(task: Task) -> None:
    made = documented_model()
    own = type(made.program_of(task.family).model())
    assert type(made.network(task, 0)) is own
    wider = replace(task, layers=(*task.layers[:-1], Dropout(0.5), task.layers[-1]))
    assert type(made.network(wider, 0)) is type(made.general(wider, 0)) is not own


@own_task
def test_parameters_are_in_the_tasks_order_and_layout(task: Task) -> None:
    made = documented_model()
    parameters = made.canonical(task, made.network(task, 0))
    assert {name: value.shape for name, value in parameters.items()} == parameter_shapes(task)


@pytest.mark.parametrize("task", [FNN, CNN, RNN, LSTM_WORDS], ids=lambda task: task.name)
def test_training_and_prediction_are_the_programs_own(
    task: Task, adapter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = documented_model().program_of(task.family)
    x, y = random_rows(task, rows=40)
    adapter.build(task, initial_weights(task, 3), 0)
    data = adapter.stage(x, y)
    calls: list[str] = []

    def watch(name: str) -> None:
        own = getattr(program, name)

        def watched(*arguments: Any) -> Any:
            calls.append(name)
            return own(*arguments)

        monkeypatch.setattr(program, name, watched)

    for name in ("train_epoch", "train_step", "outputs", "forward"):
        watch(name)
    before = adapter.weights()
    adapter.train(data, ORDER)
    assert calls == ["train_epoch"] + len(ORDER) * ["train_step"]
    assert all(not np.array_equal(before[name], now) for name, now in adapter.weights().items())
    adapter.predict(data, 16)
    assert calls[3:] == ["outputs"] + 3 * ["forward"]


def test_the_batches_are_those_of_the_order(adapter: Any) -> None:
    task = LSTM_WORDS
    x, y = random_rows(task, rows=40)
    adapter.build(task, initial_weights(task, 3), 0)
    data = adapter.stage(x, y)
    order = np.random.default_rng(0).permutation(40)[:32].reshape(2, 16).astype(np.int32)
    batches = list(documented_model().program_of(task.family).batches(*data, order))
    assert len(batches) == len(order)
    for (words, verdicts), rows in zip(batches, order, strict=True):
        assert np.array_equal(words, x[rows])
        assert np.array_equal(verdicts[:, 0], y[rows])


def test_dropout_is_in_training_alone(adapter: Any) -> None:
    """Predictions between steps of training are without it, and training goes on with it."""
    x, y = random_rows(FNN, rows=40)
    adapter.build(FNN, initial_weights(FNN, 3), 0)
    data = adapter.stage(x, y)
    dropout = next(part for part in adapter._network.layers if hasattr(part, "deterministic"))
    for _ in range(2):
        assert np.array_equal(adapter.predict(data, 40), adapter.predict(data, 40))
        assert dropout.deterministic
        adapter.train(data, ORDER)
        assert not dropout.deterministic
