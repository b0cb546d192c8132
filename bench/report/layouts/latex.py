r"""A document as LaTeX for \input, with booktabs tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import singledispatch

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

PACKAGES = r"% needs \usepackage{booktabs,longtable,graphicx,adjustbox}"
HEADINGS = ("section", "subsection", "subsubsection", "paragraph")
LONG = 40  # rows above which a table may break over pages
_SPECIAL = {ord(c): f"\\{c}" for c in "&%$#_{}"} | {
    ord("\\"): r"\textbackslash{}", ord("~"): r"\textasciitilde{}", ord("^"): r"\textasciicircum{}",
    ord("<"): r"\textless{}", ord(">"): r"\textgreater{}", ord('"'): r"\textquotedbl{}",
    ord("≥"): r"$\ge$", ord("≤"): r"$\le$", ord("→"): r"$\to$", ord("×"): r"$\times$",
    ord("±"): r"$\pm$", ord("µ"): r"$\mu$", ord("ε"): r"$\varepsilon$",
    ord("["): "{[}", ord("*"): "{*}",  # behind a row's end they would be its options
}  # fmt: skip


def escaped(text: str) -> str:
    """Text in which nothing is a command, on one line."""
    # Two hyphens would become a dash, and an option of a command would no longer be one.
    return " ".join(text.split()).translate(_SPECIAL).replace("--", "-{}-")


def text(document: Document) -> str:
    """The whole document; its figures are the PNG files beside it."""
    lines = [PACKAGES, f"% {escaped(document.title)}"]
    lines.append(f"Measured {escaped(document.created)} {escaped(document.lead)}")
    return "\n".join(lines + _blocks(document.sections, 0)) + "\n"


def _blocks(parts: Iterable[Block], level: int) -> list[str]:
    return [line for part in parts for line in _lay(part, level)]


@singledispatch
def _lay(block: Block, level: int) -> list[str]:
    raise TypeError(f"no block: {block!r}")


@_lay.register
def _table(block: Table, level: int) -> list[str]:
    if block.filters:
        return []
    form = "".join(map(_column, block.columns))
    head = _line([column.heading for column in block.columns])
    body = [_line(row) for row in block.rows]
    caption = rf"\caption{{{escaped(block.title)}}}\label{{tab:{_key(block.title)}}}"
    if len(body) > LONG:
        lines = [rf"\begin{{longtable}}{{{form}}}", rf"{caption}\\", r"\toprule", head, r"\midrule"]
        lines += [r"\endhead", *body, r"\bottomrule", r"\end{longtable}"]
    else:
        lines = [r"\begin{table}[htbp]", r"\centering", caption]
        lines += [r"\begin{adjustbox}{max width=\linewidth}", rf"\begin{{tabular}}{{{form}}}"]
        lines += [r"\toprule", head, r"\midrule", *body, r"\bottomrule"]
        lines += [r"\end{tabular}", r"\end{adjustbox}", r"\end{table}"]
    return [*lines, escaped(block.legend), ""] if block.legend else [*lines, ""]


def _key(title: str) -> str:
    """A title as the name of a label."""
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))


def _column(column: Column) -> str:
    return r"p{0.4\linewidth}" if column.wrap else column.align[0]


def _line(cells: Iterable[str]) -> str:
    return " & ".join(map(escaped, cells)) + r" \\"


@_lay.register
def _note(block: Note, level: int) -> list[str]:
    mark = rf"\emph{{{escaped(block.mark)}}}: " if block.mark else ""
    return [mark + escaped(block.text), ""]


def _items(lines: Iterable[str]) -> list[str]:
    items = [rf"\item {line}" for line in lines]
    return [r"\begin{itemize}", *items, r"\end{itemize}", ""] if items else []


@_lay.register
def _notes(block: Notes, level: int) -> list[str]:
    return _items(map(escaped, block.lines))


@_lay.register
def _facts(block: Facts, level: int) -> list[str]:
    return _items(rf"\textbf{{{escaped(t)}}}: {' '.join(map(escaped, s))}" for t, s in block.rows)


@_lay.register
def _flow(block: Flow, level: int) -> list[str]:
    steps = (f"{escaped(name)} ({escaped(what)})" for name, what in block.steps)
    return [r" $\to$ ".join(steps), ""]


@_lay.register
def _code(block: Code, level: int) -> list[str]:
    inside = block.text.rstrip("\n").replace(r"\end{verbatim}", r"\end {verbatim}")
    title = [f"{escaped(block.title)}:"] if block.title else []
    return [*title, r"{\footnotesize\begin{verbatim}", inside, r"\end{verbatim}}", ""]


@_lay.register
def _figure(block: Figure, level: int) -> list[str]:
    picture = rf"\includegraphics[width=\linewidth]{{{block.name}.png}}"
    caption = (
        rf"\caption{{{escaped(block.title)}. {escaped(block.reading)}}}\label{{fig:{block.name}}}"
    )
    return [r"\begin{figure}[htbp]", r"\centering", picture, caption, r"\end{figure}", ""]


@_lay.register
def _files(block: Files, level: int) -> list[str]:
    return _items(rf"\texttt{{{escaped(name)}}}: {escaped(words)}" for name, words in block.rows)


@_lay.register
def _details(block: Details, level: int) -> list[str]:
    mark = f" ({escaped(block.mark)})" if block.mark else ""
    head = rf"\textbf{{{escaped(block.summary)}{mark}}}"
    return [head, "", *_blocks(block.blocks, level)]


@_lay.register
def _beside(block: Beside, level: int) -> list[str]:
    return [
        line
        for title, parts in block.parts
        if parts
        for line in (rf"\emph{{{escaped(title)}}}", "", *_blocks(parts, level))
    ]


@_lay.register
def _section(block: Section, level: int) -> list[str]:
    inside = _blocks(block.blocks, level + 1)
    heading = HEADINGS[min(level, len(HEADINGS) - 1)]
    title = rf"\{heading}{{{escaped(block.title)}}}\label{{sec:{block.key}}}"
    return [title, "", *inside] if inside else []
