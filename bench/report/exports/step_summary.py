"""The report's Markdown for $GITHUB_STEP_SUMMARY, the failed cells first.

Without its figures and files: a summary has no folder in which a link to one could point.
"""

from __future__ import annotations

from bench.records.results import Results
from bench.report.document import document
from bench.report.exporting import Options, cell_name, ends
from bench.report.layouts import markdown

NAME = "step-summary"
SHOWS_FAILURES = True


def export(results: Results, options: Options) -> str:
    """Markdown."""
    bad = [
        f"- **{markdown.escaped(cell_name(end.cell))}**: {end.status}: "
        f"{markdown.escaped(end.reason)}"
        for end in ends(results)
        if end.status != "ok"
    ]
    head = ["**Cells that did not end well:**", "", *bad, "", ""] if bad else []
    return "\n".join(head) + markdown.text(document(results))
