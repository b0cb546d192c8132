"""Exports: each format as its own tool or schema reads it; failures are never left unsaid."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from bench import load_run
from bench.records.metrics import METRICS
from bench.records.record import Outcome, failure_record
from bench.records.store import Run
from bench.report.exports import ci, formats
from tasks.errors import UserError
from tests.bench.cli.test_cli import bench
from tests.bench.history.test_history import PUBLISHED
from tests.support.records import certificate, job, record

CONTENDERS = ("pytorch:eager", "keras:tensorflow", "mxnet:hybrid", "tensorflow:graph")
FORMATS = (
    "pytest-benchmark", "github-action", "bencher", "junit", "step-summary", "annotations", "mllog",
)  # fmt: skip
ABOUT: dict[str, Any] = {
    "created": "2026-01-01T00:00:00+00:00",
    "command": "bench run",
    "machine": {"cpu": "c"},
    "datasets": {"fnn-mnist": {"id": "digits", "rows": [4000, 1000]}},
    "request": {
        "profile": "quick", "tasks": ["fnn-mnist"], "implementations": list(CONTENDERS),
        "device": "cpu", "precision": "fp32", "threads": 2, "measure": True,
    },
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """One good cell, one timeout, one unsupported, and one the run never came to."""
    made = Run.create(tmp_path / "run", ABOUT)
    slow = failure_record(job("keras:tensorflow", 0), Outcome("timeout", "100%\n::error::,<b>\x07"))
    cannot = failure_record(job("mxnet:hybrid", 0), Outcome("unsupported", "no such layer"))
    good = [record("pytorch:eager", block, 0.1 + 0.01 * block) for block in range(3)]
    for each in [certificate(), slow, cannot, *good]:
        made.add(each["launch"]["job"]["id"], each)
    return made


def published() -> Run:
    return Run.open(PUBLISHED)


def records(run: Run) -> list[Any]:
    return list(run.records().values())


def test_pytest_benchmark_compares_two_exported_runs(tmp_path: Path) -> None:
    for name in ("base", "new"):
        text = formats.pytest_benchmark(published().about(), records(published()))
        (tmp_path / f"{name}.json").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", "base.json", "new.json",
         "--group-by", "fullname", "--csv", "c.csv"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "c.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * 4 * 5  # runs × implementations × phases
    assert sum("train[pytorch:eager/cpu/fp32/2t]" in row for row in rows) == 2, rows[1]


def test_pytest_benchmarks_samples_are_launches() -> None:
    made = json.loads(formats.pytest_benchmark(published().about(), records(published())))
    for entry in made["benchmarks"]:
        assert entry["stats"]["rounds"] == 5
        assert len(entry["stats"]["data"]) == 5


def test_statistics_are_pytest_benchmarks_own() -> None:
    """The same rounds through pytest-benchmark, as its record holds them, and through ours."""
    for each in records(published()):
        for entry in each["benchmarks"]:
            theirs = entry["stats"]
            ours = formats._statistics(np.array(theirs["data"]))
            assert ours.keys() == theirs.keys()
            for key in ("min", "max", "mean", "stddev", "median", "rounds", "ops", "total"):
                assert ours[key] == pytest.approx(theirs[key]), key


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_github_action_holds_one_direction(better: Any) -> None:
    rows = json.loads(formats.github_action(records(published()), better))
    frame = load_run(PUBLISHED)
    judged = frame["metric"].isin([m.name for m in METRICS])
    wanted = frame[judged & (frame["better"] == better) & (frame["label"] == "")]
    assert sorted(row["value"] for row in rows) == pytest.approx(sorted(wanted["value"]))
    for row in rows:
        assert {"name", "unit", "value"} <= row.keys()
        assert isinstance(row["value"], float)


def test_bencher_metric_format_follows_its_schema() -> None:
    """Benchmark → measure → value, lower_value, upper_value; names within Bencher's lengths."""
    made = json.loads(formats.bencher(records(published())))
    assert len(made) == 4
    for name, measures in made.items():
        assert 0 < len(name) <= 1024
        for measure, value in measures.items():
            assert 0 < len(measure) <= 64
            assert value.keys() == {"value", "lower_value", "upper_value"}
            assert value["lower_value"] <= value["value"] <= value["upper_value"]


def test_one_launch_has_no_interval_and_no_nan() -> None:
    text = formats.bencher([record()])
    assert "NaN" not in text
    assert all(v.keys() == {"value"} for v in next(iter(json.loads(text).values())).values())
    assert "NaN" not in formats.github_action([record()], "lower")


def test_junit_counts_what_failed_and_what_never_ran(run: Run) -> None:
    suite = ElementTree.fromstring(ci.junit(run).encode())
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped")} == {
        "tests": "4", "failures": "2", "skipped": "1",
    }  # fmt: skip
    cases = {c.get("name", "").split("/")[0]: c for c in suite.iter("testcase")}
    failure = cases["keras:tensorflow"].find("failure")
    assert failure is not None
    assert "100%" in failure.get("message", "")
    assert cases["mxnet:hybrid"].find("skipped") is not None
    incomplete = cases["tensorflow:graph"].find("failure")
    assert incomplete is not None
    assert incomplete.get("type") == "incomplete"
    assert len(cases["pytorch:eager"]) == 0
    assert float(cases["pytorch:eager"].get("time", "0")) > 1


def test_the_summary_begins_with_what_failed_and_has_no_markup(run: Run) -> None:
    text = ci.step_summary(run)
    assert text.startswith("**Cells that did not end well:**")
    assert text.count("- **fnn-mnist/") == 3
    assert "<b>" not in text
    assert "![" not in text
    assert ci.step_summary(published()).startswith("# Benchmark run")


def test_an_annotation_is_one_line_whatever_the_reason(run: Run) -> None:
    lines = ci.workflow_commands(run).splitlines()
    assert len(lines) == 4
    title = "fnn-mnist/keras%3Atensorflow/cpu/fp32/2t"
    assert f"::error title={title}::timeout: 100%25%0A::error::,<b>\x07 (1 of 1 launches)" in lines
    assert any(line.startswith("::warning") and "unsupported" in line for line in lines)
    assert any(line.startswith("::warning") and "noise floor" in line for line in lines)


def test_an_empty_run_is_red_everywhere(tmp_path: Path) -> None:
    empty = Run.create(tmp_path / "run", ABOUT)
    suite = ElementTree.fromstring(ci.junit(empty).encode())
    assert suite.get("failures") == suite.get("tests") == "4"
    assert ci.workflow_commands(empty).count("::error") == 5
    for form in set(FORMATS) - {"junit", "step-summary", "annotations"}:
        done = bench("export", str(empty.path), "--format", form, cwd=tmp_path)
        assert done.returncode == 2
        assert "nothing was measured" in done.stderr
        assert done.stdout == ""


def test_mlperf_parses_every_line(tmp_path: Path) -> None:
    pytest.importorskip("mlperf_logging", reason="mlperf-logging is not installed")
    from mlperf_logging.compliance_checker.mlp_parser import parse_file
    from mlperf_logging.mllog import constants

    log = tmp_path / "result_0.txt"
    log.write_text(formats.mllog(published().about(), records(published())))
    parsed, errors = parse_file(str(log), "6.1.0")
    assert errors == []
    known = {v for k, v in vars(constants).items() if k.isupper() and isinstance(v, str)}
    assert {line.key for line in parsed} <= known
    assert sum(line.key == "run_stop" for line in parsed) == 4 * 5
    one = [p for p in parsed if p.value["metadata"]["launch"].startswith("b000~fnn-mnist~pytorch")]
    starts = [p.timestamp for p in one if p.key == "epoch_start"]
    stops = [p.timestamp for p in one if p.key == "epoch_stop"]
    measured = published().records()[one[0].value["metadata"]["launch"]]["benchmarks"][0]
    assert [b - a for a, b in zip(starts, stops, strict=True)] == pytest.approx(
        [1000 * s for s in measured["stats"]["data"]], abs=1.0
    )
    scores = [p.value["value"] for p in one if p.key == "eval_accuracy"]
    assert len(scores) == 5
    assert [p.timestamp for p in one] == sorted(p.timestamp for p in one)


def test_a_missed_target_is_no_success() -> None:
    about = {**ABOUT, "machine": {"cpu": "c"}}
    for reached, status in ((1.5, "success"), (None, "aborted")):
        made = record()
        made["launch"]["readings"] |= {"time_to_target": reached, "epoch_scores": [0.9] * 20}
        last = formats.mllog(about, [made]).splitlines()[-1]
        assert json.loads(last.removeprefix(":::MLLOG "))["metadata"]["status"] == status


def test_without_a_training_there_is_no_mllog() -> None:
    bare = record()
    bare["benchmarks"] = [b for b in bare["benchmarks"] if b["extra_info"]["phase"] != "learn"]
    with pytest.raises(UserError, match="no launch of this run holds a training"):
        formats.mllog(ABOUT, [bare])


def test_what_a_format_cannot_hold_is_said(run: Run, tmp_path: Path) -> None:
    done = bench("export", "run", "--format", "bencher", "--out", "o.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "left out: fnn-mnist/keras:tensorflow/cpu/fp32/2t: timeout" in done.stderr
    assert list(json.loads((tmp_path / "o.json").read_text())) == [
        "fnn-mnist/pytorch:eager/cpu/fp32/2t"
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "--format", "junit"], "does not exist"),
        (["run", "--format", "junit", "--out", "no/such/folder/x"], "cannot write"),
        (["run", "--format", "excel"], "excel"),
    ],
)
def test_a_mistake_is_exit_2(run: Run, tmp_path: Path, arguments: list[str], words: str) -> None:
    done = bench("export", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
