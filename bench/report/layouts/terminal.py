"""A document in the terminal, and plain tables of rows.

The last lines of a terminal are the ones that are seen, so the document's first section comes
last. What a reader would open on the page is folded to a line here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from bench.records.results import Results
from bench.report.blocks import (
    Beside,
    Block,
    Code,
    Details,
    Document,
    Facts,
    Figure,
    Files,
    Flow,
    Note,
    Notes,
    Section,
    Table,
)
from bench.report.document import document

NAMES = ("task", "implementation", "status", "device", "name")  # never broken over lines
PADDING, EDGE = 3, 1  # characters around each column, and around the table
SENTENCE = 24  # the fewest that a column of sentences is given
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # they would steer the terminal


def escaped(text: str) -> str:
    """Text in which nothing steers the terminal."""
    return _CONTROL.sub("�", text)


def show(results: Results, console: Console) -> None:
    """A run, without its figures: nothing is written."""
    lay(document(results), console)


def lay(document: Document, console: Console) -> None:
    """The whole document, its first section last."""
    for section in (*document.sections[1:], *document.sections[:1]):
        _lay(section, console)


def _say(console: Console, text: str, style: str = "", whole: bool = False) -> None:
    """A line, broken at spaces; `whole`: not broken at all, so that it can be copied."""
    console.print(Text(escaped(text), style), highlight=False, soft_wrap=whole)


def _all(parts: Iterable[Block], console: Console) -> None:
    for part in parts:
        _lay(part, console)


@singledispatch
def _lay(block: Block, console: Console) -> None:
    raise TypeError(f"no block: {block!r}")


@_lay.register
def _table(block: Table, console: Console) -> None:
    if block.filters:
        return
    widths = [_width(block, index, console.width) for index in range(len(block.columns))]
    for part in _parts(widths, console.width):
        grid = Grid(header_style="bold", box=box.SIMPLE_HEAD)
        spare = console.width - EDGE - sum(widths[index] + PADDING for index in part)
        for index in part:
            column = block.columns[index]
            width = widths[index] + (max(0, spare) if column.wrap else 0)
            grid.add_column(
                escaped(column.heading), justify=column.align, width=width, overflow="fold"
            )
        for number, row in enumerate(block.rows):
            cells = (Text(escaped(row[index])) for index in part)
            grid.add_row(*cells, style="yellow" if number in block.bad else "")
        console.print(grid)
    if block.legend:
        _say(console, block.legend)


def _width(block: Table, index: int, most: int) -> int:
    """Characters of a column: a heading may go over lines, a cell only where it is a sentence or
    would take most of the terminal."""
    column = block.columns[index]
    if column.wrap:
        return SENTENCE
    texts = [*column.heading.split(), *(row[index] for row in block.rows)]
    return min(max(map(cell_len, texts), default=1), most // 2)


def _parts(widths: Sequence[int], most: int) -> list[tuple[int, ...]]:
    """Numbers of columns that fit beside one another, the first repeated in each part."""
    room = most - EDGE - widths[0] - PADDING
    parts: list[tuple[int, ...]] = []
    part: tuple[int, ...] = (0,)
    left = room
    for index, width in enumerate(widths[1:], 1):
        if width + PADDING > left and len(part) > 1:
            parts.append(part)
            part, left = (0,), room
        part, left = (*part, index), left - width - PADDING
    return [*parts, part]


@_lay.register
def _note(block: Note, console: Console) -> None:
    mark = f"[{block.mark}] " if block.mark else ""
    _say(console, mark + block.text, "dim" if block.small else "")


@_lay.register
def _notes(block: Notes, console: Console) -> None:
    for line in block.lines:
        _say(console, line)


@_lay.register
def _facts(block: Facts, console: Console) -> None:
    for term, lines in block.rows:
        if block.wide:
            _say(console, f"{term}:", "italic")
            _all(map(Note, lines), console)
        else:
            _say(console, f"{term}: {', '.join(lines)}")


@_lay.register
def _flow(block: Flow, console: Console) -> None:
    _say(console, " → ".join(f"{name} ({what})" for name, what in block.steps))


@_lay.register
def _code(block: Code, console: Console) -> None:
    _say(console, f"{block.title}:" if block.title else "")
    for line in block.text.splitlines():
        _say(console, line, whole=True)


@_lay.register
def _figure(block: Figure, console: Console) -> None:
    _say(console, f"{block.name}.svg: {block.title}")


@_lay.register
def _files(block: Files, console: Console) -> None:
    for name, words in block.rows:
        _say(console, f"{name}: {words}")


@_lay.register
def _details(block: Details, console: Console) -> None:
    mark = f" [{block.mark}]" if block.mark else " (on the page and in report.md)"
    _say(console, f"▸ {block.summary}{mark}")


@_lay.register
def _beside(block: Beside, console: Console) -> None:
    for title, parts in block.parts:
        if parts:
            _say(console, title, "italic")
            _all(parts, console)


@_lay.register
def _section(block: Section, console: Console) -> None:
    _say(console, f"\n{block.title}", "bold")
    _all(block.blocks, console)


def print_table(console: Console, table: Table) -> None:
    """A table by itself, under its title."""
    _say(console, table.title, "bold")
    _lay(table, console)


def print_rows(console: Console, title: str, rows: Sequence[dict[str, Any]]) -> None:
    """A plain table of dictionaries with the same keys."""
    grid = Grid(title=title, title_justify="left", title_style="bold", header_style="bold")
    for key in rows[0] if rows else ():
        grid.add_column(key, overflow="fold", no_wrap=key in NAMES)
    for row in rows:
        grid.add_row(*(Text(escaped(str(value))) for value in row.values()))
    console.print(grid)
