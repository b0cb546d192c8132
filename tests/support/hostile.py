"""What tests of damaged files share: a command in this process, and what it may answer."""

from __future__ import annotations

import functools
import os
from collections import Counter

import pandas as pd
import pytest
import typer.main

from bench.cli import main as cli
from tests.support.mutate import Mutant

Numbers = dict[tuple[str, ...], float]
Seen = Counter[tuple[str, int]]
"""(reader, exit status) → how many examples."""


def quick_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line is made once for all calls, which takes longer than most readers; and no
    file is flushed to the disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    made = functools.cache(typer.main.get_command)
    monkeypatch.setattr(typer.main, "get_command", made)


def call(*arguments: str) -> int:
    """A command in this process; its exit status. Any other exception is the test's failure."""
    try:
        cli.main(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def check(name: str, status: int, capsys: pytest.CaptureFixture[str], mutant: Mutant) -> None:
    """Exit status 0, 1 or 2; with 2 the reason is one line on stderr, and never a traceback."""
    told = capsys.readouterr()
    assert status in (0, 1, 2), (name, mutant.how, status)
    assert "Traceback" not in told.err + told.out, (name, mutant.how)
    if status == 2 and told.err.startswith("bench:"):
        assert len(told.err.strip().splitlines()) == 1, (name, mutant.how, told.err)


def numbers(frame: pd.DataFrame) -> Numbers:
    """Cell and metric → value, of a run as `load_run` gives it."""
    keys = ["task", "implementation", "label", "metric"]
    kept = frame[frame["metric"] != ""]
    return {tuple(row[:-1]): row[-1] for row in kept[[*keys, "value"]].itertuples(index=False)}


def tell(kind: str, seen: Seen) -> None:
    """One line of figures a kind of file (pytest -s)."""
    readers = sorted({name for name, _ in seen})
    counts = (
        f"{name} {'/'.join(str(seen[name, status]) for status in (0, 1, 2))}" for name in readers
    )
    print(f"\n{kind}: {seen.total()} examples; exit status 0/1/2: {', '.join(counts)}")
