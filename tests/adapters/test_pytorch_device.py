"""What PyTorch's rows do with a device, a precision and a small number; no GPU is needed.

python -m pytest tests/adapters/test_pytorch_device.py, in PyTorch's environment.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from adapters.base import Unsupported
from tasks.weights import initial_weights
from tests.support.small import FNN, random_rows

torch = pytest.importorskip("torch", reason="needs PyTorch's own environment")
TUNED, DOCUMENTED = ("contender", "eager"), ("documented", "loop")
each_row = pytest.mark.parametrize("row", [TUNED, DOCUMENTED], ids=lambda row: row[1])


def made(row: tuple[str, str], device: str = "cpu", precision: str = "fp32") -> Any:
    """A row's contender on one thread."""
    module = importlib.import_module(f"adapters.pytorch.{row[0]}")
    return module.Contender(row[1], device, precision, 1)


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    torch.backends.cudnn.benchmark = False
    torch.set_flush_denormal(False)


@each_row
def test_a_build_for_cpus_says_so(row: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(Unsupported, match=r"a build for CPUs only.*build for CUDA has to be"):
        made(row, "cuda")


@each_row
def test_an_old_driver_is_told_of(row: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def init() -> None:
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 12040).\n")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "init", init)
    with pytest.raises(Unsupported, match=r"built for CUDA 13\.0.*too old \(found version 12040\)"):
        made(row, "cuda")


@each_row
@pytest.mark.parametrize("precision", ["fp32", "tf32"])
def test_old_and_new_switches_of_precision_agree(
    row: tuple[str, str], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the products, of convolutions and of recurrent layers, on a GPU that is made up."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "made up")
    for before in ("tf32", "fp32"):  # whatever was in force
        made(row, "cuda", before)
        settings = made(row, "cuda", precision).settings()
        narrow = precision == "tf32"
        assert settings["precision"] == precision
        for part in ("cuda_matmul", "cudnn_conv", "cudnn_rnn"):
            assert settings[f"fp32_precision_{part}"] == ("tf32" if narrow else "ieee")
        # These raise where they do not agree with the new ones.
        assert torch.get_float32_matmul_precision() == ("high" if narrow else "highest")
        assert torch.backends.cuda.matmul.allow_tf32 is narrow
        assert torch.backends.cudnn.allow_tf32 is narrow
        with torch.backends.cudnn.flags():
            pass


def test_only_the_tuned_row_lets_cudnn_try_its_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "made up")
    assert made(TUNED).settings()["cudnn_benchmark"] is False
    assert made(DOCUMENTED, "cuda").settings()["cudnn_benchmark"] is False
    assert made(TUNED, "cuda").settings()["cudnn_benchmark"] is True


@pytest.mark.parametrize(("row", "flushes"), [(TUNED, True), (DOCUMENTED, False)])
def test_denormals_count_as_zero_in_all_threads_of_the_tuned_row(
    row: tuple[str, str], flushes: bool
) -> None:
    """In a process of its own: a pool's threads keep what they began with."""
    code = (
        f"from adapters.pytorch import {row[0]} as row; "
        f"print(row.Contender({row[1]!r}, 'cpu', 'fp32', 2).settings()['flush_denormal'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(flushes)


def test_setting_it_late_is_read_back_as_not_everywhere() -> None:
    code = (
        "import torch; from adapters.pytorch.device import flushes_denormals; "
        "torch.set_num_threads(2); print(flushes_denormals()); "
        "torch.set_flush_denormal(True); print(flushes_denormals())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("rows", [1, 16, 40])
def test_one_batch_is_predicted_without_taking_it_apart(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = made(TUNED)
    adapter.build(FNN, initial_weights(FNN, 3), 0)
    x, y = (part[:rows] for part in random_rows(FNN, rows=40))
    expected = np.concatenate(
        [
            adapter.predict(adapter.stage(x[i : i + 16], y[i : i + 16]), 16)
            for i in range(0, rows, 16)
        ]
    )
    taken_apart = []
    split = torch.Tensor.split
    monkeypatch.setattr(
        torch.Tensor, "split", lambda *given: taken_apart.append(1) or split(*given)
    )
    assert np.allclose(adapter.predict(adapter.stage(x, y), 16), expected, rtol=1e-5, atol=1e-6)
    assert len(taken_apart) == (rows > 16)
