"""Faults planted in real exports, loaded by real runtimes: every one is refused, honest ones are
not. `nox -s deploy` runs these, in environments that `bench deploy --setup` makes."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.deploy import environments
from bench.deploy.process import asked
from bench.deploy.routes import runtime_of
from tasks.catalogue.every import TASKS
from tasks.data import cache as data_cache
from tasks.data import prepare
from tasks.spec.form import definition
from tasks.weights import initial_weights

pytestmark = pytest.mark.skipif(
    os.environ.get("BENCH_DEPLOY") != "all", reason="writes and loads real files: nox -s deploy"
)
WRITING = "pytorch_export"
FAULTS = (
    ("frozen", "fnn-mnist", "onnxruntime"),
    ("frozen", "fnn-mnist", "openvino"),
    ("wrong_layout", "cnn-64-10", "onnxruntime"),
    ("old_opset", "fnn-mnist", "onnxruntime"),
    ("dropped_state", "lstm-forecast", "onnxruntime"),
    ("half_weights", "fnn-mnist", "onnxruntime"),
    ("untrained", "fnn-mnist", "onnxruntime"),
    ("compressed", "fnn-mnist", "openvino"),
    ("probabilities", "fnn-mnist", "onnxruntime"),
)


def ready(name: str) -> environments.DeployPlace:
    place = environments.describe(name)
    if place.reason:
        pytest.skip(f"{name}: {place.reason}")
    return place


@cache
def facts(name: str, folder: Path) -> dict[str, Any]:
    """What a process is told of a task, with weights that are not fresh."""
    task = next(one for one in TASKS if one.name == name)
    rng = np.random.default_rng(1)
    weights = {
        key: value + 0.05 * rng.standard_normal(value.shape, np.float32)
        for key, value in initial_weights(task, 0).items()
    }
    np.savez(folder / f"{name}.npz", **weights)
    data = data_cache.root() / prepare.prepare(task.data).folder
    return {
        "work": definition(task), "data": str(data), "threads": 1, "source": "",
        "weights": str(folder / f"{name}.npz"),
    }  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deploy")


def served(
    home: Path,
    module: str,
    form: str,
    task: str,
    runtime: str,
    width: str = "fp32",
    reads: str = "",
) -> dict[str, Any]:
    """What came of writing and loading a file."""
    writing, about = ready(WRITING), runtime_of(runtime)
    reading = ready(about.environment)
    folder = home / task / form
    if not (folder / "artefact.json").exists():
        request = facts(task, home) | {"module": module, "format": form, "folder": str(folder)}
        written = asked("bench.worker.deploy.export", request, writing.python, writing.over)
        assert written["status"] == "ok", written
    request = facts(task, home) | {
        "module": reads or about.module, "width": width, "packages": [], "folder": str(folder),
        "full_score": 1.0, "seconds": 0.0, "load": False,
    }  # fmt: skip
    return asked("bench.worker.deploy.serve", request, reading.python, reading.over)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("task", ["fnn-mnist", "cnn-64-10", "lstm-forecast"])
def test_an_honest_export_passes(home: Path, task: str, runtime: str) -> None:
    found = served(home, "adapters.pytorch.export", "onnx", task, runtime)
    assert found["status"] == "ok", found["reason"]


@pytest.mark.parametrize(("fault", "task", "runtime"), FAULTS)
def test_a_planted_fault_is_refused(home: Path, fault: str, task: str, runtime: str) -> None:
    found = served(home, "tests.support.export_faults", fault, task, runtime)
    assert found["status"] in ("unverified", "error"), found
    assert found["reason"]


def test_bfloat16_that_nobody_asked_for_is_refused(home: Path) -> None:
    """By its own word, and by its answers."""
    module = "tests.support.openvino_default"
    found = served(home, "adapters.pytorch.export", "onnx", "fnn-mnist", "openvino", reads=module)
    if found["served"]["settings"]["precision"] == "fp32":
        pytest.skip("this processor has no bfloat16, so OpenVINO computes in float32 unasked")
    wrong = {check["name"] for check in found["proof"]["checks"] if not check["passed"]}
    assert {"precision as asked", "outputs, batch of 7"} <= wrong


def test_bfloat16_that_was_asked_for_is_judged_by_its_score(home: Path) -> None:
    found = served(home, "adapters.pytorch.export", "onnx", "fnn-mnist", "openvino", "bf16")
    names = [check["name"] for check in found["proof"]["checks"]]
    assert "score lost" in names
    assert not any(name.startswith("outputs") for name in names)
