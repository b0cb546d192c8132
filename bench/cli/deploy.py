"""``bench deploy``: the same models through every format and runtime, proven, then timed."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console

from bench.cli.deploy_options import (
    DeployBudgetOption,
    DeployProfileName,
    DeployProfileOption,
    ProcessesOption,
    RoutesOption,
    SetupOption,
    StrictOption,
)
from bench.cli.options import DataDir, Out, Seed, Tasks, Threads, chosen, globs, seconds
from bench.cli.report import publish
from bench.cli.run_options import ResumeOption
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


def deploy(
    profile: DeployProfileOption = DeployProfileName.quick,
    tasks: Tasks = None,
    routes_: RoutesOption = None,
    threads: Threads = None,
    launches: ProcessesOption = None,
    budget: DeployBudgetOption = None,
    seed: Seed = 0,
    out: Out = None,
    data_dir: DataDir = None,
    setup: SetupOption = False,
    strict: StrictOption = False,
    resume: ResumeOption = False,
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
    left = _worked(opened, limit)
    good, count = _told(run, left)
    if not good or (strict and good < count):
        raise typer.Exit(1)


def _worked(opened: Deployment, limit: float | None) -> int:
    """Do what is not done yet; how many launches there was no time for."""
    with opened.run.locked():
        try:
            return opened.work(limit)
        except KeyboardInterrupt:
            typer.echo(
                f"interrupted; what is finished is kept. Go on with: {_again(opened.run)}", err=True
            )
            raise typer.Exit(130) from None


def _told(run: Run, left: int) -> tuple[int, int]:
    """Print and write the report; files that are certified, of how many."""
    results = Results.read(run)
    for table in section.overview(results):
        terminal.print_table(console, table)
    publish(results, run.path, console)
    if left:
        console.print(f"no time for {left} further launches: {_again(run)}", highlight=False)
    words = [one.word for one in route_results(results)]
    good = sum(word in ("certified", "fixed") for word in words)
    console.print(f"{good} of {len(words)} files certified", highlight=False)
    return good, len(words)


def _again(run: Run) -> str:
    return f"bench deploy --resume --out {run.path}"


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
