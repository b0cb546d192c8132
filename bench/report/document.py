"""A run as one document. A section is a module of `bench.report.sections`, found where it stands:

ORDER       where it stands among the others
sections    (Results, Context) → its sections; an empty list where it has nothing to say
"""

from __future__ import annotations

from collections.abc import Sequence

from bench import discover
from bench.judge.divisions import MEANINGS
from bench.records.results import Results
from bench.report.blocks import Document, Figure
from bench.report.context import context

TITLE = "Deep-learning frameworks, compared on equal work"
DEPLOYED = (
    "Every number comes from a file whose answers were first certified against a float64 oracle."
)


def document(
    results: Results, figures: Sequence[Figure] = (), files: Sequence[str] = ()
) -> Document:
    """All there is to say of a run. figures: those drawn; files: names of what lies beside."""
    known = context(results, figures, files)
    modules = sorted(discover.members("bench.report.sections"), key=lambda m: m.ORDER)
    if results.about.request.routes:  # a deployment: no cells, which the other sections are about
        modules = [module for module in modules if getattr(module, "OF_DEPLOYMENTS", False)]
    parts = [part for module in modules for part in module.sections(results, known)]
    request, machine = results.about.request, results.about.machine
    name = machine.model_dump().get(f"{request.device}_name")
    place = f"{name}, {machine.cpu}" if name else machine.cpu
    lead = (
        f"on {place}, {machine.cores} cores, {request.device}, {request.precision}, "
        f"{request.threads} threads. Every number comes from an implementation whose work was "
        "first certified against a float64 oracle."
    )
    if results.about.request.routes:
        lead = lead.partition(". Every number")[0] + ". " + DEPLOYED
    if results.divisions == ("documented",):
        lead += f" All rows are documented: {MEANINGS['documented']}."
    subject = f"{place}, {request.device}"
    return Document(TITLE, subject, results.about.created, lead, tuple(parts))
