"""Every figure of a run. A figure is a module of `bench.report.figures`, found where it stands:

NAME, TITLE   of its files; for people
READING       how it is read, which is its alternative text too
ORDER         where it stands among the others
draw          Results → a matplotlib figure; None where it has nothing to show
WHOLE         True where it shows nothing of the cells, so that it is drawn once a run

Where a run holds documented and tuned rows, each figure is drawn once a division: none ever shows
both in one ranking.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from matplotlib.figure import Figure as Drawing

from bench import discover
from bench.records.results import Results
from bench.report.blocks import Figure
from bench.report.drawing import canvas

Used = TypeVar("Used")
PARTS = ("NAME", "TITLE", "READING", "ORDER", "draw")


def figures() -> list[ModuleType]:
    """The modules, those of plug-ins too, in order."""
    modules = discover.members("bench.report.figures", "figures", PARTS)
    return sorted(modules, key=lambda module: int(module.ORDER))


def write(results: Results, out: Path) -> list[Figure]:
    """Every figure of the run that has something to show, as NAME.svg and NAME.png in `out`."""

    def save(drawing: Drawing, name: str, title: str, reading: str) -> Figure:
        svg, _ = canvas.save(drawing, out, name)
        return Figure(name, title, reading, svg.read_bytes())

    return _each(results, save)


def drawn(results: Results) -> dict[str, Drawing]:
    """Name → figure, of every one that has something to show; nothing is written."""
    return dict(_each(results, lambda drawing, name, title, reading: (name, drawing)))


def _each(results: Results, use: Callable[[Drawing, str, str, str], Used]) -> list[Used]:
    """What `use` makes of every figure, its name, title and reading."""
    made = []
    for module in figures():
        with discover.blamed(module):
            for part, name, title in _parts(module, results):
                with canvas.plain():
                    drawing = module.draw(part)
                if drawing is not None:
                    made.append(use(drawing, name, title, module.READING))
    return made


def _parts(module: ModuleType, results: Results) -> list[tuple[Results, str, str]]:
    """What is drawn of a run, under which name and title: the whole, or each division."""
    if len(results.divisions) < 2 or getattr(module, "WHOLE", False):
        return [(results, module.NAME, module.TITLE)]
    return [
        (results.of_division(one), f"{module.NAME}-{one}", f"{module.TITLE}: {one} rows")
        for one in results.divisions
    ]
