"""GitHub workflow commands: an error a failed cell, a warning for what weakens the rest."""

from __future__ import annotations

from bench.judge import questions
from bench.records.results import Results
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
    else:
        lines += [_command("warning", "bench", text) for text in _unchecked(results)]
    return "".join(f"{line}\n" for line in lines)


def _unchecked(results: Results) -> list[str]:
    """Why the errors of some verdicts are not to be trusted."""
    checks = questions.checks_of(results)
    if not any(check.pairs for check in checks.values()):
        return ["no A/A pairs with enough launches: the errors of this run are not checked"]
    return [check.void for check in checks.values() if check.void]


def _command(kind: str, title: str, text: str) -> str:
    return f"::{kind} title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    """As actions/toolkit escapes a message: a line break would end the command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
