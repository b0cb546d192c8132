"""``bench list``: tasks, implementations and devices; which are ready here, and why not."""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.base import Division, Implementation
from bench.cli.options import DeviceOption
from bench.discover import implementations, tuners, usual, works
from bench.judge.divisions import MEANINGS
from bench.machine.devices.kinds import KINDS, kind_of
from bench.run import session
from bench.run.interpreters import minor_of

Listed = dict[str, object]
MARKS: dict[Division, str] = {
    "documented": "measured by default",
    "tuned": "measured with --division tuned",
}


def list_(
    device: DeviceOption = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tasks, implementations and devices; which are ready here, and why not."""
    kind_of(device)
    tasks = [{"task": t.name, "family": t.family, "summary": t.summary} for t in works()]
    taken = {i.name for i in usual((*implementations(), *tuners()), "both")}
    rows = [_implementation(i, device, taken) for i in implementations()]
    own = [_implementation(i, device, taken) for i in tuners()]
    devices: list[Listed] = [
        {"device": name, "precisions": kind.PRECISIONS, "reason": kind.why_not()}
        for name, kind in KINDS.items()
    ]
    if as_json:
        found = {"tasks": tasks, "implementations": rows, "tuners": own, "devices": devices}
        typer.echo(json.dumps(found, indent=1))
        return
    console = Console()
    _say(console, "Tasks")
    _print(console, [(t["task"], t["summary"]) for t in tasks])
    for division, mark in MARKS.items():
        title = f"{division.capitalize()} implementations on {device}  (* {mark})"
        _say(console, title, f"{MEANINGS[division].capitalize()}. Version on which Python.")
        _print(console, _shown([row for row in rows + own if row["division"] == division]))
    ready = [(str(d["device"]), "ready" if not d["reason"] else "no", _device(d)) for d in devices]
    _say(console, "Devices")
    _print(console, ready)


def _implementation(implementation: Implementation, device: str, taken: Container[str]) -> Listed:
    """taken: names of the rows that `bench run` takes of their division unasked."""
    environment = session.ready(implementation, device)
    return {
        "implementation": implementation.name,
        "division": implementation.division,
        "departures": implementation.departures,
        "usual": implementation.usual,
        "taken": implementation.name in taken,
        "summary": implementation.summary,
        "status": environment.status,
        "version": environment.version,
        "reason": environment.reason,
        "python": environment.python,
        "interpreter": environment.interpreter,
        "tests": implementation.tests,
    }


def _shown(rows: Sequence[Listed]) -> list[tuple[str, ...]]:
    """Name, state and words of each implementation; a reason stands before the summary."""
    found: list[tuple[str, ...]] = []
    for row in rows:
        name = f"{row['implementation']}{' *' if row['taken'] else ''}"
        ready = row["status"] == "ready"
        words = str(row["summary"]) if ready else f"{row['reason']} ({row['summary']})"
        state = (
            f"{row['version']} on {minor_of(str(row['interpreter']))}" if ready else row["status"]
        )
        found.append((name, str(state), words))
    return found


def _device(row: Listed) -> str:
    precisions = row["precisions"]
    names = ", ".join(precisions) if isinstance(precisions, tuple) else ""
    return str(row["reason"] or names)


def _say(console: Console, title: str, meaning: str = "") -> None:
    """A heading, and under it what stands there."""
    console.print(f"\n[bold]{title}[/bold]", highlight=False)
    if meaning:
        console.print(meaning, highlight=False)


def _print(console: Console, rows: Sequence[Sequence[object]]) -> None:
    """Names are never broken; the last column takes what room is left."""
    grid = Table.grid(padding=(0, 2))
    columns = len(rows[0]) if rows else 0
    for number in range(columns):
        grid.add_column(no_wrap=number < columns - 1, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(str(value)) for value in row))
    console.print(grid)
