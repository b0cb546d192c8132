"""Evidence is asked for part by part, kept, not asked twice, and its failures have reasons."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.records.beside import EvidenceFile, written
from bench.records.store import Run
from bench.run import environments, probes
from bench.run.environments import PROJECT, Environment
from bench.worker import probe
from tests.support.records import run_file


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "run", run_file())


@pytest.fixture
def only_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's environment is this Python, in which there is no torch; no other is ready."""

    def describe(framework: str, device: str) -> Environment:
        ready = framework == "pytorch"
        return Environment(framework, "ready" if ready else "missing", sys.executable)

    monkeypatch.setattr(environments, "describe", describe)
    monkeypatch.setattr(probes, "CURVE_TASKS", {})


def test_each_answer_is_kept_and_what_failed_has_a_reason(run: Run, only_here: None) -> None:
    said: list[str] = []
    found = probes.measure(run, said.append)
    assert len(said) == len(probes.PARTS)
    assert set(found.answers) == {f"{part}~pytorch" for part in probes.PARTS}
    assert "torch" in str(found.answers["shape~pytorch"].answer["reason"])
    assert json.loads((run.path / probes.FILE).read_text()) == written(found)
    assert run.beside(probes.FILE, EvidenceFile) == found


def test_a_stopped_command_goes_on_where_it_was(run: Run, only_here: None) -> None:
    found = written(probes.measure(run, lambda line: None))
    kept = {"raised": "kept as it was", "message": "", "characters": 0, "names_both": False}
    found["answers"]["shape~pytorch"]["answer"] = kept
    del found["answers"]["package~pytorch"]
    (run.path / probes.FILE).write_text(json.dumps(found))
    said: list[str] = []
    again = probes.measure(run, said.append)
    assert [line.split("] ")[1] for line in said] == ["package pytorch"]
    assert again.answers["shape~pytorch"].answer == kept


def test_a_part_can_be_measured_again(run: Run, only_here: None) -> None:
    probes.measure(run, lambda line: None)
    said: list[str] = []
    probes.measure(run, said.append, ["shape"])
    assert [line.split("] ")[1] for line in said] == ["shape pytorch"]


def test_no_place_and_no_colour_is_kept_from_a_message() -> None:
    said = f'File "{PROJECT}/adapters/x.py": \x1b[1mwrong\x1b[0m'
    assert probe._plain(said) == 'File "adapters/x.py": wrong'


def test_every_request_has_its_own_name_and_frameworks_alternate() -> None:
    ready = {
        name: Environment(name, "ready", sys.executable)
        for name in ("tensorflow", "pytorch", "keras", "mxnet")
    }
    wanted = probes.requests(ready, threads=2)
    assert len({one["id"] for one in wanted}) == len(wanted)
    curves = [one for one in wanted if one["part"] == "curve"]
    assert {one["threads"] for one in curves} == {1, 2}
    assert {one["launch"] for one in curves} == {0, 1, 2}
    order = [[one["framework"] for one in curves if one["launch"] == n][:4] for n in (0, 1)]
    assert order[0] == order[1][::-1]
    assert {one["mode"] for one in curves} == {"graph", "eager", "tensorflow", "hybrid"}


def test_a_documented_row_is_asked_in_its_own_environment_but_for_no_curve(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def describe(environment: str, device: str) -> Environment:
        return Environment(environment, "ready" if "jax" in environment else "missing", environment)

    def ask(entry: probes.Entry, environment: Environment) -> dict[str, Any]:
        asked.append((entry["part"], environment.python))
        return {"reason": "not here"}

    monkeypatch.setattr(environments, "describe", describe)
    monkeypatch.setattr(probes, "ask", ask)
    probes.measure(run, lambda line: None)
    assert asked == [(part, "jax_flax") for part in probes.PARTS]


def test_curves_are_not_asked_twice_where_there_is_one_thread() -> None:
    ready = {"pytorch": Environment("pytorch", "ready", sys.executable)}
    wanted = probes.requests(ready, threads=1)
    assert {one["threads"] for one in wanted if one["part"] == "curve"} == {1}


def example(kind: str, **contents: Any) -> None:
    module = ModuleType(f"adapters.fake.programs.{kind}")
    vars(module).update(contents)
    sys.modules[module.__name__] = module


def test_a_wrong_shape_is_judged_by_what_is_said() -> None:
    def refuse() -> None:
        raise ValueError("got 700, wanted\n 784")

    example("dynamic", wrong_shape=refuse)
    found = probe.shape({"framework": "fake"})
    assert found["raised"] == "ValueError"
    assert found["message"] == "got 700, wanted 784"
    assert found["names_both"]
    example("dynamic", wrong_shape=lambda: None)
    assert probe.shape({"framework": "fake"})["raised"] == ""


def test_formats_are_compared_and_a_missing_package_is_named() -> None:
    def missing(model: Any, x: np.ndarray, folder: Path) -> np.ndarray:
        raise ModuleNotFoundError("No module named 'onnx'", name="onnx")

    example(
        "exports",
        make=lambda: None,
        answers=lambda model, x: x,
        FORMATS={
            "same": lambda model, x, folder: x,
            "other": lambda model, x, folder: x + 1,
            "onnx": missing,
        },
    )
    formats = probe.exports({"framework": "fake"})["formats"]
    assert formats["same"] == {"error": 0.0, "same": True}
    assert not formats["other"]["same"]
    assert formats["onnx"] == {"reason": "needs onnx, which is another package"}


def test_lengths_are_timed_first_and_again_and_a_broken_mode_is_a_reason() -> None:
    def make() -> Any:
        seen = set()

        def step(x: np.ndarray, y: np.ndarray) -> float:
            if x.shape[1] not in seen:
                seen.add(x.shape[1])
                np.linalg.svd(np.ones((150, 150)))
            return 0.0

        return step

    def broken() -> Any:
        raise RuntimeError("no compiler\nhere")

    example("dynamic", BRANCH="a plain Python `if`", MODES={"eager": make, "compile": broken})
    found = probe.dynamic({"framework": "fake"})
    eager = found["modes"]["eager"]
    assert len(eager["first_seconds"]) == len(eager["again_seconds"]) == len(probe.LENGTHS)
    assert np.median(eager["first_seconds"]) > np.median(eager["again_seconds"])
    assert found["modes"]["compile"] == {"reason": "RuntimeError: no compiler here"}
