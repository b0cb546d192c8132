"""What lies beside the report."""

from __future__ import annotations

from bench.records.results import Results
from bench.report.blocks import Files, Section
from bench.report.context import Context

ORDER = 90
OF_DEPLOYMENTS = True
WORDS = {
    "index.html": "everything on one page that loads nothing",
    "report.md": "the same as Markdown",
    "report.tex": "as LaTeX (booktabs)",
    "table.csv": "every metric of every cell, tidy, as CSV",
    "table.parquet": "the same as Parquet",
    "trials.csv": "every trial of the searches",
}


def sections(results: Results, context: Context) -> list[Section]:
    """None where nothing was written."""
    rows = tuple((name, WORDS[name]) for name in WORDS if name in context.files)
    return [Section("beside", "Files beside this report", (Files(rows),))] if rows else []
