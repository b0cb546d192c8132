"""What the formats for other tools share. A format is a module of `bench.report.exports`:

NAME            as it is asked for
SHOWS_FAILURES  whether it can say that a cell failed; the others hold numbers only
export          (Results, Options) → text
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

from bench import discover
from bench.records.record import Cell
from bench.records.results import CellResult, Results
from tasks.errors import UserError

PARTS = ("NAME", "SHOWS_FAILURES", "export")
PHASES = ("learn", "train", "step", "infer", "latency")
# A framework that says it cannot do the work has not failed at it.
NOT_FAILURES = {"ok", "unsupported"}
# XML 1.0 has no way to write these, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Options:
    """better: of a format that holds one direction only, which one."""

    better: Literal["higher", "lower"] = "higher"


@dataclass(frozen=True)
class End:
    """How a cell that was asked for ended, and why."""

    cell: Cell
    result: CellResult | None
    status: str
    reason: str


def formats() -> dict[str, ModuleType]:
    """Name → the module of every format, those of plug-ins too."""
    modules = discover.members("bench.report.exports", "exports", PARTS)
    return {module.NAME: module for module in modules}


def cell_name(cell: Cell) -> str:
    """A cell as one word, the same in every format and run."""
    return f"{cell.task}/{cell.implementation}/{cell.device}/{cell.precision}/{cell.threads}t"


def measured_cells(results: Results) -> list[CellResult]:
    """Cells with a good launch, without A/A copies; `UserError` when there is none."""
    measured = [result for result in results.contenders if result.good]
    if not measured:
        raise UserError("nothing was measured in this run, so there is nothing to export")
    return measured


def left_out(results: Results) -> list[str]:
    """A line a contender that a format of numbers has nothing of."""
    return [
        f"{cell_name(r.cell)}: {r.missing}" + (f": {r.reason}" if r.reason else "")
        for r in results.contenders
        if not r.good
    ]


def ends(results: Results) -> list[End]:
    """Every cell that was asked for, also those that a killed run never came to."""
    request = results.about.request
    found = []
    for task in request.tasks:
        for name in request.implementations:
            if discover.does(name, task):
                cell = Cell(task, name, request.device, request.precision, request.threads)
                found.append(_end(cell, results.by_cell.get(cell), request.measure))
    return found


def _end(cell: Cell, result: CellResult | None, measure: bool) -> End:
    """One without a launch that should have some is "incomplete"."""
    if result is not None and result.failed:
        return End(cell, result, result.status, result.reason)
    if result is None or (measure and not result.good):
        why = "the run ended before it was done; finish it with --resume"
        return End(cell, result, "incomplete", why)
    return End(cell, result, "ok", "")


def printable(text: str) -> str:
    """Without the characters that XML 1.0 has no way to write."""
    return _NOT_XML.sub("�", text)
