"""From records to the tidy table, the printed tables and Markdown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import load_run
from bench.records import tidy
from bench.records.metrics import METRICS, WORK_METRICS, rounds
from bench.records.record import Outcome, failure_record
from bench.records.store import Run
from bench.report import publish, tables
from tests.support.records import certificate, job, record

ABOUT = {
    "created": "2026-01-01T00:00:00+00:00",
    "command": "bench run",
    "machine": {"cpu": "a|b"},
    "datasets": {"fnn-mnist": {"id": "some-digits"}},
    "request": {
        "profile": "quick", "tasks": ["fnn-mnist"], "implementations": [], "device": "cpu",
        "precision": "fp32", "threads": 2,
    },
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run.create(tmp_path / "run", ABOUT)
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


def test_throughput_is_samples_over_the_median_round(run: Run) -> None:
    frame = load_run(run.path)
    row = frame[(frame["metric"] == "train_throughput") & (frame["label"] == "")].iloc[0]
    first = run.records()[job("pytorch:eager", 0).id]
    expected = 20000 / np.median(rounds(first, "train"))
    assert row["value"] == pytest.approx(expected, rel=0.05)
    assert row["low"] < row["value"] < row["high"]
    assert row["launches"] == 5


def test_a_failed_cell_is_a_row_with_its_reason(run: Run) -> None:
    frame = load_run(run.path)
    by_name = frame[frame["metric"] == ""].set_index("implementation")
    assert by_name.loc["keras:tensorflow", "status"] == "timeout"
    assert by_name.loc["mxnet:hybrid", "status"] == "unverified"
    assert by_name.loc["mxnet:hybrid", "certificate"] == "refused"


def test_markdown_shows_failures_the_floor_and_no_markup(run: Run) -> None:
    text = tables.markdown(run)
    assert "Noise floor" in text
    assert "timeout" in text
    assert "<b>" not in text
    assert "bench run --profile quick --tasks 'fnn-mnist'" in text


def test_csv_reads_back_as_the_table(run: Run, tmp_path: Path) -> None:
    publish.write(run, tmp_path / "out")
    again = pd.read_csv(tmp_path / "out" / "table.csv", keep_default_na=False)
    assert len(again) == len(load_run(run.path))
