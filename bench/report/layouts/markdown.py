"""A document as GitHub Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import singledispatch
from html import escape as html_escape

from bench.report.blocks import (
    Beside,
    Block,
    Code,
    Column,
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

# What starts something in the middle of a line; an underscore inside a word does not.
_INLINE = re.compile(r"[\\`*\[\]~$|]|(?<!\w)_|_(?!\w)")
_START = re.compile(r"^(\s*)([#>+=-]|\d+[.)])(?=\s|$|[=>#-])")
_BREAK = "  "  # at a line's end: a new line, the same paragraph


def escaped(text: str) -> str:
    """Text in which nothing is Markdown or HTML, on one line."""
    plain = html_escape(" ".join(text.split()), quote=False).replace("&gt;", ">")
    plain = _INLINE.sub(lambda found: f"\\{found[0]}", plain)
    return _START.sub(lambda found: f"{found[1]}{found[2][:-1]}\\{found[2][-1]}", plain)


def text(document: Document) -> str:
    """The whole document; its figures are links to the SVG files beside it."""
    lead = escaped(f"Measured {document.created} {document.lead}")
    head = [f"# {escaped(document.title)}", "", lead, ""]
    lines = head + blocks(document.sections, 2)
    return "\n".join(lines).rstrip() + "\n"


def blocks(parts: Iterable[Block], level: int = 2) -> list[str]:
    """Lines of blocks, each followed by an empty one; sections start at that heading level."""
    return [line for part in parts for line in _lay(part, level)]


@singledispatch
def _lay(block: Block, level: int) -> list[str]:
    raise TypeError(f"no block: {block!r}")


@_lay.register
def _table(block: Table, level: int) -> list[str]:
    if block.filters:
        return []
    legend = [escaped(block.legend), ""] if block.legend else []
    return [f"**{escaped(block.title)}**", "", *rows(block.columns, block.rows), "", *legend]


def rows(columns: Sequence[Column], cells: Iterable[Sequence[str]]) -> list[str]:
    """A table's lines: headings, alignment, rows."""
    marks = {"left": "---", "right": "---:"}
    head = [[escaped(c.heading) for c in columns], [marks[c.align] for c in columns]]
    body = [[escaped(cell) for cell in row] for row in cells]
    return ["| " + " | ".join(line) + " |" for line in [*head, *body]]


@_lay.register
def _note(block: Note, level: int) -> list[str]:
    mark = f"**{escaped(block.mark)}** " if block.mark else ""
    return [mark + escaped(block.text), ""]


@_lay.register
def _notes(block: Notes, level: int) -> list[str]:
    return [*(f"{escaped(line)}{_BREAK}" for line in block.lines), ""]


@_lay.register
def _facts(block: Facts, level: int) -> list[str]:
    return [*(f"- **{escaped(t)}**: {' '.join(map(escaped, s))}" for t, s in block.rows), ""]


@_lay.register
def _flow(block: Flow, level: int) -> list[str]:
    return [" → ".join(f"{escaped(name)} ({escaped(what)})" for name, what in block.steps), ""]


@_lay.register
def _code(block: Code, level: int) -> list[str]:
    longest = max((len(run) for run in re.findall("`+", block.text)), default=0)
    fence = "`" * max(3, longest + 1)
    title = [f"{escaped(block.title)}:", ""] if block.title else []
    return [*title, fence, *block.text.rstrip("\n").splitlines(), fence, ""]


@_lay.register
def _figure(block: Figure, level: int) -> list[str]:
    return [f"![{escaped(block.title)}]({block.name}.svg)", "", escaped(block.reading), ""]


@_lay.register
def _files(block: Files, level: int) -> list[str]:
    return [*(f"- [{escaped(name)}]({name}): {escaped(words)}" for name, words in block.rows), ""]


@_lay.register
def _details(block: Details, level: int) -> list[str]:
    mark = f" ({html_escape(block.mark)})" if block.mark else ""
    head = f"<details><summary>{html_escape(block.summary)}{mark}</summary>"
    return [head, "", *blocks(block.blocks, level), "</details>", ""]


@_lay.register
def _beside(block: Beside, level: int) -> list[str]:
    return [
        line
        for title, parts in block.parts
        if parts
        for line in (f"**{escaped(title)}**", "", *blocks(parts, level))
    ]


@_lay.register
def _section(block: Section, level: int) -> list[str]:
    inside = blocks(block.blocks, level + 1)
    return [f"{'#' * min(level, 6)} {escaped(block.title)}", "", *inside] if inside else []
