"""The charts: right numbers, no cell lost, the same bytes from the same records."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bench.discover import implementations
from bench.judge.questions import Groups
from bench.records import tidy
from bench.records.record import Cell, Outcome, failure_record
from bench.records.store import Run
from bench.report import charts
from bench.report.figures import drawing, learning, speed
from tests.bench.records.test_table import ABOUT
from tests.support.records import job, record

NAMES = {"speed", "throughput", "learning", "cold_start", "latency", "memory", "noise"}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run.create(tmp_path / "run", ABOUT)
    for block in range(4):
        made.add(f"p{block}", record("pytorch:eager", block, 0.1))
        made.add(f"m{block}", record("mxnet:hybrid", block, 0.2))
        made.add(f"a{block}", record("pytorch:eager", block, 0.1, "A/A"))
    made.add("k", failure_record(job("keras:tensorflow", 0), Outcome("timeout", "stopped")))
    return made


@pytest.fixture
def groups(run: Run) -> Groups:
    return tidy.by_cell(list(run.records().values()))


def test_ratios_are_against_the_fastest_and_leave_the_copy_out(groups: Groups) -> None:
    found = speed.ratios(groups, "train_throughput")
    by_name = found.set_index("implementation")
    assert list(by_name["fastest"].unique()) == ["pytorch:eager"]
    assert by_name.loc["mxnet:hybrid", "value"] == pytest.approx(0.5, rel=0.02)
    assert by_name.loc["pytorch:eager", "value"] == 1.0
    assert sorted(by_name.index) == ["mxnet:hybrid", "pytorch:eager"]


def test_a_failed_cell_is_named_in_every_chart_of_cells(groups: Groups) -> None:
    for chart in charts.CHARTS:
        figure = chart.draw(groups, ABOUT)
        if figure is not None and chart.name != "noise":  # one implementation's, not the cells'
            shown = " ".join(t.get_text() for t in figure.texts)
            assert "keras:tensorflow (timeout)" in shown, chart.name


def test_the_same_records_give_the_same_bytes(run: Run, tmp_path: Path) -> None:
    drawn = []
    for name in ("one", "two"):
        out = tmp_path / name
        out.mkdir()
        made = charts.write(run, out)
        assert {one.chart.name for one in made} == NAMES
        drawn.append([path.read_bytes() for one in made for path in (one.svg, one.png)])
    assert drawn[0] == drawn[1]


def test_every_chart_says_how_it_is_read_and_has_axes_with_names(groups: Groups) -> None:
    for chart in charts.CHARTS:
        assert len(chart.reading) > 40
        figure = chart.draw(groups, ABOUT)
        if figure is not None:
            named = [a.get_xlabel() for a in figure.axes if a.get_visible()]
            overall = figure.get_supxlabel()
            assert all(named) or overall, chart.name


def test_nothing_measured_is_no_picture(tmp_path: Path) -> None:
    assert charts.write(Run.create(tmp_path / "run", ABOUT), tmp_path) == []


def test_intervals_are_those_of_the_table(groups: Groups) -> None:
    shown = speed.values(groups, "peak_rss").set_index("implementation")
    assert shown.loc["mxnet:hybrid", "value"] == pytest.approx(2**28)


def test_the_learning_curve_is_scores_over_training_seconds() -> None:
    seconds, scores = learning.curve(record(seconds=0.5))
    assert scores.tolist() == [0.8, 0.9]
    assert seconds[1] == pytest.approx(1.0, rel=0.02)


def test_ranks_need_three_tasks_and_join_what_is_near() -> None:
    groups = tidy.by_cell(
        [
            record(name, block, seconds, "", task)
            for task in ("fnn-mnist", "fnn-binary-8", "rnn-binary")
            for name, seconds in (("a:x", 0.1), ("b:x", 0.2), ("c:x", 0.3))
            for block in range(3)
        ]
    )
    ranks = learning.rank_table(groups)
    assert ranks is not None
    assert ranks.mean().to_dict() == {"a:x": 1, "b:x": 2, "c:x": 3}
    few = {cell: group for cell, group in groups.items() if cell.task != "rnn-binary"}
    assert learning.rank_table(few) is None


def test_the_critical_difference_is_that_of_the_literature() -> None:
    """Demšar 2006, section 3.2.2: four classifiers on 14 data sets, 2.569 · sqrt(4·5 / (6·14))."""
    assert learning.critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)


def test_cliques_are_the_longest_stretches() -> None:
    ranks = np.array([1.0, 1.5, 2.2, 4.0])
    assert learning.cliques(ranks, 0.8) == [(0, 1), (1, 2)]
    assert learning.cliques(ranks, 5.0) == [(0, 3)]
    assert learning.cliques(ranks, 0.1) == []


def test_every_implementation_is_told_apart_and_a_framework_keeps_its_colour() -> None:
    names = sorted(row.name for row in implementations())
    paint, shape = drawing.colours(names), drawing.markers(names)
    assert len({(paint[name], shape[name]) for name in names}) == len(names)
    assert paint["tensorflow:graph"] == paint["tensorflow:xla"] != paint["jax:jit"]


def test_a_wide_axis_names_decades_only_and_without_exponents() -> None:
    figure, (axis,) = drawing.panels(1, 1, (5, 2))
    drawing.logarithmic(axis, 300, 2_000_000, speed.DECADES)
    assert [label.get_text() for label in axis.get_xticklabels()] == [
        "1,000", "10,000", "100,000", "1,000,000",
    ]  # fmt: skip
    drawing.logarithmic(axis, 0.4, 12, speed.DECADES)
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0.5", "1", "2", "5", "10"]
    plt.close(figure)


def test_the_line_of_missing_cells_fits_the_figure() -> None:
    groups: Groups = {
        Cell(f"task-{i}", "keras:tensorflow", "cpu", "fp32", 2): [] for i in range(30)
    }
    figure, _ = drawing.panels(1, 1, (9, 2))
    drawing.name_missing(figure, groups)
    (text,) = figure.texts
    assert text.get_window_extent().x1 <= figure.bbox.x1
    assert text.get_text().endswith("more") and "(pending)" in text.get_text()
    plt.close(figure)
