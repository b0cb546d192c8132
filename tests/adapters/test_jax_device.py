"""What JAX's rows do with a device that is made up or not there; no GPU is needed.

python -m pytest tests/adapters/test_jax_device.py, in an environment of JAX.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.base import Unsupported
from tasks.spec.network import Task
from tasks.weights import initial_weights
from tests.adapters import conformance
from tests.support.small import CNN, FNN, LSTM_WORDS

jax = pytest.importorskip("jax", reason="needs an environment of JAX")
ROWS = [("contender", "jit")]
if importlib.util.find_spec("flax"):
    ROWS.append(("documented", "flax"))
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
VARIABLE = "XLA_PYTHON_CLIENT_PREALLOCATE"
GPU = SimpleNamespace(
    platform="gpu", device_kind="made up", client=SimpleNamespace(platform_version="PJRT\ncuda 1"),
    memory_stats=lambda: {"peak_bytes_in_use": 5 * 2**20},
)  # fmt: skip


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(VARIABLE, raising=False)
    yield
    os.environ.pop(VARIABLE, None)
    jax.config.update("jax_platforms", "cpu")


def made(row: tuple[str, str], device: str) -> Any:
    """A row's contender on as many threads as there are."""
    module = importlib.import_module(f"adapters.jax.{row[0]}")
    return module.Contender(row[1], device, "fp32", conformance.THREADS)


@each_row
def test_a_jax_for_cpus_refuses_a_gpu_and_says_why(row: tuple[str, str]) -> None:
    """In a process of its own, as JAX looks for its devices once."""
    if importlib.util.find_spec("jax_cuda13_plugin"):
        pytest.skip("this JAX is for GPUs")
    code = (
        "from adapters.base import Unsupported\n"
        f"from adapters.jax import {row[0]} as row\n"
        f"try:\n    row.Contender({row[1]!r}, 'cuda', 'fp32', 1)\n"
        "except Unsupported as why:\n    print(why)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "installed for CPUs only" in done.stdout


@each_row
@pytest.mark.parametrize("error", [RuntimeError, AssertionError])
def test_jaxs_own_reason_is_told(
    row: tuple[str, str], error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def devices(_: str) -> None:
        raise error("CUDA driver version is\ninsufficient")

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    monkeypatch.setattr(jax, "devices", devices)
    with pytest.raises(Unsupported, match="no cuda device: CUDA driver version is insufficient"):
        made(row, "cuda")


def test_memory_of_a_gpu_is_not_taken_beforehand_by_the_tuned_row_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And it is so before JAX looks for the device, which reads the variable."""
    seen = []

    def devices(_: str) -> list[Any]:
        seen.append(os.environ.get(VARIABLE))
        return [GPU]

    monkeypatch.setattr(jax, "devices", devices)
    for row in reversed(ROWS):
        settings = made(row, "cuda").settings()
        assert settings["device"] == "cuda"
        assert settings["cuda_device"] == "made up"
        assert settings["platform_version"] == "PJRT cuda 1"
        assert settings["arrays_peak_mib"] == 5
    assert seen == [*([None] * (len(ROWS) - 1)), "false"]


def test_settings_name_the_options_that_xla_was_given() -> None:
    adapter = made(ROWS[0], "cpu")
    for task, given in ((CNN, True), (FNN, False)):
        adapter.build(task, initial_weights(task, 3), 0)
        settings = adapter.settings()
        for kind in ("inference", "training"):
            options = str(settings[f"xla_options_{kind}"])
            assert ("xla_cpu_experimental_ynn_fusion_type=" in options) is given, options


@pytest.mark.parametrize("task", [LSTM_WORDS], ids=lambda task: task.name)
def test_an_lstm_by_cudnn_is_certified(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """cuDNN's part is done by JAX's own reference of it, from the same row of weights."""
    from jax.experimental import rnn

    calls = []

    def lstm(
        x: Any, h_0: Any, c_0: Any, weights: Any, seq_lengths: Any, **sizes: Any
    ) -> tuple[Any, Any, Any]:
        calls.append(x.shape)
        shapes = {k: v for k, v in sizes.items() if k != "dropout"}
        unpacked = rnn.unpack_lstm_weights(weights, **shapes)
        return rnn.lstm_ref(x, h_0, c_0, *unpacked, seq_lengths, *sizes.values())

    monkeypatch.setattr(rnn, "lstm", lstm)
    adapter = made(ROWS[0], "cpu")
    adapter._cudnn = True
    conformance.test_certificate(adapter, task)
    assert calls


def test_cudnn_is_for_float32_on_a_gpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("adapters.jax.contender")
    monkeypatch.setattr(jax, "devices", lambda name: [GPU if name == "cuda" else object()])
    for mode, device, precision, used in (
        ("jit", "cuda", "fp32", True), ("jit", "cuda", "tf32", True),
        ("jit", "cuda", "bf16", False), ("jit", "cpu", "fp32", False),
        ("eager", "cuda", "fp32", False),
    ):  # fmt: skip
        assert module.Contender(mode, device, precision, conformance.THREADS)._cudnn is used
