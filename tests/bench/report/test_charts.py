"""The figures: right numbers, no cell lost, the same bytes from the same records."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from bench.discover import implementations
from bench.records.record import Outcome, Record, failure_record
from bench.records.results import Results
from bench.report import charts
from bench.report.drawing import canvas, frames
from bench.report.figures import cold_start, learning, ranking
from tests.support.records import about, job, launch, record, results

NAMES = {"speed", "throughput", "learning", "cold_start", "latency", "memory", "noise"}


def records() -> list[Record]:
    made = [failure_record(job("keras:tensorflow", 0), Outcome("timeout", "stopped"))]
    for block in range(4):
        made.append(record("pytorch:eager", block, 0.1))
        made.append(record("mxnet:hybrid", block, 0.2))
        made.append(record("pytorch:eager", block, 0.1, "A/A"))
    return made


@pytest.fixture
def run() -> Results:
    return results(records())


def test_ratios_are_against_the_fastest_and_leave_the_copy_out(run: Results) -> None:
    by_name = frames.ratios(run, "train_throughput").set_index("implementation")
    assert list(by_name["fastest"].unique()) == ["pytorch:eager"]
    assert by_name.loc["mxnet:hybrid", "value"] == pytest.approx(0.5, rel=0.02)
    assert by_name.loc["pytorch:eager", "value"] == 1.0
    assert sorted(by_name.index) == ["mxnet:hybrid", "pytorch:eager"]


def test_a_failed_cell_is_named_in_every_figure_of_cells(run: Results) -> None:
    drawn = set()
    for module in charts.figures():
        figure = module.draw(run)
        if figure is not None and module.NAME != "noise":  # one implementation's, not the cells'
            shown = " ".join(t.get_text() for t in figure.texts)
            assert "keras:tensorflow (timeout)" in shown, module.NAME
            drawn.add(module.NAME)
    assert drawn == NAMES - {"noise"}


def test_the_same_records_give_the_same_bytes(run: Results, tmp_path: Path) -> None:
    drawn = []
    for name in ("one", "two"):
        out = tmp_path / name
        out.mkdir()
        made = charts.write(run, out)
        assert {figure.name for figure in made} == NAMES
        pictures = [
            (out / f"{f.name}.{kind}").read_bytes() for f in made for kind in ("svg", "png")
        ]
        drawn.append([f.svg for f in made] + pictures)
    assert drawn[0] == drawn[1]


def test_every_figure_says_how_it_is_read_and_has_axes_with_names(run: Results) -> None:
    for module in charts.figures():
        assert len(module.READING) > 40
        figure = module.draw(run)
        if figure is not None:
            named = [a.get_xlabel() for a in figure.axes if a.get_visible()]
            assert all(named) or figure.get_supxlabel(), module.NAME


def test_nothing_measured_is_no_picture(tmp_path: Path) -> None:
    assert charts.write(results([]), tmp_path) == []


def test_intervals_are_those_of_the_table(run: Results) -> None:
    shown = frames.values(run, "peak_rss").set_index("implementation")
    assert shown.loc["mxnet:hybrid", "value"] == pytest.approx(2**28)


TASKS = ("fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-forecast")


def cold_starts(slowest: float = 30.0) -> Figure:
    """Four tasks in three columns; one start far longer than the others."""
    made = []
    for task in TASKS:
        for name in ("pytorch:eager", "mxnet:hybrid"):
            for block in range(3):
                start = record(name, block, 0.1, "", task)
                if (name, task) == ("pytorch:eager", "rnn-sequence"):
                    start["launch"]["seconds"]["first_step"] = slowest + block
                made.append(start)
    figure: Figure | None = cold_start.draw(results(made))
    assert figure is not None
    return figure


def test_each_column_of_cold_starts_has_numbers_under_it() -> None:
    figure = cold_starts()
    figure.canvas.draw()
    numbers = [
        any(label.get_visible() and label.get_text() for label in axis.get_xticklabels())
        for axis in figure.axes
        if axis.get_visible()
    ]
    assert numbers == [False, True, True, True]  # the first has a panel with numbers below it
    plt.close(figure)


@pytest.mark.parametrize("dpi", [72, 100, 130, 200])
def test_the_words_behind_the_longest_bar_end_inside_its_frame(dpi: int) -> None:
    figure = cold_starts()
    figure.set_dpi(dpi)
    figure.canvas.draw()
    ends = [
        (text.get_window_extent().x1, axis.get_window_extent().x1, text.get_text())
        for axis in figure.axes
        for text in axis.texts
    ]
    assert len(ends) == 8
    assert all(end <= frame for end, frame, _ in ends), ends
    plt.close(figure)


def test_the_learning_curve_is_scores_over_training_seconds() -> None:
    seconds, scores = learning.curve(launch(record(seconds=0.5)))
    assert scores.tolist() == [0.8, 0.9]
    assert seconds[1] == pytest.approx(1.0, rel=0.02)


def test_ranks_need_three_tasks() -> None:
    tasks = ("fnn-mnist", "cnn-64-10", "rnn-sequence", "rnn-binary")
    speeds = {"a:x": 0.1, "b:x": 0.2, "c:x": 0.3}
    made = [record(n, 0, s, "", t) for t in tasks for n, s in speeds.items()]
    ranks = ranking.rank_table(results(made))
    assert ranks is not None
    assert len(ranks) == 4
    assert ranks.mean().to_dict() == {"a:x": 1, "b:x": 2, "c:x": 3}
    few = [x for x in made if x["launch"]["job"]["cell"]["task"] in tasks[:2]]
    assert ranking.rank_table(results(few)) is None


def test_the_critical_difference_is_that_of_the_literature() -> None:
    """Demšar 2006, section 3.2.2: four classifiers on 14 data sets, 2.569 · sqrt(4·5 / (6·14))."""
    assert ranking.critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)


def test_cliques_are_the_longest_stretches() -> None:
    ranks = np.array([1.0, 1.5, 2.2, 4.0])
    assert ranking.cliques(ranks, 0.8) == [(0, 1), (1, 2)]
    assert ranking.cliques(ranks, 5.0) == [(0, 3)]
    assert ranking.cliques(ranks, 0.1) == []


def test_every_implementation_is_told_apart_and_a_framework_keeps_its_colour() -> None:
    names = sorted(row.name for row in implementations())
    paint, shape = canvas.colours(names), canvas.markers(names)
    assert len({(paint[name], shape[name]) for name in names}) == len(names)
    assert paint["tensorflow:graph"] == paint["tensorflow:xla"] != paint["jax:jit"]


def test_a_wide_axis_names_decades_only_and_without_exponents() -> None:
    figure, (axis,) = canvas.panels(1, 1, (5, 2))
    canvas.logarithmic(axis, 300, 2_000_000, canvas.DECADES)
    assert [label.get_text() for label in axis.get_xticklabels()] == [
        "1,000", "10,000", "100,000", "1,000,000",
    ]  # fmt: skip
    canvas.logarithmic(axis, 0.4, 12, canvas.DECADES)
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0.5", "1", "2", "5", "10"]
    plt.close(figure)


def test_the_line_of_missing_cells_fits_the_figure() -> None:
    tasks = [f"task-{i}" for i in range(30)]
    failed = [
        failure_record(job("keras:tensorflow", 0, task=task), Outcome("crash", "died"))
        for task in tasks
    ]
    figure, _ = canvas.panels(1, 1, (9, 2))
    canvas.name_missing(figure, results(failed, about(tasks, ["keras:tensorflow"])))
    (text,) = figure.texts
    assert text.get_window_extent().x1 <= figure.bbox.x1
    assert text.get_text().endswith("more") and "(crash)" in text.get_text()
    plt.close(figure)
