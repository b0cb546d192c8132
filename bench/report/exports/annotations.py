"""GitHub workflow commands: an error a failed cell, a warning for what weakens the rest."""

from __future__ import annotations

from bench.records.results import Results
from bench.report import remarks
from bench.report.exporting import NOT_FAILURES, Options, cell_name, ends

NAME = "annotations"
SHOWS_FAILURES = True


def export(results: Results, options: Options) -> str:
    """A line a command."""
    lines = []
    for end in ends(results):
        if end.status != "ok":
            kind = "warning" if end.status in NOT_FAILURES else "error"
            lines.append(_command(kind, cell_name(end.cell), f"{end.status}: {end.reason}"))
    if not results.measured:
        lines.append(_command("error", "bench", "nothing was measured"))
    elif remarks.floor_of(results) is None:
        text = "no A/A pair with two launches: the noise floor of this run is unknown"
        lines.append(_command("warning", "bench", text))
    return "".join(f"{line}\n" for line in lines)


def _command(kind: str, title: str, text: str) -> str:
    return f"::{kind} title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    """As actions/toolkit escapes a message: a line break would end the command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
