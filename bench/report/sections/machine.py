"""The machine, versions and the settings that were read back from each framework."""

from __future__ import annotations

from bench.records.results import Results
from bench.report.blocks import Block, Details, Facts, Note, Section, Table, label
from bench.report.context import Context

ORDER = 80
OF_DEPLOYMENTS = True
GIB = 2**30
ROUNDED = (
    "Memory is kept in whole GiB and the kernel without its patch: what a restart changes makes no "
    "other machine."
)


def sections(results: Results, context: Context) -> list[Section]:
    """Facts, and behind them the settings, those that differ first."""
    facts = [*machine(results), *versions(results).items()]
    facts += pythons(results)
    facts += [("command", results.about.command)]
    if theirs := results.about.request.own:
        facts += [("environments of the user's own", ", ".join(theirs))]
    if suite := results.about.suite.version:
        facts += [("suite", f"{suite} {results.about.suite.revision}".strip())]
    blocks: tuple[Block, ...] = (
        Facts(tuple((name, (text,)) for name, text in facts)),
        Note(ROUNDED, small=True),
    )
    if (table := settings(results)).rows:
        blocks = (*blocks, Details(f"{table.title} (those that differ first)", (table,)))
    return [Section("machine", "Machine, versions, settings", blocks)]


def machine(results: Results) -> list[tuple[str, str]]:
    """What the machine is and what was asked of it; memory in whole GiB, as it is kept."""
    request = results.about.request
    facts = results.about.machine.model_dump()
    return [_fact(name, value) for name, value in facts.items() if value is not None] + [
        ("device", request.device),
        ("precision", request.precision),
        ("threads", str(request.threads)),
        ("launches", str(request.launches)),
        ("profile", request.profile),
    ]


def _fact(name: str, value: object) -> tuple[str, str]:
    if name.endswith("_gib"):
        return name.removesuffix("_gib").replace("_", " "), f"{value} GiB"
    if name.endswith("_bytes") and isinstance(value, int | float):
        return name.removesuffix("_bytes").replace("_", " "), f"{value / GIB:.0f} GiB"
    return name.replace("_", " "), str(value)


def versions(results: Results) -> dict[str, str]:
    """Implementation → its framework's version."""
    named = {r.cell.implementation: r.version for r in results.cells if r.version}
    return dict(sorted(named.items()))


def pythons(results: Results) -> list[tuple[str, str]]:
    """Which implementations ran on which interpreter, where not all did on the suite's own."""
    ran: dict[str, list[str]] = {}
    for name, version in sorted({(r.cell.implementation, r.python) for r in results.cells}):
        if version:
            ran.setdefault(version, []).append(name)
    if ran.keys() <= {results.about.machine.python}:
        return []
    return [(f"Python {version}", ", ".join(names)) for version, names in sorted(ran.items())]


def settings(results: Results) -> Table:
    """Settings × implementations, those that differ first; a setting that changed over the tasks
    shows every value."""
    seen: dict[str, dict[str, dict[str, None]]] = {}
    for launch in results.launches:
        for key, value in launch.launch.settings.items():
            by_name = seen.setdefault(key, {})
            by_name.setdefault(launch.cell.implementation, {})[str(value)] = None
    names = sorted({name for by_name in seen.values() for name in by_name})
    rows = [
        (key, *(", ".join(sorted(by_name.get(name, {"–": None}))) for name in names))
        for key, by_name in sorted(seen.items())
    ]
    rows.sort(key=lambda row: len(set(row[1:])) == 1)
    return Table(
        "Settings, read back from each framework",
        (label("setting"), *map(label, names)),
        tuple(rows),
    )
