"""What a report writes of a run: its failures, its A/A pair, and the table as data."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bench import load_run
from bench.records.record import Outcome, failure_record
from bench.records.results import Results
from bench.records.store import Run
from bench.report import publish
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


def test_markdown_shows_failures_the_a_a_pair_and_no_markup(run: Run) -> None:
    publish.write(Results.read(run), run.path)
    text = (run.path / "report.md").read_text()
    assert "A/A (one implementation with itself" in text
    assert "timeout" in text
    assert "<b>" not in text
    assert "bench run --profile quick --tasks fnn-mnist --implementations" in text


def test_csv_reads_back_as_the_table(run: Run, tmp_path: Path) -> None:
    publish.write(Results.read(run), tmp_path / "out")
    again = pd.read_csv(tmp_path / "out" / "table.csv", keep_default_na=False)
    assert len(again) == len(load_run(run.path))
