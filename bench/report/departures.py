"""What tuned implementations do that the documents would not have told a user to write."""

from __future__ import annotations

from bench import discover
from bench.records.results import Results
from bench.report.blocks import Facts

TITLE = "What these tuned rows do beyond the documents"


def of(results: Results) -> Facts | None:
    """Tuned implementation → its departures, in the words of its framework's about.py.

    None where no tuned row of these results has any, or none is known here.
    """
    known = {row.name: row.departures for row in (*discover.implementations(), *discover.tuners())}
    own = [r.cell.implementation for r in results.contenders if r.division == "tuned"]
    said = ((name, known.get(name, ())) for name in dict.fromkeys(own))
    rows = tuple((name, _sentences(words)) for name, words in said if words)
    return Facts(rows, wide=True) if rows else None


def _sentences(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{_capital(line)}." for line in words)


def _capital(line: str) -> str:
    """With a capital at its beginning, unless it begins with a name such as oneDNN."""
    return f"{line[0].upper()}{line[1:]}" if line.split()[0].islower() else line
