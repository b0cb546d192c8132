"""One run for the readers of a CI job: JUnit, GitHub's step summary and annotations. Pure."""

from __future__ import annotations

import re
from xml.etree import ElementTree as xml

from bench.discover import does
from bench.plan.request import Request
from bench.records import tidy
from bench.records.metrics import rounds
from bench.records.record import Cell, Record
from bench.records.store import Run
from bench.report import tables
from bench.report.exports.formats import PHASES, cell_name

# A framework that says it cannot do the work has not failed at it.
NOT_FAILURES = {"ok", "unsupported"}


def junit(run: Run) -> str:
    """A test case a cell: a failure with its status and reason, skipped where unsupported.

    A cell the run never came to is a failure too: an empty run never reads as green.
    """
    groups = _cells(run)
    ends = [end(run, group)[0] for group in groups.values()]
    failed = sum(status not in NOT_FAILURES for status in ends)
    skipped = ends.count("unsupported")
    counts = {"tests": len(groups), "failures": failed, "skipped": skipped, "errors": 0}
    facts = {key: str(value) for key, value in counts.items()}
    root = xml.Element("testsuites", {"name": "bench", **facts})
    suite = xml.SubElement(root, "testsuite", {"name": "bench run", **facts})
    suite.set("timestamp", run.about()["created"][:19])
    for cell, group in groups.items():
        _case(suite, cell, group, *end(run, group))
    xml.indent(root)
    return xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: xml.Element, cell: Cell, group: list[Record], status: str, reason: str) -> None:
    seconds = sum(float(rounds(r, phase).sum()) for r in tidy.good(group) for phase in PHASES)
    name = cell_name(cell).split("/", 1)[1]
    facts = {"classname": cell.task, "name": name, "time": f"{seconds:.3f}"}
    case = xml.SubElement(suite, "testcase", facts)
    if status == "unsupported":
        xml.SubElement(case, "skipped", {"message": _printable(reason)})
    elif status != "ok":
        facts = {"message": _printable(f"{status}: {reason}"), "type": status}
        xml.SubElement(case, "failure", facts)


def _printable(text: str) -> str:
    """Without the control characters that XML 1.0 has no way to write."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "?", text)


def step_summary(run: Run) -> str:
    """The report's Markdown for $GITHUB_STEP_SUMMARY, the failed cells first.

    Without its figures: a summary has no folder in which a link to one could point.
    """
    bad = [
        f"- **{cell_name(cell)}**: {status}: {tables.markdown_text(reason)}"
        for cell, group in _cells(run).items()
        for status, reason in [end(run, group)]
        if status != "ok"
    ]
    head = ["**Cells that did not end well:**", "", *bad, "", ""] if bad else []
    text = "".join(x for x in tables.markdown(run).splitlines(True) if not x.startswith("!["))
    return "\n".join(head) + text


def workflow_commands(run: Run) -> str:
    """GitHub workflow commands: an error a failed cell, a warning for what weakens the rest."""
    groups = _cells(run)
    lines = []
    for cell, group in groups.items():
        status, reason = end(run, group)
        if status != "ok":
            kind = "warning" if status in NOT_FAILURES else "error"
            lines.append(_command(kind, cell_name(cell), f"{status}: {reason}"))
    if not any(tidy.good(group) for group in groups.values()):
        lines.append(_command("error", "bench", "nothing was measured"))
    elif tables.floor_of(tidy.by_cell(list(run.records().values()))) is None:
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


def _cells(run: Run) -> dict[Cell, list[Record]]:
    """Every cell that was asked for, also those that a killed run never came to."""
    asked = Request.from_dict(run.about()["request"])
    facts = (asked.device, asked.precision, asked.threads)
    pairs = [(t, i) for t in asked.tasks for i in asked.implementations if does(i, t)]
    cells = [Cell(t, i, *facts) for t, i in pairs]
    groups = tidy.by_cell(list(run.records().values()))
    return {cell: groups.get(cell, []) for cell in cells}


def end(run: Run, group: list[Record]) -> tuple[str, str]:
    """How a cell ended and why; one without a launch that should have some is "incomplete"."""
    status, reason = tidy.cell_status(group)
    wanted = run.about()["request"]["measure"]
    if status == "ok" and not (tidy.good(group) if wanted else group):
        return "incomplete", "the run ended before it was done; finish it with --resume"
    return status, reason
