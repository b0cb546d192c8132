"""What came of injected faults, counted by kind; written as a table at the end where asked."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Tally:
    """Of one kind of fault: times injected; records lost, doubled, of a wrong type after it."""

    injected: int = 0
    lost: int = 0
    doubled: int = 0
    mistyped: int = 0


TALLIES: dict[str, Tally] = {}
NOTES: list[str] = []
READERS: dict[tuple[str, str], str] = {}  # reader, kind of bad input → what it does with it


def tally(kind: str) -> Tally:
    """That of a kind, from nought."""
    TALLIES[kind] = Tally()
    return TALLIES[kind]


def table() -> str:
    """A Markdown table, a row a kind and one of all."""
    lines = ["| fault | times injected | lost | doubled | mistyped |", "|---|---:|---:|---:|---:|"]
    rows = [*TALLIES.items(), ("all", total())]
    lines += [f"| {n} | {t.injected} | {t.lost} | {t.doubled} | {t.mistyped} |" for n, t in rows]
    return "\n".join(lines) + "\n"


def readers() -> str:
    """A Markdown table: kind of bad input, reader, what it does."""
    lines = ["# What each reader does with bad input", "", "Made by `nox -s faults`.", ""]
    lines += ["| reader | input | what it does |", "|---|---|---|"]
    lines += [f"| {reader} | {kind} | {said} |" for (reader, kind), said in READERS.items()]
    return "\n".join(lines) + "\n"


def total() -> Tally:
    """Over all kinds."""
    every = TALLIES.values()
    return Tally(
        sum(t.injected for t in every),
        sum(t.lost for t in every),
        sum(t.doubled for t in every),
        sum(t.mistyped for t in every),
    )


def write() -> None:
    """Into the folder that BENCH_FAULTS names."""
    folder = Path(os.environ["BENCH_FAULTS"])
    folder.mkdir(parents=True, exist_ok=True)
    text = "# Faults injected\n\nMade by `nox -s faults`.\n\n" + table()
    text += "".join(f"\n{note}.\n" for note in NOTES)
    if TALLIES:
        (folder / "faults.md").write_text(text, encoding="utf-8")
    if READERS:
        (folder / "readers.md").write_text(readers(), encoding="utf-8")


if "BENCH_FAULTS" in os.environ:
    atexit.register(write)
