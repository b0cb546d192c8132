"""The oracle's products take the threads it was made with, and give them back."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.reference import threads
from adapters.reference.oracle import Reference
from tasks.weights import initial_weights
from tests.support.small import SMALL, random_rows


def switch() -> threads._Switch:
    found = threads._switch()
    if found is None:
        pytest.skip("NumPy has another library than its own OpenBLAS")
    return found


def test_products_take_that_many_threads_and_then_as_many_as_before() -> None:
    before = switch().read()
    with threads.products_on(1):
        assert switch().read() == 1
        with threads.products_on(2):
            assert switch().read() == 2
        assert switch().read() == 1
    assert switch().read() == before


def test_an_error_inside_gives_them_back_too() -> None:
    before = switch().read()
    with pytest.raises(ValueError), threads.products_on(before + 1):
        raise ValueError
    assert switch().read() == before


def test_the_oracle_computes_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    forward = Reference._forward

    def spied(self: Reference, x: np.ndarray, training: bool) -> tuple[np.ndarray, list[object]]:
        seen.append(switch().read())
        return forward(self, x, training)

    monkeypatch.setattr(Reference, "_forward", spied)
    task = SMALL[0]
    x, y = random_rows(task, rows=8)
    with threads.products_on(2):
        for count in (1, 2):
            oracle = Reference(threads=count)
            oracle.build(task, initial_weights(task, 0), 0)
            data = oracle.stage(x, y)
            oracle.train(data, np.arange(8, dtype=np.int32)[None])
            oracle.predict(data, 4)
    assert seen == [1, 1, 1, 2, 2, 2]


def test_where_there_is_no_such_library_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_switch", lambda: None)
    with threads.products_on(1):
        pass
