"""A run as the HTML of a notebook's cell: what it says, a table a task, and its figures.

Nothing in it needs a script or a style, so that it reads the same wherever a notebook is shown.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape

from matplotlib.figure import Figure

from bench.judge.divisions import contests
from bench.records.results import Results
from bench.report import cell_table
from bench.report.blocks import Column, Row
from bench.report.drawing import canvas

DOTS_AN_INCH = 100
Sentences = Mapping[str, Sequence[str]]


def text(results: Results, said: Sentences, figures: Mapping[str, Figure]) -> str:
    """The cell. said: what is spoken of → its sentences."""
    parts = [f"<p><b>{escape(name)}</b>: {escape(' '.join(said[name]))}</p>" for name in said]
    for task in results.tasks:
        for contest in contests(results, task):
            rows = [cell_table.row(one) for one in cell_table.ordered(contest.cells(results))]
            parts.append(f"<h4>{escape(f'{task} ({contest.division})')}</h4>")
            parts.append(table(cell_table.COLUMNS, rows))
    parts += [picture(name, figure) for name, figure in figures.items()]
    return "\n".join(parts)


def table(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """Words left, numbers right."""
    heads = "".join(f"<th>{escape(column.heading)}</th>" for column in columns)
    lines = [
        "".join(
            f'<td style="text-align: {column.align}">{escape(value)}</td>'
            for column, value in zip(columns, row, strict=True)
        )
        for row in rows
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def picture(name: str, figure: Figure) -> str:
    """A figure that stands in the text itself."""
    file = io.BytesIO()
    with canvas.plain():
        figure.savefig(file, format="png", dpi=DOTS_AN_INCH, metadata={"Software": None})
    data = base64.b64encode(file.getvalue()).decode()
    return f'<p><img alt="{escape(name)}" src="data:image/png;base64,{data}"></p>'
