"""Keras computes where and as strictly as it is asked to, as far as that shows without a GPU.

python -m pytest tests/adapters/test_keras_devices.py --implementation keras:torch
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from typing import Any

import pytest

from bench.discover import implementations
from bench.run.variables import worker_variables
from tests.adapters.conformance import THREADS

ROWS_STAY = """
import numpy as np, tensorflow as tf
cores = tf.config.list_physical_devices("CPU")
two = [tf.config.LogicalDeviceConfiguration()] * 2  # the second stands for a GPU
tf.config.set_logical_device_configuration(cores[0], two)
from adapters.keras.contender import Contender
from tasks.weights import initial_weights
from tests.support.small import FNN, random_rows
contender = Contender("tensorflow", "cpu", "fp32", 1)
contender.build(FNN, initial_weights(FNN, 3), 0)
data = contender.stage(*random_rows(FNN, rows=40))
def note(*arrays):
    print(*(array.device[-5:] for array in arrays))
    return 0.0
contender._outputs.predict_on_batch = lambda x: [note(x)]
contender._model.train_on_batch = note
with tf.device("CPU:1"):
    contender.predict(data, 16)
    contender.train(data, np.arange(16, dtype=np.int32)[None])
"""
WITH_A_GPU = """
import torch
torch.cuda.is_available = lambda: True
from adapters.keras.backends import Contender
print(Contender("torch", "cpu", "fp32", 1).settings()["device"])
"""


def printed(program: str) -> str:
    """What a program prints in a process of its own, with a worker's variables."""
    done = subprocess.run(
        [sys.executable, "-c", program], env=worker_variables(1, os.getcwd()),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def mode(request: pytest.FixtureRequest) -> str:
    framework, _, mode = request.config.getoption("--implementation").partition(":")
    if framework != "keras" or mode not in ("tensorflow", "jax", "torch"):
        pytest.skip("runs in Keras's environments, with --implementation")
    return mode


@pytest.fixture(scope="module")
def contender(mode: str) -> Any:
    row = next(row for row in implementations() if row.name == f"keras:{mode}")
    return importlib.import_module(row.module).Contender(mode, "cpu", "fp32", THREADS)


def test_rows_that_lie_on_the_host_are_taken_there(mode: str) -> None:
    """A batch, and not all rows, goes to the device: in prediction and in a single step."""
    if mode != "tensorflow":
        pytest.skip("on other backends rows are NumPy arrays")
    lines = printed(ROWS_STAY).splitlines()
    assert lines == ["CPU:0", "CPU:0", "CPU:0", "CPU:0 CPU:0"]


def test_the_settings_say_that_rows_are_on_the_host(contender: Any) -> None:
    """Other frameworks' rows lie on the device: on a GPU, Keras's speed has the way there in it."""
    assert contender.settings()["rows"] == "CPU:0"


def test_torch_computes_on_the_cpu_beside_a_gpu(mode: str) -> None:
    if mode != "torch":
        pytest.skip("only PyTorch's backend chooses a GPU by itself")
    assert printed(WITH_A_GPU).split() == ["cpu"]


def test_every_switch_of_torch_is_strict_and_read_back(mode: str, contender: Any) -> None:
    if mode != "torch":
        pytest.skip("PyTorch's switches")
    import torch

    for switch in (torch.backends.cudnn.conv, torch.backends.cudnn.rnn, torch.backends.cuda.matmul):
        assert switch.fp32_precision == "ieee"
        switch.fp32_precision = "tf32"
        assert contender.settings()["precision"] == "tf32"
        switch.fp32_precision = "ieee"
    assert contender.settings()["precision"] == "fp32"


def test_precision_of_jax_is_read_back(mode: str, contender: Any) -> None:
    if mode != "jax":
        pytest.skip("JAX's switch")
    import jax

    assert contender.settings()["precision"] == "fp32"
    jax.config.update("jax_default_matmul_precision", "tensorfloat32")
    assert contender.settings()["precision"] == "tensorfloat32"
    jax.config.update("jax_default_matmul_precision", "highest")


def test_only_the_platform_that_is_asked_for_computes_in_jax(mode: str, contender: Any) -> None:
    if mode != "jax":
        pytest.skip("JAX's platforms")
    import jax

    assert jax.config.jax_platforms == "cpu"
    with pytest.raises(Exception, match="no cuda device"):
        type(contender)("jax", "cuda", "fp32", THREADS)
