"""What runs of a history must share to stand in one series, and what they differ in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from bench.history.entries import moment
from bench.records.beside import HistoryEntry, KeptCell
from bench.records.fingerprint import same_memory
from bench.records.record import Cell
from bench.records.schema import Machine

# Of a device: what a history is there to watch, as it watches versions of packages.
_VERSIONS = ("_driver", "_cuda", "_version")
LATE = timedelta(days=1)  # clocks and zones may differ by so much


def in_order(entries: Iterable[HistoryEntry]) -> list[HistoryEntry]:
    """Oldest first; memory that a reboot moved across a whole GiB is as it was before."""
    ordered = sorted(entries, key=lambda e: (moment(e.created), e.id))
    known: list[Machine] = []
    found = []
    for entry in ordered:
        machine = next((m for m in known if _same_but_for_memory(m, entry.machine)), entry.machine)
        known.append(machine)
        steady = entry.machine.model_copy(update={"memory_gib": machine.memory_gib})
        found.append(entry.model_copy(update={"machine": steady}))
    return found


def _same_but_for_memory(a: Machine, b: Machine) -> bool:
    return _machine(a) | {"memory_gib": 0} == _machine(b) | {"memory_gib": 0} and same_memory(
        a.memory_gib, b.memory_gib
    )


def words(entry: HistoryEntry) -> str:
    """The machine, for people."""
    m = entry.machine
    return f"{m.cpu}, {m.cores} cores, {m.memory_gib} GiB, {m.architecture}"


def same_machine(a: HistoryEntry, b: HistoryEntry) -> bool:
    """Whether two runs are of one machine; its system and its Python may have changed."""
    return _machine(a.machine) == _machine(b.machine)


def _machine(machine: Machine) -> dict[str, object]:
    """What it is, quota and device with it."""
    every = machine.model_dump(exclude={"os", "python"})
    return {name: value for name, value in every.items() if not name.endswith(_VERSIONS)}


def facts(entry: HistoryEntry, kept: KeptCell) -> dict[str, object]:
    """All that must be alike in a series beside the cell itself; flat."""
    return {
        **_machine(entry.machine),
        "device": kept.cell.device,
        "threads": kept.cell.threads,
        "data": kept.dataset,
        "task": kept.task,
        **{f"budget {name}": value for name, value in asdict(entry.budget).items()},
        "way of measuring": entry.measurement,
    }


def unlike(before: HistoryEntry, after: HistoryEntry, cell: Cell) -> str:
    """Why a cell of one run has no like in a later one, in words."""
    old = next(kept for kept in before.cells if kept.cell == cell)
    same = next((kept for kept in after.cells if kept.cell == cell), None)
    if not same_machine(before, after):
        differing = _differing(_machine(before.machine), _machine(after.machine))
        return f"it is of another machine: {differing}"
    if same is not None:
        return f"measured otherwise: {_differing(facts(before, old), facts(after, same))}"
    alike = [k for k in after.cells if (k.cell.task, k.cell.implementation) == _name(cell)]
    if alike:
        return f"measured otherwise: {_differing(asdict(cell), asdict(alike[0].cell))}"
    return "was not asked for"


def _name(cell: Cell) -> tuple[str, str]:
    return cell.task, cell.implementation


def _differing(a: dict[str, object], b: dict[str, object]) -> str:
    names = [name for name in {**a, **b} if a.get(name) != b.get(name)]
    return ", ".join(f"{n} {_short(a.get(n))} → {_short(b.get(n))}" for n in names)


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"


def ahead(entries: Sequence[HistoryEntry], now: datetime) -> list[str]:
    """Runs of a clock that was wrong: begun after now, so they would be the newest for ever."""
    return [
        f"run {entry.id} says that it was begun on {entry.created[:10]}, which is not yet: the "
        "clock was wrong; remove its file, or correct `created` in its run.json and add it again"
        for entry in entries
        if moment(entry.created) > now + LATE
    ]
