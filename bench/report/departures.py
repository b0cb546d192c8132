"""What tuned implementations do that the documents would not have told a user to write."""

from __future__ import annotations

from bench import discover
from bench.records.results import Results
from bench.report.blocks import Block, Note, Notes

TITLE = "What these tuned rows do beyond the documents"


def of(results: Results) -> tuple[Block, ...]:
    """Each tuned implementation of these results, and under it its departures, in the words of
    its framework's about.py. Empty where no tuned row has any, or none is known here."""
    known = {row.name: row.departures for row in (*discover.implementations(), *discover.tuners())}
    own = [r.cell.implementation for r in results.contenders if r.division == "tuned"]
    blocks: list[Block] = []
    for name in dict.fromkeys(own):
        if words := known.get(name, ()):
            blocks += [Note(f"{name}:"), Notes(words, f"{name} beyond the documents")]
    return tuple(blocks)
