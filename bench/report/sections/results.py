"""Every measured cell in one table to search, sort and filter; how the tables are read."""

from __future__ import annotations

from bench.records.results import Results
from bench.report import cell_table
from bench.report.blocks import Note, Section, Table, label
from bench.report.context import Context
from bench.report.sections.searches import NAMES

ORDER = 30


def sections(results: Results, context: Context) -> list[Section]:
    """None of a run that holds nothing but searches: they have tables of their own."""
    rows = tuple(
        (task, *cell_table.row(result))
        for task in results.about.request.tasks
        if task not in NAMES
        for result in cell_table.ordered(results.of_task(task))
    )
    if not rows:
        return []
    table = Table(
        "Every measured cell",
        (label("task"), *cell_table.COLUMNS),
        rows,
        bad=cell_table.bad(rows, column=2),
        filters=("task", "implementation"),
    )
    return [Section("results", "Results", (table, Note(cell_table.READING, small=True)))]
