"""``bench verify``: prove equal work, and measure nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console

from bench.cli.options import (
    AdapterFiles,
    DataDir,
    DeviceOption,
    DivisionOption,
    Env,
    Implementations,
    MemoryLimit,
    Out,
    PrecisionOption,
    Seed,
    TaskFiles,
    Tasks,
    Threads,
    size_bytes,
    source_of,
)
from bench.cli.run import own_tasks, request_of, take_adapters, work
from bench.records.beside import written
from bench.records.parts import CheckRecord
from bench.records.results import Results
from bench.records.schema import Launch
from bench.report.blocks import Table, label
from bench.report.layouts import terminal
from bench.run import adapter_file, session

NEAREST = "nearest to its bound, and how much of it"


def verify(
    tasks: Tasks = None,
    task: TaskFiles = None,
    implementations: Implementations = None,
    adapter: AdapterFiles = None,
    division: DivisionOption = None,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "fp32",
    threads: Threads = None,
    seed: Seed = 0,
    out: Out = None,
    data_dir: DataDir = None,
    env: Env = None,
    memory_limit: MemoryLimit = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Prove equal work: certificates only.

    Exit status 1 when one is refused, 2 when one could not be made.


    An adapter of your own is tried on small tasks of every family first, then on what --tasks and
    --task name.
    """
    console = Console()
    threads = threads or session.default_threads()
    given = take_adapters(adapter, device)
    patterns = "*" if tasks is None and not task and not given else tasks
    own = own_tasks(task, patterns, data_dir)
    if given:
        own = adapter_file.small_tasks() | own
        names = [row.name for one in given for row in one.framework.implementations]
        implementations = implementations or ",".join(names)
    request = request_of(
        "smoke", patterns, implementations, division, own,
        device=device, precision=precision, threads=threads, seed=seed, measure=False,
        memory_limit_bytes=size_bytes(memory_limit, "--memory-limit"),
    )  # fmt: skip
    opened = session.start(request, out, data_dir, source_of(env), own=own)
    work(opened, console, quiet=as_json)
    launches = [x for x in Results.read(opened.run).launches if x.kind == "certify"]
    count = Counter(launch.status for launch in launches)
    passed, unsupported = count["ok"], count["unsupported"]
    if as_json:
        found = {"passed": passed, "unsupported": unsupported, "of": len(launches)}
        rows = [_row(launch) | {"checks": _checks(launch)} for launch in launches]
        typer.echo(json.dumps(found | {"certificates": rows}, indent=1))
    else:
        terminal.print_table(console, table(launches))
        for launch in launches:
            if launch.status != "ok":
                text = f"{launch.cell.task} {launch.cell.implementation}: {launch.reason}"
                console.print(text, markup=False, highlight=False)
        more = f"; {unsupported} cells unsupported, each with its reason" if unsupported else ""
        console.print(f"{passed} of {len(launches)} certificates passed{more}", highlight=False)
    raise typer.Exit(exit_code({str(status): number for status, number in count.items()}))


def exit_code(count: Mapping[str, int]) -> int:
    """0: all that is supported passed; 1: a certificate was refused; 2: one could not be made, or
    there is none. count: certificates by status."""
    refused = count.get("unverified", 0) + count.get("diverged", 0)
    done = count.get("ok", 0) + count.get("unsupported", 0)
    if refused:
        return 1
    return 0 if count.get("ok") and done == sum(count.values()) else 2


def table(launches: Sequence[Launch]) -> Table:
    """Task, implementation, how it ended, and the check that came nearest to its bound."""
    columns = (label("task"), label("implementation"), label("status"), label(NEAREST, wrap=True))
    rows = tuple((x.cell.task, x.cell.implementation, x.status, _nearest(x)) for x in launches)
    failed = {i for i, x in enumerate(launches) if x.status not in ("ok", "unsupported")}
    return Table("Certificates", columns, rows, bad=frozenset(failed))


def _nearest(launch: Launch) -> str:
    certificate = launch.launch.certificate
    found = _worst(certificate.checks) if certificate else None
    return f"{found.name}, {(found.error or 0.0) / found.bound:.1%}" if found else ""


def _row(launch: Launch) -> dict[str, Any]:
    """Who, how it ended, the worst error of any check."""
    certificate = launch.launch.certificate
    return {
        "task": launch.cell.task,
        "implementation": launch.cell.implementation,
        "status": launch.status,
        "worst": worst(certificate.checks) if certificate else "",
        "adam": certificate.adam_form if certificate else "",
        "reason": launch.reason,
    }


def _checks(launch: Launch) -> list[dict[str, Any]]:
    certificate = launch.launch.certificate
    return [written(check) for check in certificate.checks] if certificate else []


def worst(checks: Sequence[CheckRecord]) -> str:
    """The check that came nearest to its bound, as "name error (bound …)"."""
    found = _worst(checks)
    return f"{found.name} {found.error:.1e} (bound {found.bound:.0e})" if found else ""


def _worst(checks: Sequence[CheckRecord]) -> CheckRecord | None:
    measured = [c for c in checks if c.bound > 0 and c.error is not None]
    return max(measured, key=lambda c: (c.error or 0.0) / c.bound, default=None)
