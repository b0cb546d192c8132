"""``bench run``: measure, print the table, write the report into the run."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import typer
from rich.console import Console

from adapters.outside import OutsideAdapter
from bench import discover
from bench.cli import cluster
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
    chosen,
    fraction,
    globs,
    seconds,
    size_bytes,
    source_of,
)
from bench.cli.parts import shard_of, swept
from bench.cli.progress import Progress
from bench.cli.report import publish
from bench.cli.run_options import (
    AddressOption,
    BudgetOption,
    CertifyOption,
    LaunchesOption,
    MarginOption,
    OnOption,
    ProfileName,
    ProfileOption,
    PruneOption,
    ResumeOption,
    ShardOption,
    SweepOption,
)
from bench.discover import Divisions, plugin_tasks, works
from bench.plan.request import PROFILES, contenders, matching_tasks
from bench.plan.sweep import sweeps_of
from bench.records.record import Request
from bench.records.results import Results
from bench.records.store import Run
from bench.report.layouts import terminal
from bench.run import ceiling, environments, session, task_file
from bench.run.launches import forget_outer, run_jobs
from bench.run.more import go_on
from bench.run.task_file import OwnTasks
from tasks.errors import UserError

console = Console()


def run(
    profile: ProfileOption = ProfileName.quick,
    tasks: Tasks = None,
    task: TaskFiles = None,
    implementations: Implementations = None,
    adapter: AdapterFiles = None,
    division: DivisionOption = None,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "fp32",
    threads: Threads = None,
    launches: LaunchesOption = None,
    budget: BudgetOption = None,
    margin: MarginOption = None,
    seed: Seed = 0,
    out: Out = None,
    data_dir: DataDir = None,
    env: Env = None,
    memory_limit: MemoryLimit = None,
    prune: PruneOption = False,
    certify: CertifyOption = False,
    sweep: SweepOption = None,
    shard: ShardOption = None,
    on: OnOption = None,
    address: AddressOption = None,
    resume: ResumeOption = False,
) -> None:
    """Measure, print the table, write the report into the run."""
    given = take_adapters(adapter, device)
    own = own_tasks(task, tasks, data_dir)
    part = shard_of(shard)
    unasked = not (launches or sweep or shard or on)  # else no sitting is added by itself
    engine = cluster.engine_of(on, address)
    nodes = cluster.looked(engine, device, console) if engine is not None else {}
    place = next(iter(nodes.values()), None)
    sweeps = sweeps_of(sweep or ())

    def asked() -> tuple[Request, OwnTasks]:
        request = request_of(
            profile.value, tasks, beside(given, implementations, division), division, own,
            device=device, precision=precision,
            threads=threads or (place.threads if place else session.default_threads()),
            launches=launches or PROFILES[profile].launches, seed=seed,
            margin=PROFILES[profile].margin if margin is None else fraction(margin, "--margin"),
            budget_seconds=_budget(budget, profile, unasked), prune=prune,
            memory_limit_bytes=size_bytes(memory_limit, "--memory-limit"), **part,
        )  # fmt: skip
        return swept(request, own, sweeps, data_dir) if sweeps else (request, own)

    if engine is not None:
        if budget is not None:
            raise UserError("--budget adds sittings on one machine; with --on say --launches")
        cluster.run_on(engine, nodes, asked, out, data_dir, resume, certify, console)
        return
    if resume:
        opened = session.resume(out, source_of(env))
    else:
        request, tasks_given = asked()
        opened = session.start(request, out, data_dir, source_of(env), own=tasks_given)
    work(opened, console, certify_anew=certify)
    shown(opened.run, console)


def shown(run: Run, console: Console) -> None:
    """Print a run's table and write its report; `UserError` where nothing was measured."""
    results = Results.read(run)
    terminal.show(results, console)
    publish(results, run.path, console)
    if not results.measured:
        raise UserError("nothing was measured; the reasons stand under the table")


def request_of(
    profile: str,
    tasks: str | None,
    implementations: str | None,
    division: Divisions | None = None,
    own: OwnTasks = session.NO_TASKS,
    **options: Any,
) -> Request:
    """A request with its globs resolved; `UserError` for what no request may hold. own: tasks of
    the user's, done beside what `tasks` matches, or alone where nothing was asked for."""
    if own and tasks is None:
        named = tuple(own)
    else:
        patterns = PROFILES[profile].tasks if tasks is None else globs(tasks)
        among = {work.name: work for work in (*works(), *(one.task for one in own.values()))}
        found = matching_tasks(patterns, list(among.values()))
        named = tuple(dict.fromkeys([*(work.name for work in found), *own]))
    names = tuple(i.name for i in contenders(chosen(implementations), named, division))
    try:
        return Request(profile=profile, tasks=named, implementations=names, **options)
    except ValueError as error:
        raise UserError(f"--{error}") from None


def take_adapters(files: list[Path] | None, device: str) -> list[OutsideAdapter]:
    """The adapters of these files, from here on known, each with its environment made."""
    given = [discover.add_adapter(path) for path in files or ()]
    made = environments.setup([g.environment for g in given], device, partial(typer.echo, err=True))
    for one in given:
        if made[one.environment].status != "ready":
            raise UserError(f"{one.framework.name}: {made[one.environment].reason}")
    return given


def beside(
    given: Sequence[OutsideAdapter], implementations: str | None, division: Divisions | None
) -> str | None:
    """Globs: where none are given, the usual rows and all of the given adapters."""
    if implementations is not None or not given:
        return implementations
    rows = discover.usual(discover.implementations(), division or discover.UNASKED)
    own = [row for one in given for row in one.framework.implementations]
    return ",".join(dict.fromkeys(row.name for row in (*rows, *own)))


def own_tasks(files: list[Path] | None, tasks: str | None, data_dir: Path | None) -> OwnTasks:
    """The tasks of these files, and of plug-ins those that `tasks` matches."""
    patterns = [] if tasks is None else globs(tasks)
    known = plugin_tasks().items()
    theirs = [file for name, (_, file) in known if any(fnmatch(name, glob) for glob in patterns)]
    return task_file.read_all([*(files or ()), *theirs], data_dir)


def _budget(text: str | None, profile: ProfileName, unasked: bool) -> float | None:
    """Seconds until which sittings are added; None: none are."""
    if text is not None:
        return seconds(text, "--budget")
    return PROFILES[profile].budget_seconds if unasked else None


def say_data(opened: session.Session) -> None:
    """How the user's data were read, and where embedded ones are used in their place."""
    for task, facts in opened.run.about().datasets.items():
        if facts.note:
            typer.echo(f"data of {task}: {facts.id}: {facts.note}", err=True)


def _tried_again(opened: session.Session, console: Console, quiet: bool) -> Progress:
    """Of a run that is gone on with, what failed for an outer reason is forgotten, and said."""
    if opened.resumed:
        found = forget_outer(opened.run, opened.jobs, opened.frameworks)
        if found and not quiet:
            names = ", ".join(dict.fromkeys(f"{j.cell.task} {j.cell.contender}" for j in found))
            typer.echo(f"tried again, as it failed for an outer reason: {names}", err=True)
    return Progress(opened, console, quiet)


def work(
    opened: session.Session, console: Console, quiet: bool = False, certify_anew: bool = True
) -> None:
    """Do all jobs of a run; Ctrl-C keeps what is finished and says how to go on."""
    if not quiet:
        say_data(opened)
    try:
        carry_out(opened, console, quiet, certify_anew)
    except KeyboardInterrupt:
        typer.echo(
            f"interrupted; all finished launches are kept. Go on with: "
            f"bench run --resume --out {opened.run.path}",
            err=True,
        )
        raise typer.Exit(130) from None


def carry_out(opened: session.Session, console: Console, quiet: bool, certify_anew: bool) -> None:
    """Do all jobs of a run; what is finished is kept when it is interrupted."""
    with opened.run.locked(), _tried_again(opened, console, quiet) as progress:
        try:
            started = monotonic()
            if opened.request.measure:
                ceiling.measure(opened.run, opened.request, opened.frameworks, progress.say)
            run_jobs(
                opened.run, opened.jobs, opened.frameworks, progress.events,
                opened.request.memory_limit_bytes, certify_anew,
            )  # fmt: skip
            go_on(opened, started, progress.events)
        except KeyboardInterrupt:
            progress.stop()
            raise
