"""MXNet's engine is chosen by the threads, and a single batch is predicted as it lies.

Run in MXNet's environment:
.envs/mxnet-cpu/bin/python -m pytest tests/adapters/test_mxnet_engine.py
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from bench.run.variables import worker_variables
from tasks.weights import initial_weights
from tests.adapters.conformance import THREADS
from tests.support.small import FNN, random_rows

mx = pytest.importorskip("mxnet", reason="needs MXNet's own environment; see the docstring")
module = importlib.import_module("adapters.mxnet.contender")
NAIVE = {"MXNET_ENGINE_TYPE": "NaiveEngine"}
TOLD = """
import os, sys
from adapters.mxnet.contender import Contender
threads = int(sys.argv[1])
settings = Contender("hybrid", "cpu", "fp32", threads).settings()
print(settings["engine"], settings["threads"], len(os.listdir("/proc/self/task")))
"""


def told(threads: int) -> tuple[str, int, int]:
    """The engine, its OpenMP threads and the process's threads, in a worker of that many."""
    done = subprocess.run(
        [sys.executable, "-c", TOLD, str(threads)],
        env=worker_variables(threads, os.getcwd()), capture_output=True, text=True, check=True,
        timeout=120,
    )  # fmt: skip
    engine, own, of_process = done.stdout.split()
    return engine, int(own), int(of_process)


def test_the_engine_is_chosen_by_the_threads() -> None:
    """Only the default engine has workers of its own: so it is seen which one really runs."""
    naive, threads, few = told(2)
    assert (naive, threads) == ("NaiveEngine", 2)
    default, threads, many = told(1)
    assert (default, threads) == ("ThreadedEnginePerDevice", 1)
    assert many > few


SAID = """
from adapters.mxnet.documented import Contender
print(Contender("gluon", "cpu", "fp32", 1).settings()["debugging"])
"""


@pytest.mark.parametrize(("asked", "said"), [({}, "none"), (NAIVE, "NaiveEngine")])
def test_the_engine_for_debugging_is_told_by_the_documented_row(
    asked: dict[str, str], said: str
) -> None:
    """The tuned rows choose it, because there it is faster."""
    done = subprocess.run(
        [sys.executable, "-c", SAID], env=worker_variables(1, os.getcwd()) | asked,
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.split() == [said]


@pytest.mark.parametrize("mode", ["hybrid", "imperative"])
def test_a_single_batch_is_not_sliced(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    contender = module.Contender(mode, "cpu", "fp32", THREADS)
    contender.build(FNN, initial_weights(FNN, 3), 0)
    data = contender.stage(*random_rows(FNN, rows=16))
    in_parts = contender.predict(data, 5)

    def sliced(*_: Any) -> Any:
        raise AssertionError("a slice of all rows is time that a row does not need")

    monkeypatch.setattr(mx.nd.NDArray, "__getitem__", sliced)
    np.testing.assert_allclose(contender.predict(data, 16), in_parts, rtol=1e-5, atol=1e-6)
    with pytest.raises(AssertionError):
        contender.predict(data, 5)
