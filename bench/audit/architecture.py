"""The picture of the packages in bench/README.md, drawn from the imports that stand in the code.

``python -m bench.audit.architecture`` writes bench/architecture.svg. A package stands above all
that it imports, in the one order that tests/test_imports.py holds, so every line goes down.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

BENCH = Path(__file__).resolve().parents[1]
PICTURE = BENCH / "architecture.svg"
ORDER = (
    "stats", "discover", "records", "machine", "proof", "judge", "plan", "run", "port",
    "distributed", "deploy", "claims", "history", "report", "site", "cli", "interface", "audit",
)  # fmt: skip
APART = "worker"  # a process of its own in a framework's environment; nobody imports it
WORDS = {
    "stats": "numbers in, numbers out",
    "discover": "what there is, found by its place",
    "records": "what is written, and a run as read",
    "machine": "what the machine is",
    "proof": "equal work: the certificate",
    "judge": "from a run to verdicts; pure",
    "plan": "from a request to jobs; pure",
    "run": "all that starts a process",
    "port": "a user's two programs: where they part",
    "distributed": "groups of processes that train one model",
    "deploy": "a model's file in every runtime",
    "claims": "the articles' framework table",
    "history": "runs over time",
    "report": "one document, four layouts, exports",
    "site": "the front page over many runs",
    "cli": "one command a file",
    "interface": "the same from Python: typed, frames",
    "audit": "what the suite costs and how it errs",
    "worker": "the clock: one launch, in the framework's own environment",
}


def edges(home: Path = BENCH) -> dict[str, frozenset[str]]:
    """Package → the packages of bench that its modules import."""
    found = {}
    for package in (*ORDER, APART):
        files = [home / f"{package}.py", *sorted((home / package).rglob("*.py"))]
        names = {name for path in files if path.exists() for name in _imported(path)}
        found[package] = frozenset(names - {package})
    return found


def _imported(path: Path) -> set[str]:
    known = {*ORDER, APART}
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in names if name.startswith("bench.")]
    return {part[1] for part in parts if part[1] in known}


def upward(found: Mapping[str, frozenset[str]]) -> list[tuple[str, str]]:
    """Imports against the order; a circle would hold one."""
    place = {package: number for number, package in enumerate((*ORDER, APART))}
    return [(a, b) for a, targets in found.items() for b in targets if place[b] >= place[a]]


def direct(found: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Only the imports that no chain of others implies: what the picture shows."""

    def reach(package: str) -> frozenset[str]:
        return frozenset().union(*({t} | reach(t) for t in found[package]))

    return {
        package: frozenset(
            t for t in targets if not any(t in reach(other) for other in targets - {t})
        )
        for package, targets in found.items()
    }


def draw(path: Path = PICTURE) -> None:
    """Write the picture; the same code gives the same bytes."""
    found = direct(edges())
    with plt.rc_context({"svg.hashsalt": "bench", "svg.fonttype": "none", "font.size": 9}):
        figure, axis = plt.subplots(figsize=(8.2, 9.0))
        axis.set_xlim(0, 10)
        axis.set_ylim(-0.6, len(ORDER) - 0.3)
        axis.axis("off")
        for number, package in enumerate(ORDER):
            _box(axis, 0.2, number, package)
            for target in sorted(found[package]):
                _arrow(axis, (5.4, number), (5.4, ORDER.index(target)))
        _box(axis, 7.0, ORDER.index("run"), APART, width=2.9)
        for target in sorted(found[APART]):
            _arrow(axis, (7.0, ORDER.index("run") - 0.25), (5.4, ORDER.index(target)), bend=0.12)
        _starts(axis)
        figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
        plt.close(figure)


def _box(axis: Axes, x: float, y: float, package: str, width: float = 5.2) -> None:
    shape = FancyBboxPatch(
        (x, y - 0.3), width, 0.6, boxstyle="round,pad=0.02", facecolor="#eef3fb",
        edgecolor="#4a6fa5",
    )  # fmt: skip
    axis.add_patch(shape)
    words = WORDS[package]
    if width > 4:
        axis.text(x + 0.15, y, package, va="center", weight="bold")
        axis.text(x + 1.35, y, words, va="center")
    else:
        axis.text(x + 0.15, y + 0.12, package, va="center", weight="bold")
        axis.text(x + 0.15, y - 0.14, words[: words.index(",")], va="center", fontsize=8)


def _arrow(
    axis: Axes, start: tuple[float, float], end: tuple[float, float], bend: float = -0.35
) -> None:
    steps = abs(start[1] - end[1])
    curve = bend if steps > 1 else bend / 2
    axis.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=9, color="#777777", linewidth=0.8,
            connectionstyle=f"arc3,rad={curve}", shrinkA=1, shrinkB=1,
        )
    )  # fmt: skip


def _starts(axis: Axes) -> None:
    run = ORDER.index("run")
    axis.add_patch(
        FancyArrowPatch(
            (5.4, run), (7.0, run), arrowstyle="-|>", linestyle="--", mutation_scale=9,
            color="#a55a4a",
        )
    )  # fmt: skip
    axis.text(6.15, run + 0.12, "starts", fontsize=8, color="#a55a4a", ha="center")


if __name__ == "__main__":
    draw()
