"""A document as one HTML page that loads nothing: its style, script and pictures are in it."""

from __future__ import annotations

import base64
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from bench.report.blocks import Document, Figure

HERE = Path(__file__).parent
MOST_ROWS = 2000  # of a larger table the page shows the first, and says where the rest is
MOST_SECTIONS = 60


def text(document: Document) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("bench.report", "layouts"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["source"] = _source
    return environment.get_template("page.html").render(
        document=document,
        most_rows=MOST_ROWS,
        most_sections=MOST_SECTIONS,
        style=(HERE / "style.css").read_text(encoding="utf-8"),
        script=(HERE / "script.js").read_text(encoding="utf-8"),
    )


def _source(figure: Figure) -> str:
    """The picture as an address that holds it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(figure.svg).decode()}"
