"""``bench deploy``: the same models through every format and runtime, proven, then timed."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.cli.options import DataDir, Out, Seed, Tasks, Threads, chosen, globs, seconds
from bench.cli.report import publish
from bench.deploy import environments, routes
from bench.deploy.plan import PROFILES
from bench.deploy.results import route_results
from bench.deploy.work import Deployment
from bench.plan.request import PROFILES as RUN_PROFILES
from bench.plan.request import matching_tasks
from bench.records.record import Budget, Request
from bench.records.results import Results
from bench.records.store import Run
from bench.report.layouts import terminal
from bench.report.sections import deployment as section
from bench.run import session
from tasks.errors import UserError
from tasks.spec.network import Task

console = Console()


class DeployProfileName(StrEnum):
    certify = "certify"
    smoke = "smoke"
    quick = "quick"
    full = "full"


def deploy(
    profile: Annotated[
        DeployProfileName,
        typer.Option(
            help="certify: certificates alone; smoke, quick, full: 0.1, 0.5 or 2 seconds for each "
            "timed part of 1, 3 or 5 launches."
        ),
    ] = DeployProfileName.quick,
    tasks: Tasks = None,
    routes_: Annotated[
        str | None,
        typer.Option(
            "--routes",
            metavar="GLOB",
            help="framework:format:runtime or its beginning, e.g. 'pytorch' or '*:onnx'; commas "
            "between several.",
            show_default="all",
        ),
    ] = None,
    threads: Threads = None,
    launches: Annotated[
        int | None,
        typer.Option(min=1, help="Fresh processes of every route.", show_default="of the profile"),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(metavar="20m", help="Begin no second launch of a route after that time."),
    ] = None,
    seed: Seed = 0,
    out: Out = None,
    data_dir: DataDir = None,
    setup: Annotated[
        bool, typer.Option("--setup", help="Make the environments that are missing first.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit status 1 unless every route is certified.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Finish an interrupted run; its own options hold.")
    ] = False,
) -> None:
    """Export every model, load it in every runtime, prove and time it; write the report."""
    limit = None if budget is None else seconds(budget, "--budget")
    run = (
        _resumed(out)
        if resume
        else _begun(profile.value, tasks, routes_, threads, launches, seed, out, data_dir)
    )
    opened = Deployment(run, run.about(), lambda line: typer.echo(line, err=True))
    if setup:
        environments.setup(opened.needed(), lambda line: typer.echo(line, err=True))
    with run.locked():
        try:
            left = opened.work(limit)
        except KeyboardInterrupt:
            typer.echo(
                "interrupted; what is finished is kept. Go on with: "
                f"bench deploy --resume --out {run.path}", err=True,
            )  # fmt: skip
            raise typer.Exit(130) from None
    results = Results.read(run)
    for table in section.overview(results):
        terminal.print_table(console, table)
    publish(results, run.path, console)
    if left:
        again = f"bench deploy --resume --out {run.path}"
        console.print(f"no time for {left} further launches: {again}", highlight=False)
    words = [one.word for one in route_results(results)]
    good = sum(word in ("certified", "fixed") for word in words)
    console.print(f"{good} of {len(words)} files certified", highlight=False)
    if not good or (strict and good < len(words)):
        raise typer.Exit(1)


def _begun(
    profile: str,
    tasks: str | None,
    asked: str | None,
    threads: int | None,
    launches: int | None,
    seed: int,
    out: Path | None,
    data_dir: Path | None,
) -> Run:
    """A new run; `UserError` for what none may hold."""
    known = PROFILES[profile]
    patterns = RUN_PROFILES["quick"].tasks if tasks is None else globs(tasks)
    works = [work for work in matching_tasks(patterns) if isinstance(work, Task)]
    if not works:
        raise UserError("a search has no one model to deploy; name tasks")
    found = routes.matching(chosen(asked))
    request = Request(
        profile=profile,
        tasks=tuple(task.name for task in works),
        implementations=(),
        threads=threads or session.default_threads(),
        launches=launches or known.launches,
        seed=seed,
        routes=tuple(route.name for route in found),
    )
    budget = Budget(None, None, 256, 1, known.seconds or 1.0, 900.0)
    about = session.about_of(request, budget, data_dir)
    return Run.create(out or session.folder_of(about), about)


def _resumed(out: Path | None) -> Run:
    """A run of `bench deploy` that was begun here."""
    if out is None:
        raise UserError("name the run to go on with by --out")
    run = Run.open(out)
    about = run.about()
    if not about.request.routes:
        raise UserError(f"{out} is no run of `bench deploy`; `bench run --resume` goes on with it")
    session.check_begun(out, about)
    return run
