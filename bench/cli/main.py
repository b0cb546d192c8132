"""The ``bench`` command. Every user's mistake is one line on stderr and exit status 2."""

from __future__ import annotations

import json
import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer
from rich.console import Console

from adapters.base import Device, Precision
from bench import discover
from bench.cli.compare import compare_
from bench.cli.data import data_app
from bench.cli.doctor import doctor
from bench.cli.export import export
from bench.cli.history import history_app
from bench.cli.options import chosen, fraction, globs, seconds
from bench.cli.progress import Progress
from bench.cli.regress import regress
from bench.cli.report import evidence_, publish, report_
from bench.machine.devices.kinds import KINDS
from bench.plan.again import again as again_blocks
from bench.plan.request import (
    PROFILES,
    Request,
    contenders,
    matching_implementations,
    matching_tasks,
)
from bench.records import tidy
from bench.report import tables
from bench.report.layouts import terminal
from bench.run import ceiling, environments, session
from bench.run.launches import run_jobs
from bench.run.until import go_on, open_tasks
from tasks.catalogue.every import CATALOGUE
from tasks.errors import UserError

app = typer.Typer(
    help="Compare deep-learning frameworks on identical, certified work.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data_app, name="data")
app.command("compare")(compare_)
app.command("regress")(regress)
app.command("report")(report_)
app.command("evidence")(evidence_)
app.add_typer(history_app, name="history")
app.command()(export)
app.command()(doctor)
console = Console()


class ProfileName(StrEnum):
    smoke = "smoke"
    quick = "quick"
    full = "full"


Tasks = Annotated[
    str | None,
    typer.Option(
        "--tasks", metavar="GLOB", help="Tasks by name, e.g. 'fnn-*'; commas between several."
    ),
]
Implementations = Annotated[
    str | None,
    typer.Option(
        "--implementations",
        metavar="GLOB",
        help="By framework or framework:mode, e.g. 'keras' or '*:eager'; commas between several.",
        show_default="the usual mode of each framework",
    ),
]
DeviceOption = Annotated[Device, typer.Option(help="Where to compute.")]
PrecisionOption = Annotated[
    Precision, typer.Option(help="Of the products: float32, TF32 (GPUs) or bfloat16 mixed.")
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, help="CPU threads for every framework.", show_default="all cores"),
]
Repeats = Annotated[
    int,
    typer.Option(min=0, help="Blocks measured anew, a task, where others disturbed a launch."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Run directory.", show_default="runs/<time>"),
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="Folder with the canonical data files."),
]


@app.command("list")
def list_(
    device: DeviceOption = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tasks, implementations and devices; which are ready here, and why not."""
    rows = []
    tuners = {tuner.name for tuner in discover.tuners()}
    for implementation in discover.implementations() + discover.tuners():
        environment = session.ready(implementation, device)
        rows.append(
            {
                "implementation": implementation.name,
                "usual": implementation.usual,
                "summary": implementation.summary,
                "status": environment.status,
                "version": environment.version,
                "reason": environment.reason,
                "python": environment.python,
                "tests": implementation.tests,
            }
        )
    tasks = [{"task": t.name, "family": t.family, "summary": t.summary} for t in CATALOGUE]
    devices = [
        {"device": name, "precisions": kind.PRECISIONS, "reason": kind.why_not()}
        for name, kind in KINDS.items()
    ]
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "tasks": tasks,
                    "implementations": [r for r in rows if r["implementation"] not in tuners],
                    "tuners": [r for r in rows if r["implementation"] in tuners],
                    "devices": devices,
                },
                indent=1,
            )
        )
    else:
        terminal.print_rows(console, "Tasks", tasks)
        shown = [{k: v for k, v in row.items() if k != "python"} for row in rows]
        terminal.print_rows(console, f"Implementations on {device}", shown)
        terminal.print_rows(
            console,
            "Devices",
            [
                {
                    "device": d["device"],
                    "precisions": ", ".join(d["precisions"]),
                    "ready": d["reason"] or "yes",
                }
                for d in devices
            ],
        )


@app.command()
def setup(
    device: DeviceOption = "cpu",
    implementations: Implementations = None,
) -> None:
    """Make the frameworks' environments (pip; kept between calls)."""
    found = matching_implementations(chosen(implementations))
    made = environments.setup([i.environment for i in found], device, say=typer.echo)
    if all(e.status != "ready" for e in made.values()):
        raise UserError("no framework could be installed; see setup.log in each folder of .envs")


@app.command()
def run(
    profile: Annotated[
        ProfileName,
        typer.Option(help="; ".join(f"{p.name}: {p.summary}" for p in PROFILES.values())),
    ] = ProfileName.quick,
    tasks: Tasks = None,
    implementations: Implementations = None,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "fp32",
    threads: Threads = None,
    launches: Annotated[
        int | None, typer.Option(min=1, help="Processes a cell.", show_default="the profile's")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="2%",
            help="Add blocks until the intervals against the fastest are ± this.",
            show_default="no blocks added",
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(metavar="20m", help="With --until: add none after this time (s, m or h)."),
    ] = None,
    repeats: Repeats = 1,
    seed: Annotated[int, typer.Option(help="Seed of the first block; each block adds one.")] = 0,
    out: Out = None,
    data_dir: DataDir = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Searches: end trials below the median early.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Finish an interrupted run; its own options hold.")
    ] = False,
) -> None:
    """Measure, print the table, write the report into the run."""
    if budget is not None and until is None and not resume:
        raise UserError("--budget needs --until: without it the number of launches is fixed")
    if resume:
        opened = session.resume(out)
    else:
        size = PROFILES[profile]
        named = [t.name for t in matching_tasks(size.tasks if tasks is None else globs(tasks))]
        request = Request(
            profile=profile.value,
            tasks=tuple(named),
            implementations=tuple(i.name for i in contenders(chosen(implementations), named)),
            device=device,
            precision=precision,
            threads=threads or session.default_threads(),
            launches=launches or size.launches,
            repeats=repeats,
            seed=seed,
            until=None if until is None else fraction(until, "--until"),
            budget_seconds=None if budget is None else seconds(budget, "--budget"),
            prune=prune,
        )
        opened = session.start(request, out, data_dir)
    _work(opened)
    terminal.print_tables(opened.run, console)
    for line in open_tasks(opened):
        console.print(line, markup=False, highlight=False)
    publish(opened.run, opened.run.path, console)
    if not any(tidy.good([record]) for record in opened.run.records().values()):
        typer.echo("nothing was measured; the reasons stand under the table", err=True)
        raise typer.Exit(1)


@app.command()
def verify(
    tasks: Tasks = None,
    implementations: Implementations = None,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "fp32",
    threads: Threads = None,
    seed: Annotated[int, typer.Option(help="Seed of weights and rows.")] = 0,
    out: Out = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Prove equal work: certificates only. Exit status 1 when one is refused, or none passed."""
    named = [t.name for t in matching_tasks(["*"] if tasks is None else globs(tasks))]
    request = Request(
        profile="smoke",
        tasks=tuple(named),
        implementations=tuple(i.name for i in contenders(chosen(implementations), named)),
        device=device,
        precision=precision,
        threads=threads or session.default_threads(),
        seed=seed,
        measure=False,
    )
    opened = session.start(request, out, data_dir)
    _work(opened, quiet=as_json)
    rows = tables.certificate_rows(opened.run)
    count = Counter(row["status"] for row in rows)
    passed, unsupported = count["ok"], count["unsupported"]
    if as_json:
        found = {"passed": passed, "unsupported": unsupported, "of": len(rows)}
        typer.echo(json.dumps(found | {"certificates": rows}, indent=1))
    else:
        terminal.print_rows(
            console, "Certificates", [{k: v for k, v in r.items() if k != "checks"} for r in rows]
        )
        more = f"; {unsupported} cells unsupported, each with its reason" if unsupported else ""
        console.print(f"{passed} of {len(rows)} certificates passed{more}", highlight=False)
    raise typer.Exit(0 if passed and passed + unsupported == len(rows) else 1)


def _work(opened: session.Session, quiet: bool = False) -> None:
    with opened.run.locked(), Progress(opened, console, quiet) as progress:
        try:
            started = monotonic()
            polled = progress.polled
            if opened.request.measure:
                ceiling.measure(opened.run, opened.request, opened.frameworks, progress.say)
            run_jobs(opened.run, opened.jobs, opened.frameworks, progress.done, on_poll=polled)
            again = again_blocks(opened.jobs, opened.run.records(), opened.request.repeats)
            if again:
                progress.more(len(again))
                run_jobs(opened.run, again, opened.frameworks, progress.done)
            go_on(opened, started, progress.done)
        except KeyboardInterrupt:
            progress.stop()
            typer.echo(
                f"interrupted; all finished launches are kept. Go on with: "
                f"bench run --resume --out {opened.run.path}",
                err=True,
            )
            raise typer.Exit(130) from None


def main(arguments: list[str] | None = None) -> Any:
    """Entry point of the console script."""
    try:
        app(arguments, prog_name="bench")
    except UserError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)
