"""The ceiling of the machine: measured once a run; the best counts; reports set against it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench import load_run
from bench.records.beside import CeilingFile, written
from bench.records.door import parse
from bench.records.record import SCHEMA, Request
from bench.records.results import Results
from bench.records.store import Run, write_json
from bench.run import ceiling
from bench.run.environments import Environment
from bench.worker import probe
from tasks import flops
from tasks.catalogue.every import TASKS
from tests.support.records import about, record, run_file, stored

ANSWERS: dict[str, dict[str, Any]] = {
    "pytorch": {"fp32": {"flops": 4e11}, "copy": {"bytes_per_second": 1e9}},
    "mxnet": {"fp32": {"flops": 1e9}, "bf16": {"reason": "no bf16"}, "copy": {"reason": "none"}},
    "jax": {"reason": "the process died"},
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run.create(tmp_path / "run", run_file())
    contenders = (("pytorch:eager", 0.1), ("mxnet:hybrid", 0.2))
    stored(made, (record(name, block, s) for block in range(3) for name, s in contenders))
    return made


def ceiling_file(answers: dict[str, dict[str, Any]]) -> CeilingFile:
    asked = {"schema": SCHEMA, "device": "cpu", "threads": 2, "precisions": ["fp32", "bf16"]}
    return parse(json.dumps(asked | {"answers": answers}), CeilingFile, ceiling.FILE)


def test_the_best_of_all_counts_and_reasons_are_no_rates() -> None:
    measured = ceiling_file(ANSWERS)
    found = ceiling.best(measured, "fp32")
    assert found == ceiling.Ceiling("fp32", 4e11, "pytorch", 1e9)
    assert ceiling.best(measured, "bf16") is None
    assert ceiling.best(ceiling_file({}), "fp32") is None
    assert ceiling.best(None, "fp32") is None


def test_achieved_is_the_count_of_the_task_times_its_throughput(run: Run) -> None:
    fnn = next(t for t in TASKS if t.name == "fnn-mnist")
    frame = load_run(run.path).set_index(["implementation", "metric"])["value"]
    for phase, count in (("train", flops.training(fnn)), ("infer", flops.forward(fnn))):
        per_second = frame["pytorch:eager", f"{phase}_throughput"]
        assert frame["pytorch:eager", f"{phase}_flops"] == pytest.approx(count * per_second)


def test_it_is_measured_once_by_every_environment_that_is_ready(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def ask(entry: dict[str, Any], environment: Environment) -> dict[str, Any]:
        asked.append(entry)
        return ANSWERS[entry["framework"]]

    monkeypatch.setattr(ceiling.probes, "ask", ask)
    ready = {n: Environment(n, "ready", sys.executable) for n in ("pytorch", "mxnet")}
    ready["jax"] = Environment("jax", "missing", "")
    request = Request("smoke", ("fnn-mnist",), (), "cuda", "fp32", threads=3)
    said: list[str] = []
    for _ in range(2):
        ceiling.measure(run, request, ready, said.append)
    assert [one["framework"] for one in asked] == ["mxnet", "pytorch"]
    assert asked[0]["precisions"] == ["fp32", "tf32", "bf16"]  # a GPU's are all of interest
    assert (asked[0]["device"], asked[0]["threads"]) == ("cuda", 3)
    assert len(said) == 2
    kept = run.beside(ceiling.FILE, CeilingFile)
    assert kept is not None
    assert kept.answers == ceiling_file({n: ANSWERS[n] for n in ("mxnet", "pytorch")}).answers


def test_the_probe_counts_operations_and_bytes_and_gives_reasons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A made-up framework that multiplies by NumPy and has no bfloat16."""
    module = ModuleType("adapters.made_up.programs.product")

    def product(a: np.ndarray, b: np.ndarray, device: str, precision: str) -> Any:
        if precision == "bf16":
            raise NotImplementedError("no bf16 here")
        return lambda: a @ b

    vars(module).update(product=product, copy=lambda x, device: lambda: x.copy())
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(probe, "PRODUCT", {"cpu": 64})
    monkeypatch.setattr(probe, "COPY_BYTES", {"cpu": 4096})
    monkeypatch.setattr(probe, "_seconds", lambda call: 0.5)
    monkeypatch.setattr(probe.os, "sched_setaffinity", lambda pid, cores: None)
    request = {"framework": "made_up", "device": "cpu", "threads": 1}
    found = probe.ceiling(request | {"precisions": ["fp32", "bf16"]})
    assert found["fp32"]["flops"] == 2 * 64**3 / 0.5
    assert "no bf16 here" in found["bf16"]["reason"]
    assert found["copy"]["bytes_per_second"] == 2 * 4096 / 0.5


def test_older_runs_have_it_in_their_evidence(run: Run) -> None:
    answer = {"flops": 2e9, "copy_bytes_per_second": 3e9}
    one = {"request": {"part": "ceiling", "framework": "mxnet"}, "answer": answer}
    kept = {
        "schema": SCHEMA,
        "created": "2026-11-20T12:00:00+00:00",
        "machine": about()["machine"],
        "threads": 2,
        "answers": {"ceiling~mxnet": one},
    }
    write_json(run.path / "evidence.json", kept)
    read = Results.read(run)
    assert ceiling.best(read.ceiling, "fp32") == ceiling.Ceiling("fp32", 2e9, "mxnet", 3e9)
    write_json(run.path / ceiling.FILE, written(ceiling_file(ANSWERS)))
    newer = ceiling.best(Results.read(run).ceiling, "fp32")  # a file of its own comes first
    assert newer == ceiling.Ceiling("fp32", 4e11, "pytorch", 1e9)
