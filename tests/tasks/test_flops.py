"""The count of floating-point operations against a second one: the products the oracle makes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adapters.reference.oracle import Reference
from tasks import flops
from tasks.catalogue.every import TASKS
from tasks.spec.layers import Conv2D, Dense, Flatten
from tasks.spec.network import Task
from tasks.weights import initial_weights
from tests.support.small import LSTM_FLOAT, LSTM_WORDS, RNN, SMALL, random_rows

BATCH = 3


class Counted(np.ndarray):
    """An array that adds up the operations of the matrix products it takes part in."""

    operations = 0

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc is np.matmul:
            a, b = (np.asarray(x) for x in inputs[:2])
            Counted.operations += 2 * a.size * (b.shape[-1] if b.ndim > 1 else 1)
        plain = [x.view(np.ndarray) if isinstance(x, Counted) else x for x in inputs]
        out = options.pop("out", None)
        if out is not None:
            options["out"] = tuple(o.view(np.ndarray) if isinstance(o, Counted) else o for o in out)
        found = getattr(ufunc, method)(*plain, **options)
        return found.view(Counted) if isinstance(found, np.ndarray) else found


ZEROS = np.zeros


@pytest.fixture(autouse=True)
def first_states_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recurrent layer starts from zeros that it makes itself; their products are products."""

    def zeros(*shape: Any, **options: Any) -> Any:
        return ZEROS(*shape, **options).view(Counted)

    monkeypatch.setattr(np, "zeros", zeros)


def counted(task: Task, train: bool) -> float:
    """Operations of the oracle's products, a row."""
    oracle = Reference()
    oracle.build(task.without_dropout(), initial_weights(task, 0), 0)
    oracle.params = {name: value.view(Counted) for name, value in oracle.params.items()}
    x, y = random_rows(task, BATCH)
    rows = (x if task.input_dtype == "int32" else x.astype(float)).view(Counted)
    Counted.operations = 0
    if train:
        oracle.gradients(rows, y)
    else:
        oracle.predict((rows, y), BATCH)
    return Counted.operations / BATCH


@pytest.mark.parametrize("task", SMALL, ids=lambda t: t.name)
def test_the_forward_count_is_what_the_oracle_does(task: Task) -> None:
    assert flops.forward(task) == counted(task, train=False)


@pytest.mark.parametrize("task", [RNN, LSTM_FLOAT, LSTM_WORDS], ids=lambda t: t.name)
def test_training_is_three_times_that_less_what_nobody_needs(task: Task) -> None:
    """The oracle also takes the gradient by the rows of data, which no framework does."""
    needless = flops.forward(task) * 3 - flops.training(task)
    assert counted(task, train=True) == flops.training(task) + needless


def test_by_hand() -> None:
    fnn = next(t for t in TASKS if t.name == "fnn-mnist")
    assert flops.forward(fnn) == 2 * (784 * 128 + 128 * 10)
    assert flops.training(fnn) == 3 * flops.forward(fnn) - 2 * 784 * 128
    cnn = next(t for t in TASKS if t.name == "cnn-64-10")
    by_layer = [2 * 9 * 3 * 32 * 62 * 62, 2 * 31 * 31 * 32 * 64, 2 * 64 * 10]
    assert flops.forward(cnn) == sum(by_layer)
    words = next(t for t in TASKS if t.name == "lstm-imdb")
    assert flops.forward(words) == 200 * 2 * 256 * 512 + 2 * 128
    assert flops.training(words) == 3 * flops.forward(words)  # the embedding below learns
    gan = next(t for t in TASKS if t.name == "gan-mnist")
    generator, discriminator = 2 * (32 * 128 + 128 * 784), 2 * (784 * 128 + 128)
    assert flops.forward(gan) == generator
    tells = generator + 2 * (2 * discriminator + 2 * 128)  # real ones and made ones
    fools = 2 * generator + 2 * 128 * 784 + 2 * discriminator  # back through what is not moved
    assert flops.training(gan) == tells + fools


def test_every_task_has_a_count() -> None:
    for task in TASKS:
        assert 0 < flops.forward(task) < flops.training(task)
        if len(task.rules) == 1:
            assert flops.training(task) <= 3 * flops.forward(task)
        assert any(isinstance(node.layer, (Dense, Conv2D, Flatten)) for node in task.nodes)
