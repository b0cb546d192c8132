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
from bench.records.record import Outcome, Record, failure_record
from bench.records.results import Results
from bench.records.store import Run
from bench.report import exporting
from bench.report.exporting import Options
from bench.report.exports import pytest_benchmark
from bench.run.environments import PROJECT
from tasks.errors import UserError
from tests.support.command import bench
from tests.support.records import about, certificate, job, record, results, run_file, stored

CONTENDERS = ("pytorch:eager", "keras:tensorflow", "mxnet:hybrid", "tensorflow:graph")
PUBLISHED = PROJECT / "results" / "cpu-quick"


def made() -> list[Record]:
    """One good cell, one timeout, one unsupported, and one the run never came to."""
    slow = failure_record(job("keras:tensorflow", 0), Outcome("timeout", "100%\n::error::,<b>\x07"))
    cannot = failure_record(job("mxnet:hybrid", 0), Outcome("unsupported", "no such layer"))
    good = [record("pytorch:eager", block, 0.1 + 0.01 * block) for block in range(3)]
    return [certificate(), slow, cannot, *good]


@pytest.fixture
def run() -> Results:
    return results(made(), about(implementations=CONTENDERS))


@pytest.fixture
def on_disk(tmp_path: Path) -> Path:
    """The same as a run directory; its folder."""
    created = Run.create(tmp_path / "run", run_file(about(implementations=CONTENDERS)))
    stored(created, made())
    return tmp_path


@pytest.fixture(scope="module")
def published() -> Results:
    return Results.read(Run.open(PUBLISHED))


def export(name: str, of: Results, options: Options = Options()) -> str:  # noqa: B008
    text: str = exporting.formats()[name].export(of, options)
    return text


def test_every_format_is_found() -> None:
    assert set(exporting.formats()) == {
        "pytest-benchmark", "github-action", "bencher", "junit", "step-summary", "annotations",
        "mllog",
    }  # fmt: skip


def test_pytest_benchmark_compares_two_exported_runs(tmp_path: Path, published: Results) -> None:
    for name in ("base", "new"):
        (tmp_path / f"{name}.json").write_text(export("pytest-benchmark", published))
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", "base.json", "new.json",
         "--group-by", "fullname", "--csv", "c.csv"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "c.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * 4 * 5  # runs × implementations × phases
    assert sum("train[pytorch:eager/cpu/fp32/2t]" in row for row in rows) == 2, rows[1]


def test_pytest_benchmarks_samples_are_launches(published: Results) -> None:
    made = json.loads(export("pytest-benchmark", published))
    for entry in made["benchmarks"]:
        assert entry["stats"]["rounds"] == 5
        assert len(entry["stats"]["data"]) == 5


def test_statistics_are_pytest_benchmarks_own() -> None:
    """The same rounds through pytest-benchmark, as its record holds them, and through ours."""
    for path in sorted((PUBLISHED / "launches").glob("*.json")):
        for entry in json.loads(path.read_text())["benchmarks"]:
            theirs = entry["stats"]
            ours = pytest_benchmark.statistics(np.array(theirs["data"]))
            assert ours.keys() == theirs.keys()
            for key in ("min", "max", "mean", "stddev", "median", "rounds", "ops", "total"):
                assert ours[key] == pytest.approx(theirs[key]), key


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_github_action_holds_one_direction(better: Any, published: Results) -> None:
    rows = json.loads(export("github-action", published, Options(better)))
    frame = load_run(PUBLISHED)
    judged = frame["metric"].isin([m.name for m in METRICS])
    wanted = frame[judged & (frame["better"] == better) & (frame["label"] == "")]
    assert sorted(row["value"] for row in rows) == pytest.approx(sorted(wanted["value"]))
    for row in rows:
        assert {"name", "unit", "value"} <= row.keys()
        assert isinstance(row["value"], float)


def test_bencher_metric_format_follows_its_schema(published: Results) -> None:
    """Benchmark → measure → value, lower_value, upper_value; names within Bencher's lengths."""
    made = json.loads(export("bencher", published))
    assert len(made) == 4
    for name, measures in made.items():
        assert 0 < len(name) <= 1024
        for measure, value in measures.items():
            assert 0 < len(measure) <= 64
            assert value.keys() == {"value", "lower_value", "upper_value"}
            assert value["lower_value"] <= value["value"] <= value["upper_value"]


def test_one_launch_has_no_interval_and_no_nan() -> None:
    single = results([record()])
    text = export("bencher", single)
    assert "NaN" not in text
    assert all(v.keys() == {"value"} for v in next(iter(json.loads(text).values())).values())
    assert "NaN" not in export("github-action", single, Options("lower"))


def test_junit_counts_what_failed_and_what_never_ran(run: Results) -> None:
    suite = ElementTree.fromstring(export("junit", run).encode())
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


def test_the_summary_begins_with_what_failed_and_has_no_markup(
    run: Results, published: Results
) -> None:
    text = export("step-summary", run)
    assert text.startswith("**Cells that did not end well:**")
    assert text.count("- **fnn-mnist/") == 3
    assert "<b>" not in text
    assert "![" not in text
    assert export("step-summary", published).startswith("# Deep-learning frameworks")
    assert "](report.md)" not in text


def test_an_annotation_is_one_line_whatever_the_reason(run: Results) -> None:
    lines = export("annotations", run).splitlines()
    assert len(lines) == 4
    title = "fnn-mnist/keras%3Atensorflow/cpu/fp32/2t"
    assert f"::error title={title}::timeout: 100%25%0A::error::,<b>\x07 (1 of 1 launches)" in lines
    assert any(line.startswith("::warning") and "unsupported" in line for line in lines)
    assert any(line.startswith("::warning") and "are not checked" in line for line in lines)


def test_an_empty_run_is_red_everywhere(tmp_path: Path) -> None:
    empty = Run.create(tmp_path / "run", run_file(about(implementations=CONTENDERS)))
    read = Results.read(empty)
    suite = ElementTree.fromstring(export("junit", read).encode())
    assert suite.get("failures") == suite.get("tests") == "4"
    assert export("annotations", read).count("::error") == 5
    numbers = [n for n, module in exporting.formats().items() if not module.SHOWS_FAILURES]
    assert len(numbers) == 4
    for name in numbers:
        with pytest.raises(UserError, match="nothing was measured"):
            export(name, read)
    done = bench("export", str(empty.path), "--format", "bencher", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing was measured" in done.stderr


def test_mlperf_parses_every_line(tmp_path: Path, published: Results) -> None:
    pytest.importorskip("mlperf_logging", reason="mlperf-logging is not installed")
    from mlperf_logging.compliance_checker.mlp_parser import parse_file
    from mlperf_logging.mllog import constants

    log = tmp_path / "result_0.txt"
    log.write_text(export("mllog", published))
    parsed, errors = parse_file(str(log), "6.1.0")
    assert errors == []
    known = {v for k, v in vars(constants).items() if k.isupper() and isinstance(v, str)}
    assert {line.key for line in parsed} <= known
    assert sum(line.key == "run_stop" for line in parsed) == 4 * 5
    one = [p for p in parsed if p.value["metadata"]["launch"].startswith("b000~fnn-mnist~pytorch")]
    starts = [p.timestamp for p in one if p.key == "epoch_start"]
    stops = [p.timestamp for p in one if p.key == "epoch_stop"]
    name = one[0].value["metadata"]["launch"]
    (launch,) = [x for x in published.launches if x.job.id == name]
    assert [b - a for a, b in zip(starts, stops, strict=True)] == pytest.approx(
        [1000 * s for s in launch.rounds("learn")], abs=1.0
    )
    scores = [p.value["value"] for p in one if p.key == "eval_accuracy"]
    assert len(scores) == 5
    assert [p.timestamp for p in one] == sorted(p.timestamp for p in one)


@pytest.mark.parametrize(("seconds", "status"), [(1.5, "success"), (None, "aborted")])
def test_a_missed_target_is_no_success(seconds: float | None, status: str) -> None:
    launch = record()
    launch["launch"]["readings"] |= {"time_to_target": seconds, "epoch_scores": [0.9] * 20}
    last = export("mllog", results([launch])).splitlines()[-1]
    assert json.loads(last.removeprefix(":::MLLOG "))["metadata"]["status"] == status


def test_without_a_training_there_is_no_mllog() -> None:
    bare = record()
    bare["benchmarks"] = [b for b in bare["benchmarks"] if b["extra_info"]["phase"] != "learn"]
    with pytest.raises(UserError, match="no launch of this run holds a training"):
        export("mllog", results([bare]))


def test_what_a_format_cannot_hold_is_said(on_disk: Path) -> None:
    done = bench("export", "run", "--format", "bencher", "--out", "o.json", cwd=on_disk)
    assert done.returncode == 0, done.stderr
    assert "left out: fnn-mnist/keras:tensorflow/cpu/fp32/2t: timeout" in done.stderr
    assert list(json.loads((on_disk / "o.json").read_text())) == [
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
def test_a_mistake_is_exit_2(on_disk: Path, arguments: list[str], words: str) -> None:
    done = bench("export", *arguments, cwd=on_disk)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
