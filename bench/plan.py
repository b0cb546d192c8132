"""From a request to an ordered list of jobs. Pure: no clock, no files, no processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any

from adapters import IMPLEMENTATIONS, TUNERS, Implementation
from adapters.base import Device, Precision
from bench.record import Budget, Cell, Job, Record, job_of
from tasks import CATALOGUE
from tasks.errors import UserError
from tasks.spec import Task
from tasks.tuning import SEARCHES, Search

AA_LABEL = "A/A"
_SEARCHES = {search.name: search for search in SEARCHES}


@dataclass(frozen=True)
class Profile:
    """A size of run. `tasks`: globs of the tasks it covers when none are asked for."""

    name: str
    summary: str
    launches: int
    tasks: tuple[str, ...]
    budget: Budget


PROFILES: dict[str, Profile] = {
    "smoke": Profile(
        "smoke",
        "one short launch each: does everything work?",
        1,
        ("fnn-mnist",),
        Budget(1, 25, 5, 10, 5, 10, 512, 1.0, 1200.0),
    ),
    "quick": Profile(
        "quick",
        "one task of each family, four launches each, three epochs",
        4,
        ("fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-forecast"),
        Budget(3, None, 10, 200, 30, 300, 2048, 0.5, 1200.0),
    ),
    "full": Profile(
        "full",
        "every model, five launches each; the searches (tune-*) are asked for by name",
        5,
        ("fnn-*", "cnn-*", "rnn-*", "lstm-*"),
        Budget(None, None, 20, 300, 50, 500, 2048, 0.5, 1800.0),
    ),
}


@dataclass(frozen=True)
class DataSet:
    """What a job needs to know of its data: `folder` relative to the cache, and the target."""

    folder: str
    target: float | None = None


@dataclass(frozen=True)
class Request:
    """What the user asked for, after the globs were resolved; kept in run.json."""

    profile: str
    tasks: tuple[str, ...]
    implementations: tuple[str, ...]
    device: Device = "cpu"
    precision: Precision = "fp32"
    threads: int = 1
    launches: int = 1
    seed: int = 0
    measure: bool = True  # False: certificates only
    until: float | None = None  # half-width to reach by adding blocks (bench/adaptive.py)
    budget_seconds: float | None = None  # time after which no block is added
    repeats: int = 0  # blocks measured anew, of each task, where others disturbed a launch
    prune: bool = False  # searches: stop trials that the median pruner gives up

    @staticmethod
    def from_dict(raw: dict[str, Any]) -> Request:
        """Inverse of dataclasses.asdict, through JSON."""
        tuples = {key: tuple(raw[key]) for key in ("tasks", "implementations")}
        return Request(**{**raw, **tuples})


def matching_tasks(
    globs: Iterable[str], among: Sequence[Task | Search] = CATALOGUE
) -> list[Task | Search]:
    """The tasks whose names match any glob, in catalogue order; `UserError` when none does."""
    globs = list(globs)
    found = [task for task in among if any(fnmatch(task.name, g) for g in globs)]
    if not found:
        raise UserError(_nothing("task", globs, [task.name for task in among]))
    return found


def matching_implementations(
    globs: Iterable[str] | None, among: Sequence[Implementation] = IMPLEMENTATIONS + TUNERS
) -> list[Implementation]:
    """As `matching_tasks`, by ``framework:mode`` or by framework alone; None: the usual ones."""
    if globs is None:
        return [x for x in among if x.usual]
    globs = list(globs)
    found = [x for x in among if any(fnmatch(x.name, g) or fnmatch(x.framework, g) for g in globs)]
    if not found:
        raise UserError(_nothing("implementation", globs, [x.name for x in among]))
    return found


def contenders(globs: Iterable[str] | None, tasks: Sequence[str]) -> list[Implementation]:
    """The matching implementations that are for any of these tasks; `UserError` when none is.
    None: the usual ones."""
    found = matching_implementations(globs)
    able = [x for x in found if any(x.does(task) for task in tasks)]
    if not able:
        raise UserError(f"{found[0].name} is for {', '.join(found[0].only)} only; add --tasks")
    return able


def _nothing(kind: str, globs: list[str], names: list[str]) -> str:
    return f"no {kind} matches {', '.join(map(repr, globs))}; choose from: {', '.join(names)}"


def make_jobs(
    request: Request,
    budget: Budget,
    data: Mapping[str, DataSet],
    implementations: Mapping[str, Implementation],
) -> list[Job]:
    """Certificates first, then counterbalanced blocks.

    Inside a block every contender of a task runs once. The order is rotated by one from block
    to block and reversed in every second block, so a drift of the machine hits all alike.
    data: task name → its data set.
    """
    jobs: list[Job] = []
    for name in request.tasks:
        for position, cell in enumerate(_contenders(request, name, implementations)):
            jobs.append(_job("certify", cell, 0, position, request, budget, data, implementations))
    if not request.measure:
        return jobs
    for block in range(request.launches):
        for name in request.tasks:
            if name not in _SEARCHES:
                jobs += block_jobs(request, name, block, budget, data, implementations)
            elif block == 0:  # one launch: its trials are its rounds, and they are many
                cells = _contenders(request, name, implementations)
                for position, cell in enumerate(cells):
                    jobs.append(
                        _job("search", cell, 0, position, request, budget, data, implementations)
                    )
    return jobs


def block_jobs(
    request: Request,
    task: str,
    block: int,
    budget: Budget,
    data: Mapping[str, DataSet],
    implementations: Mapping[str, Implementation],
) -> list[Job]:
    """One block of one task: a launch of each contender, in the block's order."""
    cells = _contenders(request, task, implementations)
    if cells and task == request.tasks[0]:
        # One A/A pair a run: the first task, its first implementation.
        cells.append(replace(cells[0], label=AA_LABEL))
    return [
        _job("measure", cell, block, position, request, budget, data, implementations)
        for position, cell in enumerate(counterbalanced(cells, block))
    ]


def _contenders(
    request: Request, task: str, implementations: Mapping[str, Implementation]
) -> list[Cell]:
    return [
        Cell(task, name, request.device, request.precision, request.threads)
        for name in request.implementations
        if implementations[name].does(task)
    ]


def counterbalanced(cells: Sequence[Cell], block: int) -> list[Cell]:
    """The order of one block: rotated by its number, reversed when the number is odd."""
    turn = block // 2 % max(1, len(cells))
    order = [*cells[turn:], *cells[:turn]]
    return order[::-1] if block % 2 else order


def _job(
    kind: Any,
    cell: Cell,
    block: int,
    position: int,
    request: Request,
    budget: Budget,
    data: Mapping[str, DataSet],
    implementations: Mapping[str, Implementation],
) -> Job:
    contender = implementations[cell.implementation]
    label = "-aa" if cell.label else ""
    name = cell.implementation.replace(":", "-") + label
    stage = "certify" if kind == "certify" else f"b{block:03d}"
    search = _SEARCHES.get(cell.task) if kind == "search" else None
    return Job(
        id=f"{stage}~{cell.task}~{name}~{cell.device}~{cell.precision}",
        kind=kind,
        cell=cell,
        block=block,
        position=position,
        seed=request.seed + block,
        framework=contender.environment,
        module=contender.module,
        package=contender.package,
        data=data[cell.task].folder,
        budget=budget,
        target=data[cell.task].target,
        trials=search.trials(request.profile) if search else 0,
        prune=request.prune and search is not None,
    )


def pending(jobs: Sequence[Job], records: Mapping[str, Record]) -> list[Job]:
    """The jobs still to run: not recorded, and not behind a certificate that did not pass."""
    refused = {
        _key(job_of(r).cell)
        for r in records.values()
        if job_of(r).kind == "certify" and r["launch"]["status"] != "ok"
    }
    return [
        job
        for job in jobs
        if job.id not in records and (job.kind == "certify" or _key(job.cell) not in refused)
    ]


def _key(cell: Cell) -> tuple[str, str, str, str]:
    return (cell.task, cell.implementation, cell.device, cell.precision)
