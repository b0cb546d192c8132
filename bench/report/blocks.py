"""What a report says, apart from how it looks: blocks of plain text, as `rich` keeps them apart.

A section makes blocks, a layout lays them out. All text is plain: a layout escapes it, once, in
its own language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True)
class Column:
    """numbers: its cells are numbers or intervals, so a layout sets them right and a reader may
    sort by them. wrap: long sentences, broken over lines."""

    heading: str
    numbers: bool = True
    wrap: bool = False

    @property
    def align(self) -> Literal["left", "right"]:
        """Numbers right, words left."""
        return "right" if self.numbers else "left"


def label(heading: str, wrap: bool = False) -> Column:
    """A column of words."""
    return Column(heading, numbers=False, wrap=wrap)


def columns(first: str, *others: str) -> tuple[Column, ...]:
    """A column of names and, behind it, columns of numbers."""
    return (label(first), *map(Column, others))


Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Rows of text under columns. legend: how to read it, shown below.

    bad: numbers of the rows that hold no measurement. filters: headings by which a reader narrows
    the table where that can be done; such a table gathers rows that stand elsewhere in the
    document, so paper and terminal leave it out. apart: the heading of a column whose values a
    reader's sorting never mixes; empty for none.
    """

    kind: ClassVar = "table"
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    legend: str = ""
    bad: frozenset[int] = frozenset()
    filters: tuple[str, ...] = ()
    apart: str = ""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"{self.title}: a row has not {len(self.columns)} cells")


@dataclass(frozen=True)
class Note:
    """A paragraph. mark: a verdict's word before it. small: an aside."""

    kind: ClassVar = "note"
    text: str
    mark: str = ""
    small: bool = False


@dataclass(frozen=True)
class Notes:
    """Short remarks, one a line. title: what they are, for who hears the page."""

    kind: ClassVar = "notes"
    lines: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True)
class Facts:
    """Terms, each with the lines said of it. wide: whole sentences rather than values."""

    kind: ClassVar = "facts"
    rows: tuple[tuple[str, Row], ...]
    wide: bool = False


@dataclass(frozen=True)
class Flow:
    """Steps one after the other, each a name and what it gives."""

    kind: ClassVar = "flow"
    title: str
    steps: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Code:
    """A program or a command, as it stands."""

    kind: ClassVar = "code"
    text: str
    title: str = ""


@dataclass(frozen=True)
class Figure:
    """A picture that lies beside the report as NAME.svg and NAME.png. reading: how it is read,
    which is its alternative text too. svg: its bytes, for a layout that holds it in itself."""

    kind: ClassVar = "figure"
    name: str
    title: str
    reading: str
    svg: bytes = b""


@dataclass(frozen=True)
class Files:
    """Files beside the report, each with what it holds."""

    kind: ClassVar = "files"
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Details:
    """What only some readers open. mark: a verdict's word behind the summary."""

    kind: ClassVar = "details"
    summary: str
    blocks: tuple[Block, ...]
    mark: str = ""


@dataclass(frozen=True)
class Beside:
    """Parts to be read side by side where there is room, else one after the other."""

    kind: ClassVar = "beside"
    parts: tuple[tuple[str, tuple[Block, ...]], ...]


@dataclass(frozen=True)
class Section:
    """A part of the document with a heading. key: its name in links, unique in the document."""

    kind: ClassVar = "section"
    key: str
    title: str
    blocks: tuple[Block, ...]


Block = (
    Table | Note | Notes | Facts | Flow | Code | Figure | Files | Details | Beside | Section
)  # fmt: skip


@dataclass(frozen=True)
class Document:
    """created: ISO time of the measurement. lead: what was measured, in a sentence that goes on
    behind "Measured <day>". subject: what tells this document from others of its title."""

    title: str
    subject: str
    created: str
    lead: str
    sections: tuple[Section, ...]
