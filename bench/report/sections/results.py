"""Every measured cell in one table to search, sort and filter; how the tables are read."""

from __future__ import annotations

from collections.abc import Iterator

from bench.judge.divisions import contests
from bench.records.results import Results
from bench.report import cell_table
from bench.report.blocks import Note, Row, Section, Table, label
from bench.report.context import Context
from bench.report.sections.searches import NAMES

ORDER = 30
DIVISION = "division"


def sections(results: Results, context: Context) -> list[Section]:
    """None of a run that holds nothing but searches: they have tables of their own."""
    if not (rows := tuple(_rows(results))):
        return []
    apart = (label(DIVISION),) if len(results.divisions) > 1 else ()
    table = Table(
        "Every measured cell",
        (label("task"), *apart, *cell_table.COLUMNS),
        rows,
        bad=cell_table.bad(rows, column=2 + len(apart)),
        apart=DIVISION if apart else "",
        filters=("task", *(column.heading for column in apart), "implementation"),
    )
    return [Section("results", "Results", (table, Note(cell_table.READING, small=True)))]


def _rows(results: Results) -> Iterator[Row]:
    """Task by task, in each the rows of one division before those of the other."""
    tasks = [task for task in results.about.request.tasks if task not in NAMES]
    both = len(results.divisions) > 1
    for contest in (contest for task in tasks for contest in contests(results, task)):
        apart = (contest.division,) if both else ()
        for result in cell_table.ordered(contest.cells(results)):
            yield (contest.task, *apart, *cell_table.row(result))
