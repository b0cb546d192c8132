"""The figure: right ratios, no cell lost, the same bytes from the same records."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import figures, table
from bench.record import Outcome, failure_record
from bench.store import Run
from tests.records import job, record
from tests.test_table import ABOUT


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run.create(tmp_path / "run", ABOUT)
    for block in range(4):
        made.add(f"p{block}", record("pytorch:eager", block, 0.1))
        made.add(f"m{block}", record("mxnet:hybrid", block, 0.2))
        made.add(f"a{block}", record("pytorch:eager", block, 0.1, "A/A"))
    made.add("k", failure_record(job("keras:tensorflow", 0), Outcome("timeout", "stopped")))
    return made


def test_ratios_are_against_the_fastest_and_leave_the_copy_out(run: Run) -> None:
    found = figures.ratios(table.by_cell(list(run.records().values())), "train_throughput")
    by_name = found.set_index("implementation")
    assert list(by_name["fastest"].unique()) == ["pytorch:eager"]
    assert by_name.loc["mxnet:hybrid", "ratio"] == pytest.approx(0.5, rel=0.02)
    assert by_name.loc["pytorch:eager", "ratio"] == 1.0
    assert sorted(by_name.index) == ["mxnet:hybrid", "pytorch:eager"]


def test_a_failed_cell_is_named_in_the_picture(run: Run) -> None:
    figure = figures.speed_figure(run)
    assert figure is not None
    assert "keras:tensorflow (timeout)" in " ".join(t.get_text() for t in figure.texts)


def test_the_same_records_give_the_same_bytes(run: Run, tmp_path: Path) -> None:
    drawn = []
    for name in ("one", "two"):
        out = tmp_path / name
        out.mkdir()
        drawn.append([path.read_bytes() for path in figures.write(run, out)])
    assert drawn[0] == drawn[1] and len(drawn[0]) == 2


def test_nothing_measured_is_no_picture(tmp_path: Path) -> None:
    assert figures.write(Run.create(tmp_path / "run", ABOUT), tmp_path) == []
