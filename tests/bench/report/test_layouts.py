"""Four layouts of one document: each shows every block, and escapes its text once."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from io import StringIO

import pytest
from markdown_it import MarkdownIt
from rich.cells import cell_len
from rich.console import Console

from bench.records.results import Results
from bench.records.store import Run
from bench.report.blocks import (
    Beside,
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
    columns,
    label,
)
from bench.report.document import document
from bench.report.layouts import latex, markdown, page, terminal
from bench.run.environments import PROJECT

NASTY = (
    "a|b <i>c</i> & &amp; *d* _e_ snake_case `f` [g](http://h) ![i](j) ~~k~~ $l$ \\m{n} 50 % #o ^p"
)
TABLE = Table(
    "tabletitle",
    (label("names"), Column("numbers"), label("why", wrap=True)),
    (("row1", "1,234", NASTY), ("row2", "5", "plain")),
    "legendtext",
    frozenset({1}),
)
EVERYTHING = Document(
    "doctitle", "subject", "2026-01-02T03:04:05+00:00", "leadtext",
    (
        Section(
            "first", "sectiontitle",
            (
                TABLE, Note("notetext", mark="supported"), Note("smalltext", small=True),
                Notes(("remark1", NASTY)), Facts((("term", ("fact1", "fact2")),)),
                Flow("flowtitle", (("step1", "shape1"), ("step2", "shape2"))),
                Code("codeline1\ncodeline2 <&>", "codetitle"),
                Figure("picture", "figuretitle", "readingtext", b"<svg/>"),
                Files((("file.txt", "filewords"),)),
                Details("summarytext", (Note("hiddentext"),), mark="undecided"),
                Beside((("left", (Note("lefttext"),)), ("right", (Note("righttext"),)))),
                Section("second", "innertitle", (Note("innertext"),)),
            ),
        ),
    ),
)  # fmt: skip
WORDS = (
    "sectiontitle", "names", "numbers", "row1", "1,234", "row2", "plain", "legendtext",
    "notetext", "supported", "smalltext", "remark1", "term", "fact1", "fact2", "step1",
    "shape1", "step2", "shape2", "codeline1", "codeline2", "codetitle", "figuretitle",
    "file.txt", "filewords", "summarytext", "undecided", "lefttext", "right", "righttext",
    "innertitle", "innertext",
)  # fmt: skip


def printed(laid: Document, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width)
    terminal.lay(laid, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_every_block_is_in_every_layout() -> None:
    whole = ["doctitle", "leadtext", "tabletitle", "readingtext", "hiddentext"]
    for lay in (page.text, markdown.text, latex.text):
        text = lay(EVERYTHING)
        assert [word for word in (*WORDS, *whole) if word not in text] == [], lay.__module__
    # Folded in the terminal: what is in details. Without pictures: how they are read.
    assert [word for word in WORDS if word not in printed(EVERYTHING)] == []


class Read(HTMLParser):
    """The text of HTML, and the tags that were in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    "text", [NASTY, "# no heading", "- no item", "1. no item", "> no quote", "==", "a\nb", "<b"]
)
def test_markdown_reads_back_as_the_text(text: str) -> None:
    """Through another reader of GitHub's Markdown, alone and in a table's cell."""
    reader = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    cells = "\n".join(markdown.rows((label("h"), label("k")), [(text, "z")]))
    wanted = " ".join(text.split())
    alone = Read(reader.render(markdown.escaped(text)))
    assert (alone.text.strip(), set(alone.tags)) == (wanted, {"p"})
    table = Read(reader.render(cells))
    assert wanted in table.text
    assert set(table.tags) == {"table", "thead", "tbody", "tr", "th", "td"}


def test_what_the_machine_is_called_is_text_too() -> None:
    """The head of a document is made of what a machine says of itself."""
    whole = Document(NASTY, NASTY, "2026-01-02T03:04:05+00:00", NASTY, EVERYTHING.sections)
    shown = Read(
        MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(markdown.text(whole))
    )
    assert "em" not in shown.tags and "i" not in shown.tags
    assert shown.text.count(NASTY) >= 3
    assert "i" not in Read(page.text(whole)).tags
    assert NASTY not in latex.text(whole)


def test_the_page_reads_back_as_the_text() -> None:
    read = Read(page.text(EVERYTHING))
    assert NASTY in read.text and "codeline2 <&>" in read.text
    assert "i" not in read.tags
    assert "&amp;amp;amp;" not in page.text(EVERYTHING)


def test_latex_has_no_command_of_others() -> None:
    text = latex.escaped(NASTY)
    plain = re.sub(r"\\text\w+\{\}|\{[\[*]\}", "", text)
    assert re.search(r"(?<!\\)[&%$#_{}\[*]", plain) is None
    assert r"\textbackslash{}m\{n\}" in text
    assert latex.escaped("--option ≥ 1 µs") == r"-{}-option $\ge$ 1 $\mu$s"
    inside = latex.text(
        Document("t", "s", "c", "l", (Section("k", "t", (Code(r"\end{verbatim}\input{x}"),)),))
    )
    assert inside.count(r"\end{verbatim}") == 1


@pytest.mark.parametrize("name", ["cpu-full", "cpu-tuning"])
def test_latex_ends_what_it_begins(name: str) -> None:
    """Environments nest and braces balance, what stands verbatim left out."""
    run = Results.read(Run.open(PROJECT / "results" / name))
    text = latex.text(document(run, [Figure("speed", "t 50 %", "r_d")]))
    text = re.sub(r"\\begin\{verbatim\}.*?\\end\{verbatim\}", "", text, flags=re.S)
    open_ones: list[str] = []
    for word, environment in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if word == "begin":
            open_ones.append(environment)
        else:
            assert open_ones.pop() == environment
    assert open_ones == []
    bare = re.sub(r"\\[{}\\]", "", text)
    assert bare.count("{") == bare.count("}")
    rows = [line for line in text.splitlines() if line.endswith(r"\\") and " & " in line]
    assert len(rows) > 15
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") > 2


def test_nothing_steers_the_terminal() -> None:
    evil = "\x1b[2J\x07[bold]x[/bold]\x9b1m"
    shown = printed(Document("t", "s", "c", "l", (Section("k", evil, (Note(evil),)),)))
    assert "\x1b[2J" not in shown and "\x07" not in shown and "\x9b" not in shown
    assert "[bold]x[/bold]" in shown


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_the_terminal_cuts_no_cell_and_keeps_its_width(width: int) -> None:
    headings = ("a long heading", *(f"heading {k}" for k in range(9)))
    row = ("some-implementation:mode", *(f"{10**k:,}" for k in range(9)))
    table = Table("t", columns(*headings), (row, row))
    shown = printed(Document("t", "s", "c", "l", (Section("k", "t", (table,)),)), width)
    assert all(cell_len(line) <= width for line in shown.splitlines())
    assert all(shown.count(cell) >= 2 for cell in row)
    assert "…" not in shown


def test_a_table_to_filter_gathers_what_stands_elsewhere_and_is_for_the_page_alone() -> None:
    table = Table("gathered", (label("task"), Column("x")), (("t", "1"),), filters=("task",))
    whole = Document("t", "s", "c", "l", (Section("k", "lonely", (table,)),))
    assert 'id="all"' in page.text(whole) and 'id="filter-task"' in page.text(whole)
    for text in (markdown.text(whole), latex.text(whole)):
        assert "gathered" not in text and "lonely" not in text


def test_a_row_that_does_not_fit_its_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="has not 2 cells"):
        Table("t", columns("a", "b"), (("1",),))


@pytest.mark.parametrize("name", ["cpu-full", "cpu-tuning"])
def test_every_layout_of_a_published_run_has_every_table(name: str) -> None:
    """Every cell of every table of the document, in all four; searches included."""
    whole = document(Results.read(Run.open(PROJECT / "results" / name)))
    tables = _tables(whole.sections)
    assert len(tables) >= 3
    texts = {
        "page": unescape(page.text(whole)),
        "markdown": markdown.text(whole),
        "latex": latex.text(whole),
        "terminal": printed(whole, 200),
    }
    escape = {"markdown": markdown.escaped, "latex": latex.escaped}
    for layout, text in texts.items():
        for table in tables:
            for cell in {cell for row in table.rows for cell in row}:
                assert escape.get(layout, str)(cell) in text, (layout, table.title, cell)


def _tables(blocks: tuple[object, ...]) -> list[Table]:
    found: list[Table] = []
    for block in blocks:
        if isinstance(block, Table) and not block.filters:
            found.append(block)
        elif isinstance(block, Section):
            found += _tables(block.blocks)
    return found
