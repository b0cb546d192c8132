"""``bench distribute``: data-parallel training of every framework's own kind, in a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console

from adapters.base import Scheme
from bench.cli.options import Seed, Tasks, chosen, globs, seconds
from bench.cli.report import publish
from bench.distributed import questions, session
from bench.distributed.questions import USUAL_TASKS, Wanted
from bench.machine import cores
from bench.plan.request import PROFILES, matching_tasks
from bench.records.groups import DistributedFile, GroupKind
from bench.records.record import Request
from bench.records.results import Results
from bench.records.store import Run
from bench.report.layouts import terminal
from bench.run import session as runs
from tasks.data import prepare
from tasks.errors import UserError
from tasks.spec.network import Task

PROFILE = "quick"


def distribute(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory; made if new.")],
    schemes: Annotated[
        str | None,
        typer.Option(
            metavar="GLOB",
            help="By framework or framework:way, e.g. 'pytorch' or '*:ddp'.",
            show_default="the usual ones",
        ),
    ] = None,
    tasks: Tasks = None,
    processes: Annotated[str, typer.Option(metavar="1,2,4", help="Sizes of the groups.")] = "1,2,4",
    launches: Annotated[int, typer.Option(min=1, help="Groups of each kind that are timed.")] = 3,
    budget: Annotated[
        str | None, typer.Option(metavar="15m", help="Time there is (s, m or h).")
    ] = None,
    certify: Annotated[bool, typer.Option("--certify", help="Certificates, and no times.")] = False,
    again: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Ask these anew: certify, measure, alone, lose."),
    ] = None,
    seed: Seed = 0,
) -> None:
    """Train one model on several processes, in each framework's own way: certify that they do the
    whole batch's work, measure what they gain, and kill one. Stopped, the same command goes on."""
    console = Console()
    sizes = _sizes(processes)
    anew = chosen(again) or []
    if strange := sorted(set(anew) - set(get_args(GroupKind))):
        raise UserError(f"--again {strange[0]}: there are {', '.join(get_args(GroupKind))}")
    wanted_schemes = questions.schemes(chosen(schemes))
    limit = seconds(budget, "--budget") if budget else None
    run = _opened(run_dir, chosen(tasks), wanted_schemes, seed)
    wanted = _wanted(run, chosen(tasks), wanted_schemes, sizes, launches, seed, certify)

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    with run.locked():
        try:
            file, left = session.measure(run, wanted, say, limit, anew)
        except KeyboardInterrupt:
            say("interrupted; all finished groups are kept: the same command goes on")
            raise typer.Exit(130) from None
    results = Results.read(run)
    terminal.show(results, console)
    publish(results, run_dir, console)
    if left:
        say(f"no time for {left} groups; the same command goes on with them")
    if refused(file):
        raise typer.Exit(1)


def refused(file: DistributedFile) -> bool:
    """Whether a certificate was refused, or not made by a scheme that should work."""
    known = {scheme.name for scheme in questions.schemes(None) if scheme.fails}
    return any(group.status != "ok" and group.name not in known for group in file.of("certify"))


def _sizes(text: str) -> tuple[int, ...]:
    """ "1,2,4" → the sizes, one always among them, as it is what the others are held against."""
    try:
        found = {int(word) for word in globs(text)}
    except ValueError:
        found = {0}
    if min(found) < 1 or max(found) > 64:
        raise UserError(f"--processes {text!r} is no list of sizes; write it like 1,2,4")
    return tuple(sorted({1, *found}))


def _opened(run_dir: Path, tasks: list[str] | None, schemes: tuple[Scheme, ...], seed: int) -> Run:
    """The run that is there, or a new one that asks for the same tasks and measures nothing."""
    if (run_dir / "run.json").exists():
        return Run.open(run_dir)
    rows = questions.singles(schemes)
    request = Request(
        PROFILE,
        tuple(task.name for task in _tasks(tasks)),
        tuple(row.name for row in rows),
        threads=cores.usable(),
        seed=seed,
        measure=False,
        margin=PROFILES[PROFILE].margin,
    )
    return runs.start(request, run_dir, None).run


def _tasks(words: list[str] | None) -> list[Task]:
    found = matching_tasks(words or USUAL_TASKS)
    able = [task for task in found if isinstance(task, Task) and not task.is_graph]
    if not able:
        raise UserError("several processes train chains of layers here, no graph and no search")
    return able


def _wanted(
    run: Run,
    tasks: list[str] | None,
    schemes: tuple[Scheme, ...],
    sizes: tuple[int, ...],
    launches: int,
    seed: int,
    certify: bool,
) -> Wanted:
    asked = tuple(_tasks(tasks))
    wanted = Wanted(
        schemes, asked, sizes, launches, cores.usable(), seed, questions.singles(schemes),
        certificates_only=certify,
    )  # fmt: skip
    folders = {task.name: prepare.prepare(task.data).folder for task in wanted.certified}
    return replace(wanted, folders=folders)
