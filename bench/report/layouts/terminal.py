"""Tables in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.judge import breakeven
from bench.records.store import Run
from bench.report import achieved, search_report, tables

NAMES = ("task", "implementation", "status", "device", "name")  # never broken over lines
WIDE = 160  # characters that the whole table needs
SPLIT = 5  # columns in the first half: what was learned and how fast


def print_tables(run: Run, console: Console) -> None:
    """The terminal report; in a narrow terminal each table is printed as two."""
    whole = range(1, len(tables.HEADINGS))
    halves = (whole,) if console.width >= WIDE else (whole[:SPLIT], whole[SPLIT:])
    for one in tables.task_tables(run):
        console.print(f"\n[bold]{escape(one.title)}[/bold]", highlight=False)
        for columns in halves:
            grid = _grid(tables.HEADINGS, one.rows, (0, *columns), left=(0, 1))
            for row in one.rows:
                style = "" if row[1] == "passed" else "yellow"
                grid.add_row(*(row[index] for index in (0, *columns)), style=style)
            console.print(grid)
        for headings, rows in ((breakeven.HEADINGS, one.modes), (achieved.HEADINGS, one.work)):
            if rows:
                grid = _grid(headings, rows, range(len(headings)), left=(0,))
                for row in rows:
                    grid.add_row(*row)
                console.print(grid)
        for note in one.notes:
            console.print(note, markup=False, highlight=False)
    search_report.print_tables(run, console)


def _grid(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    columns: Sequence[int],
    left: Sequence[int],
) -> Table:
    """A table still empty. In a narrow terminal texts go over several lines, but no word of them
    and no number is cut."""
    grid = Table(header_style="bold", box=box.SIMPLE_HEAD, collapse_padding=True)
    for index in columns:
        texts = [word for row in (headings, *rows) for word in row[index].split()]
        side: Literal["left", "right"] = "left" if index in left else "right"
        widest = max(map(len, texts))
        grid.add_column(headings[index], justify=side, min_width=widest, no_wrap=index == 0)
    return grid


def print_rows(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    """A plain table of dictionaries with the same keys."""
    grid = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for key in rows[0] if rows else ():
        grid.add_column(key, overflow="fold", no_wrap=key in NAMES)
    for row in rows:
        grid.add_row(*(str(value) for value in row.values()))
    console.print(grid)
