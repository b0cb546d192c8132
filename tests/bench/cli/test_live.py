"""What a run shows while it goes on."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from bench.cli import live
from bench.records.results import Results
from tests.support.records import about, certificate, record, results

TASKS = ("fnn-mnist", "cnn-64-10")
SECONDS = {"pytorch:eager": 0.1, "mxnet:hybrid": 0.2}


def after(*held: int) -> Results:
    """So many sittings of each task, the second contender at half the speed of the first."""
    made = [
        record(name, block, seconds * (1 + 0.002 * block), task=task)
        for task, count in zip(TASKS, held, strict=True)
        for block in range(count)
        for name, seconds in SECONDS.items()
    ]
    return results(made, about(TASKS))


def shown(made: Results, width: int = 80) -> list[str]:
    table = live.table(made)
    if table is None:
        return []
    out = StringIO()
    Console(file=out, width=width).print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_nothing_is_shown_before_a_sitting() -> None:
    assert shown(results([certificate()])) == []


def test_one_sitting_is_a_number_without_an_interval() -> None:
    assert live.so_far(after(1, 0)) == {
        "fnn-mnist": {"pytorch:eager": "best", "mxnet:hybrid": "0.50 ?"}
    }


def test_sittings_fill_the_table() -> None:
    first, both = shown(after(4, 0)), shown(after(4, 3))
    assert max(map(len, both)) <= 80
    assert not any("cnn-64-10" in line for line in first)
    assert any("fnn-mnist" in line and "cnn-64-10" in line for line in both)
    assert any("4 sittings" in line and "3 sittings" in line for line in both)
    slower = next(line for line in both if line.startswith("mxnet:hybrid"))
    assert slower.count("0.50 ±") == 2
    assert "?" not in slower


def test_without_a_terminal_it_is_a_line() -> None:
    said = live.line(after(4, 0), "fnn-mnist")
    assert said.startswith("fnn-mnist, 4 sittings: pytorch:eager best; mxnet:hybrid 0.50 ±")
