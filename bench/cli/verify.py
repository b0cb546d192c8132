"""``bench verify``: prove equal work, and measure nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console

from bench.cli.options import (
    DataDir,
    DeviceOption,
    DivisionOption,
    Env,
    Implementations,
    Out,
    PrecisionOption,
    Seed,
    TaskFiles,
    Tasks,
    Threads,
    source_of,
)
from bench.cli.run import request_of, work
from bench.records.beside import written
from bench.records.parts import CheckRecord
from bench.records.results import Results
from bench.records.schema import Launch
from bench.report.layouts import terminal
from bench.run import session, task_file


def verify(
    tasks: Tasks = None,
    task: TaskFiles = None,
    implementations: Implementations = None,
    division: DivisionOption = None,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "fp32",
    threads: Threads = None,
    seed: Seed = 0,
    out: Out = None,
    data_dir: DataDir = None,
    env: Env = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Prove equal work: certificates only. Exit status 1 when one is refused, or none passed."""
    console = Console()
    threads = threads or session.default_threads()
    own = task_file.read_all(task or (), data_dir)
    request = request_of(
        "smoke", "*" if tasks is None and not own else tasks, implementations, division, own,
        device=device, precision=precision, threads=threads, seed=seed, measure=False,
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
        terminal.print_rows(console, "Certificates", [_row(launch) for launch in launches])
        more = f"; {unsupported} cells unsupported, each with its reason" if unsupported else ""
        console.print(f"{passed} of {len(launches)} certificates passed{more}", highlight=False)
    raise typer.Exit(0 if passed and passed + unsupported == len(launches) else 1)


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
    measured = [(c.error, c) for c in checks if c.bound > 0 and c.error is not None]
    if not measured:
        return ""
    error, check = max(measured, key=lambda pair: pair[0] / pair[1].bound)
    return f"{check.name} {error:.1e} (bound {check.bound:.0e})"
