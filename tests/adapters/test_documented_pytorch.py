"""The documented rows of PyTorch run the code of its programs, and nothing beside it.

python -m pytest tests/adapters/test_documented_pytorch.py --implementation pytorch:loop
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
from tasks.spec.layers import Dense, Dropout
from tasks.spec.network import Task
from tasks.weights import initial_weights
from tests.support.small import LSTM_WORDS, SMALL, random_rows

OWN = ("fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-imdb")
own_task = pytest.mark.parametrize(
    "task", [task for task in TASKS if task.name in OWN], ids=lambda task: task.name
)
ORDER = np.arange(32, dtype=np.int32).reshape(2, 16)


@pytest.fixture(scope="module")
def adapter(request: pytest.FixtureRequest) -> Iterator[Any]:
    name = request.config.getoption("--implementation")
    row = next((one for one in implementations() if one.name == name), None)
    if row is None or (row.framework, row.division) != ("pytorch", "documented"):
        pytest.skip("runs in PyTorch's environments, with --implementation")
    yield importlib.import_module(row.module).Contender(row.mode, "cpu", "fp32", 2)


def documented_model() -> Any:
    pytest.importorskip("torch")
    return importlib.import_module("adapters.pytorch.documented_model")


def leaves(model: Any) -> list[str]:
    """Its modules without a module inside, as PyTorch writes them, in order."""
    return [repr(module) for module in model.modules() if not list(module.children())]


@own_task
def test_the_general_network_is_the_programs(task: Task) -> None:
    made = documented_model()
    torch = importlib.import_module("torch")
    program, general = made.program_of(task.family).model(), made.general(task)
    assert leaves(program) == leaves(general)
    values = zip(program.state_dict().values(), general.state_dict().values(), strict=True)
    with torch.no_grad():
        for theirs, ours in values:
            ours.copy_(theirs)
    x, y = random_rows(task, rows=4)
    inputs = made.rows(task, x, y).tensors[0]
    assert torch.equal(program(inputs), general(inputs))


@own_task
def test_the_programs_task_runs_the_programs_network(task: Task) -> None:
    made = documented_model()
    own = type(made.program_of(task.family).model())
    assert type(made.network(task)) is own
    wider = (*task.layers[:-1], Dropout(0.5), task.layers[-1])
    assert leaves(made.network(replace(task, layers=wider))) == leaves(
        made.general(replace(task, layers=wider))
    )


@pytest.mark.parametrize("task", SMALL, ids=lambda task: task.name)
def test_training_and_prediction_are_the_programs_own(
    task: Task, adapter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if adapter.mode not in ("loop", "torch-compile"):
        pytest.skip("a library with a training loop and a prediction of its own")
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
    assert [len(batch) for batch in batches] == [2, 2]
    for (words, verdicts), rows in zip(batches, order, strict=True):
        assert np.array_equal(words.numpy(), x[rows])
        assert np.array_equal(verdicts.numpy()[:, 0], y[rows])


@own_task
def test_a_dense_kernel_after_an_image_is_in_the_tasks_order(task: Task) -> None:
    """Loading weights and reading them again gives the same arrays in every layout."""
    made = documented_model()
    torch = importlib.import_module("torch")
    model, weights = made.network(task), initial_weights(task, 3)
    views = made.canonical_views(task, model)
    assert list(views) == list(weights)
    if task.family != "cnn":
        assert all(tuple(views[name].shape) == value.shape for name, value in weights.items())
        return
    for name, view in views.items():
        view.copy_(torch.tensor(weights[name]).reshape(view.shape))
    first = next(layer for layer in task.layers if isinstance(layer, Dense))
    pixel = model[4].weight.reshape(first.units, 32, 31, 31)[:, 7, 3, 5]
    kernel = next(value for name, value in weights.items() if "dense/kernel" in name)
    assert np.array_equal(pixel.detach().numpy(), kernel.reshape(31, 31, 32, -1)[3, 5, 7])
