"""Every figure of a run. A figure is a module of `bench.report.figures`, found where it stands:

NAME, TITLE   of its files; for people
READING       how it is read, which is its alternative text too
ORDER         where it stands among the others
draw          Results → a matplotlib figure; None where it has nothing to show
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from bench import discover
from bench.records.results import Results
from bench.report.blocks import Figure
from bench.report.drawing import canvas


def figures() -> list[ModuleType]:
    """The modules, in order."""
    return sorted(discover.members("bench.report.figures"), key=lambda module: module.ORDER)


def write(results: Results, out: Path) -> list[Figure]:
    """Every figure of the run that has something to show, as NAME.svg and NAME.png in `out`."""
    drawn = []
    for module in figures():
        figure = module.draw(results)
        if figure is not None:
            svg, _ = canvas.save(figure, out, module.NAME)
            drawn.append(Figure(module.NAME, module.TITLE, module.READING, svg.read_bytes()))
    return drawn
