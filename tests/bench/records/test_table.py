"""From records to the tidy table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench import load_run
from bench.records import tidy
from bench.records.metrics import METRICS, WORK_METRICS
from bench.records.record import Outcome, failure_record
from bench.records.store import Run
from tests.support.records import about, certificate, job, record, run_file


@pytest.fixture
def run(tmp_path: Path) -> Run:
    raw = about(implementations=("pytorch:eager", "mxnet:hybrid", "keras:tensorflow"))
    raw["machine"]["cpu"] = "a|b"
    made = Run.create(tmp_path / "run", run_file(raw))
    records = [certificate(), certificate("mxnet:hybrid", passed=False)]
    for block in range(5):
        records.append(record("pytorch:eager", block, 0.1 * (1 + 0.01 * block)))
        records.append(record("pytorch:eager", block, 0.1 * (1 + 0.012 * block), "A/A"))
    broken = failure_record(job("keras:tensorflow", 0), Outcome("timeout", "stopped <b>after</b>"))
    for each in [*records, broken]:
        made.add(each["launch"]["job"]["id"], each)
    return made


def test_tidy_has_the_documented_columns_and_every_metric(run: Run) -> None:
    frame = load_run(run.path)
    assert list(frame.columns) == list(tidy.COLUMNS)
    mine = frame[(frame["implementation"] == "pytorch:eager") & (frame["label"] == "")]
    assert sorted(mine["metric"]) == sorted(m.name for m in METRICS + WORK_METRICS)
    assert set(mine["certificate"]) == {"passed"}
    documented = Path(__file__).parents[3].joinpath("results", "README.md").read_text()
    for name in [*tidy.COLUMNS, *(m.name.rsplit("_p9")[0] for m in METRICS + WORK_METRICS)]:
        assert name in documented, name


def test_the_division_of_every_row_is_its_jobs(tmp_path: Path) -> None:
    made = Run.create(tmp_path / "run", run_file(about(implementations=("keras:fit", "mxnet:x"))))
    for name, division in (("keras:fit", "documented"), ("mxnet:x", "tuned")):
        measured = record(name, 0)
        measured["launch"]["job"]["division"] = division
        made.add(measured["launch"]["job"]["id"], measured)
    frame = load_run(made.path)
    told = set(frame[["implementation", "division"]].itertuples(index=False, name=None))
    assert told == {("keras:fit", "documented"), ("mxnet:x", "tuned")}


def test_throughput_is_samples_over_the_median_round(run: Run) -> None:
    frame = load_run(run.path)
    row = frame[(frame["metric"] == "train_throughput") & (frame["label"] == "")].iloc[0]
    first = run.records()[job("pytorch:eager", 0).id]
    expected = 20000 / np.median(first.rounds("train"))
    assert row["value"] == pytest.approx(expected, rel=0.05)
    assert row["low"] < row["value"] < row["high"]
    assert row["launches"] == 5


def test_a_failed_cell_is_a_row_with_its_reason(run: Run) -> None:
    frame = load_run(run.path)
    by_name = frame[frame["metric"] == ""].set_index("implementation")
    assert by_name.loc["keras:tensorflow", "status"] == "timeout"
    assert by_name.loc["mxnet:hybrid", "status"] == "unverified"
    assert by_name.loc["mxnet:hybrid", "certificate"] == "refused"
