"""The pictures, each with how it is read."""

from __future__ import annotations

from bench.records.results import Results
from bench.report.blocks import Section
from bench.report.context import Context

ORDER = 40
OF_DEPLOYMENTS = True


def sections(results: Results, context: Context) -> list[Section]:
    """None where nothing was drawn."""
    if not context.figures:
        return []
    return [Section("figures", "Figures", tuple(context.figures))]
