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
from bench.plan.request import Request
from bench.records import tidy
from bench.records.metrics import metric
from bench.records.store import Run
from bench.report import achieved, charts, tables
from bench.run import ceiling
from bench.run.environments import Environment
from bench.worker import probe
from tasks import flops
from tasks.catalogue.every import TASKS
from tests.bench.records.test_table import ABOUT
from tests.support.records import record

ANSWERS = {
    "pytorch": {"fp32": {"flops": 4e11}, "copy": {"bytes_per_second": 1e9}},
    "mxnet": {"fp32": {"flops": 1e9}, "bf16": {"reason": "no bf16"}, "copy": {"reason": "none"}},
    "jax": {"reason": "the process died"},
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run.create(tmp_path / "run", ABOUT)
    for block in range(3):
        made.add(f"p{block}", record("pytorch:eager", block, 0.1))
        made.add(f"m{block}", record("mxnet:hybrid", block, 0.2))
    return made


def written(run: Run) -> Run:
    (run.path / ceiling.FILE).write_text(json.dumps({"schema": 1, "answers": ANSWERS}))
    return run


def test_the_best_of_all_counts_and_reasons_are_no_rates() -> None:
    found = ceiling.best(ANSWERS, "fp32")
    assert found == ceiling.Ceiling("fp32", 4e11, "pytorch", 1e9)
    assert ceiling.best(ANSWERS, "bf16") is None
    assert ceiling.best({}, "fp32") is None


def test_achieved_is_the_count_of_the_task_times_its_throughput(run: Run) -> None:
    fnn = next(t for t in TASKS if t.name == "fnn-mnist")
    frame = load_run(run.path).set_index(["implementation", "metric"])["value"]
    for phase, count in (("train", flops.training(fnn)), ("infer", flops.forward(fnn))):
        per_second = frame["pytorch:eager", f"{phase}_throughput"]
        assert frame["pytorch:eager", f"{phase}_flops"] == pytest.approx(count * per_second)


def test_a_report_shows_the_share_of_the_ceiling_and_names_it(run: Run) -> None:
    assert all(not one.work for one in tables.task_tables(run))
    groups = tidy.by_cell(list(written(run).records().values()))
    mine = next(g for c, g in groups.items() if c.implementation == "pytorch:eager")
    (one,) = tables.task_tables(run)
    assert [row[0] for row in one.work] == ["pytorch:eager", "mxnet:hybrid"]
    speed = tidy.estimate(metric("train_flops"), mine)
    assert speed is not None
    assert one.work[0][2] == achieved.share(speed.value / 4e11)
    assert any("400 GFLOP/s in fp32 (pytorch)" in note and "1.0 GB/s" in note for note in one.notes)
    assert "| implementation | training GFLOP/s | of the ceiling |" in tables.markdown(run)
    drawn = [chart.chart.name for chart in charts.write(run, run.path)]
    assert "ceiling" in drawn


@pytest.mark.parametrize(
    "part,shown", [(0.3712, "37%"), (0.0042, "0.42%"), (1.04, "104%"), (0.999, "100%")]
)
def test_shares_are_told_with_two_digits(part: float, shown: str) -> None:
    assert achieved.share(part) == shown


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
    assert ceiling.load(run) == {n: ANSWERS[n] for n in ("mxnet", "pytorch")}


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
    (run.path / "evidence.json").write_text(json.dumps({"answers": {"ceiling~mxnet": one}}))
    assert ceiling.best(ceiling.load(run), "fp32") == ceiling.Ceiling("fp32", 2e9, "mxnet", 3e9)
