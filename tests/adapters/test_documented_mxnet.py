"""The documented row of MXNet runs the code of its programs, and nothing beside it.

python -m pytest tests/adapters/test_documented_mxnet.py --implementation mxnet:gluon
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.discover import implementations
from tasks.catalogue.every import TASKS
from tasks.spec.layers import Dense, Dropout
from tasks.spec.network import Task
from tasks.weights import initial_weights
from tests.support.small import LSTM_FLOAT, LSTM_WORDS, SMALL, random_rows

OWN = ("fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-imdb")
own_task = pytest.mark.parametrize(
    "task", [task for task in TASKS if task.name in OWN], ids=lambda task: task.name
)
ORDER = np.arange(32, dtype=np.int32).reshape(2, 16)


@pytest.fixture(scope="module")
def adapter(request: pytest.FixtureRequest) -> Iterator[Any]:
    name = request.config.getoption("--implementation")
    row = next((one for one in implementations() if one.name == name), None)
    if row is None or (row.framework, row.division) != ("mxnet", "documented"):
        pytest.skip("runs in MXNet's environment, with --implementation")
    yield importlib.import_module(row.module).Contender(row.mode, "cpu", "fp32", 2)


def documented_model() -> Any:
    pytest.importorskip("mxnet")
    return importlib.import_module("adapters.mxnet.documented_model")


def leaves(network: Any) -> list[str]:
    """Its blocks without a block of a network's own inside, as Gluon writes them, in order."""
    names = re.compile(r"(Dense|Conv2D|MaxPool2D|Flatten|Dropout|Embedding|RNN|LSTM)\(")
    found: list[str] = []
    network.apply(lambda block: found.append(repr(block)) if names.match(repr(block)) else None)
    return found


@own_task
def test_the_general_network_is_the_programs(task: Task) -> None:
    made = documented_model()
    program, general = made.program_of(task.family).model(), made.general(task)
    x, _ = random_rows(task, rows=4)
    inputs = made.inputs(task, x)
    assert program(inputs).shape == general(inputs).shape
    assert leaves(program) == leaves(general) != []
    both = (list(network.collect_params().values()) for network in (program, general))
    for theirs, ours in zip(*both, strict=True):
        assert theirs.shape == ours.shape
        ours.set_data(theirs.data())
    assert np.array_equal(program(inputs).asnumpy(), general(inputs).asnumpy())


@own_task
def test_the_programs_task_runs_the_programs_network(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = documented_model()
    theirs = object()
    monkeypatch.setattr(made.program_of(task.family), "model", lambda: theirs)
    assert made.network(task) is theirs
    wider = replace(task, layers=(*task.layers[:-1], Dropout(0.5), task.layers[-1]))
    assert leaves(made.network(wider)) == leaves(made.general(wider))


@pytest.mark.parametrize("task", SMALL, ids=lambda task: task.name)
def test_training_and_prediction_are_the_programs_own(
    task: Task, adapter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = documented_model().program_of(task.family)
    x, y = random_rows(task, rows=40)
    adapter.build(task, initial_weights(task, 3), 0)
    data = adapter.stage(x, y)
    trained, predicted = program.train_epoch, program.outputs
    calls: list[str] = []

    def train_epoch(network: Any, batches: Any, *rest: Any) -> Any:
        calls.append("train_epoch")
        assert len(batches) == len(ORDER)
        return trained(network, batches, *rest)

    def outputs(network: Any, batches: Any) -> Any:
        calls.append("outputs")
        return predicted(network, batches)

    monkeypatch.setattr(program, "train_epoch", train_epoch)
    monkeypatch.setattr(program, "outputs", outputs)
    adapter.train(data, ORDER)
    adapter.predict(data, 16)
    assert calls == ["train_epoch", "outputs"]


def test_the_batches_are_those_of_the_order(adapter: Any) -> None:
    task = LSTM_WORDS
    x, y = random_rows(task, rows=40)
    adapter.build(task, initial_weights(task, 3), 0)
    data = adapter.stage(x, y)
    order = np.random.default_rng(0).permutation(40)[:32].reshape(2, 16).astype(np.int32)
    batches = list(adapter._loader(data, order, None))
    for (words, verdicts), rows in zip(batches, order, strict=True):
        assert np.array_equal(words.asnumpy(), x[rows])
        assert np.array_equal(verdicts.asnumpy(), y[rows])


def test_the_second_bias_of_a_recurrent_layer_stays_zero(adapter: Any) -> None:
    adapter.build(LSTM_FLOAT, initial_weights(LSTM_FLOAT, 3), 0)
    adapter.train(adapter.stage(*random_rows(LSTM_FLOAT, rows=40)), ORDER)
    (second,) = adapter._network.collect_params(".*h2h_bias").values()
    assert not second.data().asnumpy().any()


def test_every_operation_has_the_threads_asked_for(adapter: Any) -> None:
    """OpenMP's count is a thread's own: the engine has one worker for what networks compute."""
    documented = importlib.import_module("adapters.mxnet.documented")
    threading = importlib.import_module("threading")
    workers: set[int] = set()
    for _ in range(8):
        documented._in_engine(lambda: workers.add(threading.get_native_id()))
    assert len(workers) == 1 and threading.get_native_id() not in workers
    assert adapter.settings()["threads"] == 2
    assert adapter.settings()["engine"] == "default"


@own_task
def test_layouts_are_turned_there_and_back(task: Task) -> None:
    """And the dense kernel after an image is in Gluon's order there, in the task's here."""
    made = documented_model()
    images, weights = made.images(task), initial_weights(task, 3)
    assert len(images) == (task.family == "cnn")
    for name, value in weights.items():
        image = images.get(name)
        theirs = made.to_gluon(name, value, image)
        assert np.array_equal(made.to_task(name, theirs, image), value)
        if image:
            first = next(layer for layer in task.layers if isinstance(layer, Dense))
            pixel = theirs.reshape(first.units, 32, 31, 31)[:, 7, 3, 5]
            assert np.array_equal(pixel, value.reshape(31, 31, 32, -1)[3, 5, 7])
