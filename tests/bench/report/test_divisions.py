"""A report of documented and tuned rows never ranks them in one list, and says what tuning gains;
a report of one division says nothing of divisions."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from adapters.base import Division
from bench.discover import implementations
from bench.records.record import Record
from bench.records.results import Results
from bench.report import charts
from bench.report.blocks import Block, Details, Document, Note, Notes, Section, Table
from bench.report.document import document
from bench.report.layouts import latex, markdown, page, terminal
from tests.support.records import of_division, record, results

TASKS = ("fnn-mnist", "cnn-64-10", "rnn-sequence")
SECONDS: dict[Division, dict[str, float]] = {
    "documented": {"pytorch:loop": 0.4, "keras:fit": 0.5, "tensorflow:function": 0.8},
    "tuned": {"pytorch:eager": 0.1, "tensorflow:graph": 0.05},
}
DEPARTURES = {row.name: row.departures for row in implementations()}


def records(division: Division) -> list[Record]:
    rng = np.random.default_rng(len(division))
    return [
        of_division(record(name, block, s * float(np.exp(rng.normal(0, 0.01))), "", task), division)
        for task in TASKS
        for name, s in SECONDS[division].items()
        for block in range(4)
    ]


@pytest.fixture(scope="module")
def both() -> Results:
    return results(records("documented") + records("tuned"))


@pytest.fixture(scope="module")
def whole(both: Results) -> Document:
    return document(both)


def inside(blocks: tuple[Block, ...]) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Section | Details):
            yield from inside(block.blocks)


def section(whole: Document, key: str) -> Section:
    (found,) = (b for b in inside(whole.sections) if isinstance(b, Section) and b.key == key)
    return found


def tables(part: Section) -> list[Table]:
    return [block for block in inside(part.blocks) if isinstance(block, Table)]


def laid(whole: Document) -> dict[str, str]:
    console = Console(width=80, file=StringIO())
    terminal.lay(whole, console)
    said = console.file
    assert isinstance(said, StringIO)
    return {
        "terminal": said.getvalue(),
        "markdown": markdown.text(whole),
        "latex": latex.text(whole),
        "page": page.text(whole),
    }


@pytest.mark.parametrize("division", ["documented", "tuned"])
@pytest.mark.parametrize("task", TASKS)
def test_each_division_of_a_task_has_a_part_of_its_own(
    whole: Document, task: str, division: Division
) -> None:
    part = section(whole, f"task-{task}-{division}")
    cells = tables(part)[0]
    order = sorted(SECONDS[division], key=SECONDS[division].__getitem__)
    assert [row[0] for row in cells.rows] == order
    (notes,) = (b for b in part.blocks if isinstance(b, Notes))
    verdicts = [line for line in notes.lines if "slower than" in line]
    assert len(verdicts) == len(order) - 1
    assert all(order[0] in line for line in verdicts)


def test_no_table_of_measurements_holds_both(whole: Document) -> None:
    """But that of all cells, which says of each row what it is, and that of the gains."""
    named = {name: division for division, rows in SECONDS.items() for name in rows}
    (tasks,) = (part for part in whole.sections if part.key == "tasks")
    for table in tables(tasks):
        assert len({named[row[0]] for row in table.rows if row[0] in named}) <= 1, table.title


def test_the_table_of_all_cells_keeps_them_apart(whole: Document) -> None:
    (table,) = tables(section(whole, "results"))
    assert table.apart == "division"
    assert table.filters == ("task", "division", "implementation")
    assert [row[1] for row in table.rows if row[0] == "fnn-mnist"] == ["documented"] * 3 + [
        "tuned"
    ] * 2
    place = [column.heading for column in table.columns].index("certificate")
    assert table.bad == {n for n, row in enumerate(table.rows) if row[place] != "passed"}
    assert f'id="all" data-apart="{1}"' in page.text(whole)


def test_what_tuned_rows_depart_in_stands_under_them(whole: Document) -> None:
    part = section(whole, "task-fnn-mnist-tuned")
    (folded,) = (b for b in part.blocks if isinstance(b, Details))
    names = [block.text for block in folded.blocks if isinstance(block, Note)]
    assert names == ["pytorch:eager:", "tensorflow:graph:"]
    words = [line for block in folded.blocks if isinstance(block, Notes) for line in block.lines]
    assert words == [*DEPARTURES["pytorch:eager"], *DEPARTURES["tensorflow:graph"]]
    documented = section(whole, "task-fnn-mnist-documented")
    assert not any(isinstance(b, Details) for b in documented.blocks)


def test_what_tuning_gains(whole: Document) -> None:
    gains = section(whole, "gains")
    trained, inferred = (b for b in gains.blocks if isinstance(b, Table))
    pairs = ["pytorch:eager / loop", "tensorflow:graph / function"]
    assert [row[:2] for row in trained.rows] == [(t, p) for t in TASKS for p in pairs]
    ratios = {row[:2]: float(row[2]) for row in trained.rows}
    assert ratios["fnn-mnist", "pytorch:eager / loop"] == pytest.approx(4, rel=0.03)
    assert ratios["fnn-mnist", "tensorflow:graph / function"] == pytest.approx(16, rel=0.03)
    low, high = map(float, trained.rows[0][3].split(" to "))
    assert low < ratios["fnn-mnist", "pytorch:eager / loop"] < high
    assert len(inferred.rows) == len(trained.rows)


def test_one_launch_has_a_ratio_without_an_interval() -> None:
    made = [of_division(record("pytorch:loop", 0, 0.4), "documented"), record("pytorch:eager", 0)]
    (trained, _) = tables(section(document(results(made)), "gains"))
    assert trained.rows[0][2:] == ("4.00", "1 launch")


def test_the_answer_names_the_division_it_speaks_of(whole: Document) -> None:
    said = markdown.text(Document("", "", "", "", whole.sections[:1]))
    assert "Training, documented: pytorch:loop is fastest on fnn-mnist" in said
    assert "Training, tuned: tensorflow:graph is fastest on fnn-mnist" in said
    assert "Training:" not in said
    assert "Inference:" not in said
    assert "never ranked together" in said


def test_all_layouts_say_the_same_of_divisions(whole: Document) -> None:
    for name, text in laid(whole).items():
        plain = " ".join(text.replace(r"\_", "_").split())
        for words in (
            "What tuning gains", "tensorflow:graph / function", "fnn-mnist, documented",
            "Training, tuned:", "What the tuned rows do beyond the documents",
            "losses are read once a call, not once a step",
        ):  # fmt: skip
            assert words in plain, (name, words)
    lines = laid(whole)["terminal"].splitlines()
    assert max(map(len, lines)) <= 80


def test_no_figure_draws_both(both: Results, tmp_path: Path) -> None:
    drawn = {figure.name: figure for figure in charts.write(both, tmp_path)}
    assert {"speed-documented", "speed-tuned", "ranking-documented", "throughput-tuned"} <= set(
        drawn
    )
    for name, figure in drawn.items():
        division: Division = "documented" if name.endswith("-documented") else "tuned"
        other: Division = "tuned" if division == "documented" else "documented"
        assert division in figure.title
        svg = figure.svg.decode()
        assert any(row in svg for row in SECONDS[division]) or name.startswith("noise"), name
        assert not any(f">{row}<" in svg for row in SECONDS[other]), name


@pytest.mark.parametrize("division", ["documented", "tuned"])
def test_a_run_of_one_division_has_no_parts(division: Division, tmp_path: Path) -> None:
    run = results(records(division))
    whole = document(run)
    keys = {b.key for b in inside(whole.sections) if isinstance(b, Section)}
    assert "gains" not in keys
    assert not any(key.endswith(("-documented", "-tuned")) for key in keys)
    (table,) = tables(section(whole, "results"))
    assert table.filters == ("task", "implementation")
    assert "speed" in {figure.name for figure in charts.write(run, tmp_path)}
    assert ("All rows are documented" in whole.lead) == (division == "documented")
    assert "never ranked together" not in markdown.text(whole)
