"""The documented row of Keras runs the code of its programs, and nothing beside it.

python -m pytest tests/adapters/test_documented_keras.py --implementation keras:fit
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from adapters.base import Unsupported
from adapters.mutants.small_graphs import ENCODER, GATES, graph_rows
from bench.discover import implementations
from tasks.catalogue.every import TASKS
from tasks.spec.layers import Dropout
from tasks.spec.network import Task
from tasks.spec.training import AdamW
from tasks.weights import initial_weights
from tests.support.small import FNN, LSTM_WORDS, SMALL, random_rows

OWN = ("fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-imdb")
own_task = pytest.mark.parametrize(
    "task", [task for task in TASKS if task.name in OWN], ids=lambda task: task.name
)
ORDER = np.random.default_rng(0).permutation(40)[:32].reshape(2, 16).astype(np.int32)


@pytest.fixture(scope="module")
def adapter(request: pytest.FixtureRequest) -> Iterator[Any]:
    name = request.config.getoption("--implementation")
    row = next((one for one in implementations() if one.name == name), None)
    if row is None or (row.framework, row.division) != ("keras", "documented"):
        pytest.skip("runs in Keras's environment, with --implementation")
    yield importlib.import_module(row.module).Contender(row.mode, "cpu", "fp32", 2)


@pytest.fixture
def documented_model(adapter: Any) -> Any:
    return importlib.import_module("adapters.keras.documented_model")


def described(model: Any) -> list[tuple[str, dict[str, Any]]]:
    """Its layers by class and configuration, in order; a layer's name says only its turn."""
    return [
        (type(layer).__name__, {k: v for k, v in layer.get_config().items() if k != "name"})
        for layer in model.layers
    ]


@own_task
def test_the_general_network_is_the_programs(task: Task, documented_model: Any) -> None:
    program = documented_model.program_of(task.family).model()
    general = documented_model.general(task)
    assert described(program) == described(general)
    assert program.input_shape == general.input_shape
    general.set_weights(program.get_weights())
    x, _ = random_rows(task, rows=4)
    assert np.array_equal(np.asarray(program(x)), np.asarray(general(x)))


@own_task
def test_the_programs_task_runs_the_programs_network(
    task: Task, documented_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, made = documented_model.program_of(task.family), object()
    monkeypatch.setattr(program, "model", lambda: made)
    assert documented_model.network(task) is made
    wider = replace(task, layers=(*task.layers[:-1], Dropout(0.5), task.layers[-1]))
    assert described(documented_model.network(wider)) == described(documented_model.general(wider))


@pytest.mark.parametrize("task", SMALL, ids=lambda task: task.name)
def test_training_and_prediction_are_the_programs_own(
    task: Task, adapter: Any, documented_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = documented_model.program_of(task.family)
    x, y = random_rows(task, rows=40)
    adapter.build(task, initial_weights(task, 3), 0)
    data = adapter.stage(x, y)
    trained, predicted = program.fit, program.predict
    calls: list[str] = []

    def fit(network: Any, rows: Any, targets: Any, **options: Any) -> Any:
        calls.append("fit")
        assert np.array_equal(rows, x[ORDER.ravel()])
        assert np.array_equal(targets, y[ORDER.ravel()])
        assert options == {"batch_size": 16, "shuffle": False}
        return trained(network, rows, targets, **options)

    def predict(network: Any, rows: Any, batch_size: int) -> Any:
        calls.append("predict")
        assert batch_size == 8
        return predicted(network, rows, batch_size)

    monkeypatch.setattr(program, "fit", fit)
    monkeypatch.setattr(program, "predict", predict)
    adapter.train(data, ORDER)
    adapter.predict(data, 8)
    assert calls == ["fit", "predict"]


def test_keras_chooses_what_the_documents_leave_to_it(adapter: Any) -> None:
    adapter.build(FNN, initial_weights(FNN, 3), 0)
    settings = adapter.settings()
    assert settings["steps_per_execution"] == 1
    assert settings["xla"] is False


def test_every_row_of_a_table_moves_once_it_has_moved(adapter: Any) -> None:
    """Adam's moments of a word that is absent from a batch move its row on."""
    adapter.build(LSTM_WORDS, initial_weights(LSTM_WORDS, 3), 0)
    x = np.concatenate([np.zeros((16, 14)), np.ones((16, 14))]).astype(np.int32)
    data = adapter.stage(x, np.ones(32, np.float32))
    adapter.train(data, np.arange(16, dtype=np.int32)[None])
    before = adapter.weights()["0_embedding/table"]
    adapter.train(data, np.arange(16, 32, dtype=np.int32)[None])
    after = adapter.weights()["0_embedding/table"]
    assert np.all(before[0] != after[0])
    assert np.array_equal(before[2:], after[2:])


def test_what_a_graph_holds_at_zero_stays_there(adapter: Any) -> None:
    """The second bias of a GRU and the bias of attention's keys, which the task has not."""
    for task, end in ((GATES, "gru_cell/bias"), (ENCODER, "key/bias")):
        x, y = graph_rows(task, 40)
        adapter.build(task, initial_weights(task, 3), 0)
        adapter.train(adapter.stage(x, y), ORDER)
        held = [v for v in adapter._model.variables if v.path.endswith(end)]
        assert held
        for variable in held:
            value = np.asarray(variable)
            assert not (value[1] if task is GATES else value).any()
            if task is GATES:
                assert value[0].any()


def test_gates_under_clipping_are_refused(adapter: Any) -> None:
    """The norm would be over both biases."""
    (update,) = GATES.updates
    task = replace(GATES, updates=(replace(update, optimizer=AdamW(1e-3, 0.1, clip_norm=1.0)),))
    with pytest.raises(Unsupported, match="takes the norm over both"):
        adapter.build(task, initial_weights(task, 3), 0)
