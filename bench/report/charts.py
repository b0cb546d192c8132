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

from pathlib import Path
from types import ModuleType

from bench import discover
from bench.records.results import Results
from bench.report.blocks import Figure
from bench.report.drawing import canvas

PARTS = ("NAME", "TITLE", "READING", "ORDER", "draw")


def figures() -> list[ModuleType]:
    """The modules, those of plug-ins too, in order."""
    modules = discover.members("bench.report.figures", "figures", PARTS)
    return sorted(modules, key=lambda module: int(module.ORDER))


def write(results: Results, out: Path) -> list[Figure]:
    """Every figure of the run that has something to show, as NAME.svg and NAME.png in `out`."""
    drawn = []
    for module in figures():
        with discover.blamed(module):
            for part, name, title in _parts(module, results):
                figure = module.draw(part)
                if figure is not None:
                    svg, _ = canvas.save(figure, out, name)
                    drawn.append(Figure(name, title, module.READING, svg.read_bytes()))
    return drawn


def _parts(module: ModuleType, results: Results) -> list[tuple[Results, str, str]]:
    """What is drawn of a run, under which name and title: the whole, or each division."""
    if len(results.divisions) < 2 or getattr(module, "WHOLE", False):
        return [(results, module.NAME, module.TITLE)]
    return [
        (results.of_division(one), f"{module.NAME}-{one}", f"{module.TITLE}: {one} rows")
        for one in results.divisions
    ]
