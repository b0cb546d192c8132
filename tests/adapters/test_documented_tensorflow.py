"""The documented row of TensorFlow runs the code of its programs, and nothing beside it.

python -m pytest tests/adapters/test_documented_tensorflow.py --implementation tensorflow:function
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
from tests.support.small import FNN, LSTM_WORDS, SMALL, random_rows

OWN = ("fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-imdb")
own_task = pytest.mark.parametrize(
    "task", [task for task in TASKS if task.name in OWN], ids=lambda task: task.name
)
ORDER = np.arange(32, dtype=np.int32).reshape(2, 16)


@pytest.fixture(scope="module")
def adapter(request: pytest.FixtureRequest) -> Iterator[Any]:
    name = request.config.getoption("--implementation")
    row = next((one for one in implementations() if one.name == name), None)
    if row is None or (row.framework, row.division) != ("tensorflow", "documented"):
        pytest.skip("runs in TensorFlow's environment, with --implementation")
    yield importlib.import_module(row.module).Contender(row.mode, "cpu", "fp32", 2)


@pytest.fixture
def made(adapter: Any) -> Any:
    """The module of models; TensorFlow's settings are the adapter's by then."""
    return importlib.import_module("adapters.tensorflow.documented_model")


@own_task
def test_the_general_network_is_the_programs(task: Task, made: Any) -> None:
    program, general = made.program_of(task.family).model(), made.general(task)
    theirs, ours = made.named_variables(task, program), made.named_variables(task, general)
    shapes = {name: tuple(value.shape) for name, value in theirs.items()}
    assert shapes == parameter_shapes(task)
    assert len(program.trainable_variables) == len(theirs)
    for name, value in theirs.items():
        ours[name].assign(value)
    x, _ = random_rows(task, rows=4)
    found, expected = general(x).numpy(), program(x).numpy()
    assert np.array_equal(found, expected)
    for name, value in theirs.items():  # each name is the same variable of both
        value.assign_add(np.full(value.shape, 0.01, np.float32))
        ours[name].assign(value)
        assert np.array_equal(general(x).numpy(), program(x).numpy()), name


@own_task
def test_the_programs_task_runs_the_programs_network(task: Task, made: Any) -> None:
    own = type(made.program_of(task.family).model())
    assert type(made.network(task)) is own
    wider = (*task.layers[:-1], Dropout(0.5), task.layers[-1])
    assert type(made.network(replace(task, layers=wider))) is made.Sequential


def test_dropout_is_there_in_training_alone(made: Any) -> None:
    network = made.network(FNN)
    x, _ = random_rows(FNN, rows=16)
    assert np.array_equal(network(x).numpy(), network(x).numpy())
    trained = made.in_training(network)
    assert not np.array_equal(trained(x).numpy(), trained(x).numpy())


@pytest.mark.parametrize("task", SMALL, ids=lambda task: task.name)
def test_training_and_prediction_are_the_programs_own(
    task: Task, adapter: Any, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = made.program_of(task.family)
    calls: list[str] = []

    def spied(name: str) -> Any:
        original = getattr(program, name)

        def call(*arguments: Any) -> Any:
            calls.append(name)
            return original(*arguments)

        return call

    for name in ("make_step", "train_epoch", "outputs"):
        monkeypatch.setattr(program, name, spied(name))
    x, y = random_rows(task, rows=40)
    adapter.build(task, initial_weights(task, 3), 0)
    data = adapter.stage(x, y)
    adapter.train(data, ORDER)
    adapter.predict(data, 16)
    assert calls == ["make_step", "train_epoch", "outputs"]


def test_the_batches_are_those_of_the_order(adapter: Any) -> None:
    task = LSTM_WORDS
    x, y = random_rows(task, rows=40)
    data = adapter.stage(x, y)
    order = np.random.default_rng(0).permutation(40)[:32].reshape(2, 16).astype(np.int32)
    module = importlib.import_module("adapters.tensorflow.documented")
    batches = list(module.batches(data, order, None))
    assert len(batches) == 2
    for (words, verdicts), rows in zip(batches, order, strict=True):
        assert np.array_equal(words.numpy(), x[rows])
        assert np.array_equal(verdicts.numpy(), y[rows])


def test_an_embeddings_gradient_reaches_adam_as_one_table(made: Any) -> None:
    """A word that is there twice moves Adam's second moment by the square of the sum."""
    tf = importlib.import_module("tensorflow")
    table = tf.Variable(tf.zeros([3, 1]))
    adam = made.optimizer(LSTM_WORDS)
    rows = tf.IndexedSlices(tf.constant([[1.0], [2.0]]), tf.constant([1, 1]), tf.constant([3, 1]))
    adam.apply_gradients([(rows, table)])
    squares = adam.variables[-1].numpy().ravel()
    assert squares == pytest.approx([0.0, 0.001 * 9, 0.0], rel=1e-4)
