"""Losses of launches with one seed, side by side: the same bits, or how far apart. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from adapters.repeating import Repeating
from bench import discover

UNKNOWN = Repeating("nothing", "not looked up", "")


def statement_of(framework: str) -> Repeating:
    """What the documents of a framework say, from its own folder."""
    known = {one.name: one.repeating for one in discover.frameworks()}
    return known.get(framework) or UNKNOWN


@dataclass(frozen=True)
class Repeats:
    """The launches of one implementation on one task, all from the same seed.

    losses: of each launch, of its first step and then the mean of each epoch. reason: why there
    are fewer launches than were asked for, empty where there are not.
    """

    implementation: str
    task: str
    division: str
    version: str
    losses: tuple[tuple[float, ...], ...] = ()
    reason: str = ""

    @property
    def compared(self) -> bool:
        """Whether there are two launches at least."""
        return len(self.losses) > 1

    @property
    def identical(self) -> bool:
        """Whether all launches have the same losses, bit by bit."""
        bits = {tuple(loss.hex() for loss in launch) for launch in self.losses}
        return self.compared and len(bits) == 1

    @property
    def spread(self) -> float:
        """The largest difference of two launches in any loss, relative to the larger one; infinite
        where they have not equally many."""
        if len({len(launch) for launch in self.losses}) > 1:
            return inf
        return max((_apart(of_all) for of_all in zip(*self.losses, strict=True)), default=0.0)

    @property
    def parts_at(self) -> str:
        """The first loss that is not the same everywhere; empty where all are."""
        for place, of_all in enumerate(zip(*self.losses, strict=False)):
            if len({loss.hex() for loss in of_all}) > 1:
                return f"epoch {place}" if place else "the first step"
        return "" if self.identical else "their number"

    @property
    def statement(self) -> Repeating:
        """What its framework's documents say."""
        return statement_of(self.implementation.split(":")[0])

    @property
    def breaks_its_word(self) -> bool:
        """Whether its documents ask for nothing but seeds, and its launches differ."""
        return self.statement.by == "seeds" and self.compared and not self.identical


def _apart(values: Sequence[float]) -> float:
    largest = max(map(abs, values))
    return (max(values) - min(values)) / largest if largest else 0.0


def said(repeats: Repeats) -> str:
    """One row in a table's cell."""
    if not repeats.compared:
        return "not compared"
    if repeats.identical:
        return "identical"
    return f"{repeats.spread:.1e}, from {repeats.parts_at} on"


def page(rows: Sequence[Repeats], about: Sequence[str], command: str) -> str:
    """The report as Markdown. about: lines on the machine and what was done."""
    return "\n".join(
        [
            "# The same seed, the same losses?", "", f"Made by `{command}`.", "", *about, "",
            *_verdict(rows), "", *_table(rows), "", *_documents(rows), *_left_out(rows),
        ]
    )  # fmt: skip


def _verdict(rows: Sequence[Repeats]) -> list[str]:
    compared = [row for row in rows if row.compared]
    same = [row for row in compared if row.identical]
    lines = [f"{len(same)} of {len(compared)} pairs of implementation and task are identical."]
    broken = [row for row in compared if row.breaks_its_word]
    lines += [
        f"{row.implementation} on {row.task} is not, although its documents ask for seeds alone: "
        f"{said(row)}."
        for row in broken
    ]
    promised = sum(row.statement.by == "seeds" for row in compared)
    if promised and not broken:
        lines.append(f"All of those whose documents ask for seeds alone ({promised}) are.")
    return lines


def _table(rows: Sequence[Repeats]) -> list[str]:
    tasks = list(dict.fromkeys(row.task for row in rows))
    cells = {(row.implementation, row.task): said(row) for row in rows}
    by = {row.implementation: row.statement.by for row in rows}
    lines = ["A number is the largest relative difference of a loss.", ""]
    lines.append(f"| implementation | version | asked for | {' | '.join(tasks)} |")
    lines.append("|---|---|---|" + "---|" * len(tasks))
    versions = {row.implementation: row.version for row in rows}
    for name, asked in by.items():
        values = " | ".join(cells.get((name, task), "") for task in tasks)
        lines.append(f"| `{name}` | {versions[name]} | {asked} | {values} |")
    return lines


def _documents(rows: Sequence[Repeats]) -> list[str]:
    names = dict.fromkeys(row.implementation.split(":")[0] for row in rows)
    lines = [
        "“Asked for” is what the framework's documents ask for before they call results "
        "repeatable. All seeds are set; switches were left as they are by default, as in every run "
        "of this suite.", "",
        "| framework | what its documents say | source |", "|---|---|---|",
    ]  # fmt: skip
    for name in names:
        statement = statement_of(name)
        lines.append(f"| {name} | {statement.words} | {statement.source} |")
    return [*lines, ""]


def _left_out(rows: Sequence[Repeats]) -> list[str]:
    lines = [
        f"- `{row.implementation}` on {row.task}: {row.reason}" for row in rows if not row.compared
    ]
    return ["Not compared:", "", *lines, ""] if lines else []
