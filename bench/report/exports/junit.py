"""JUnit XML: a test case a cell."""

from __future__ import annotations

from xml.etree import ElementTree as xml

from bench.records.results import CellResult, Results
from bench.report.exporting import (
    NOT_FAILURES,
    PHASES,
    End,
    Options,
    cell_name,
    ends,
    printable,
)

NAME = "junit"
SHOWS_FAILURES = True


def export(results: Results, options: Options) -> str:
    """A failure with its status and reason, skipped where unsupported.

    A cell the run never came to is a failure too: an empty run never reads as green.
    """
    cells = ends(results)
    statuses = [end.status for end in cells]
    failed = sum(status not in NOT_FAILURES for status in statuses)
    skipped = statuses.count("unsupported")
    counts = {"tests": len(cells), "failures": failed, "skipped": skipped, "errors": 0}
    facts = {key: str(value) for key, value in counts.items()}
    root = xml.Element("testsuites", {"name": "bench", **facts})
    suite = xml.SubElement(root, "testsuite", {"name": "bench run", **facts})
    suite.set("timestamp", results.about.created[:19])
    for end in cells:
        _case(suite, end)
    xml.indent(root)
    return xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: xml.Element, end: End) -> None:
    name = cell_name(end.cell).split("/", 1)[1]
    facts = {"classname": end.cell.task, "name": name, "time": f"{_seconds(end.result):.3f}"}
    case = xml.SubElement(suite, "testcase", facts)
    if end.status == "unsupported":
        xml.SubElement(case, "skipped", {"message": printable(end.reason)})
    elif end.status != "ok":
        message = printable(f"{end.status}: {end.reason}")
        xml.SubElement(case, "failure", {"message": message, "type": end.status})


def _seconds(result: CellResult | None) -> float:
    """Of all timed rounds."""
    launches = result.good if result else ()
    return sum(float(launch.rounds(phase).sum()) for launch in launches for phase in PHASES)
