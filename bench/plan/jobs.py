"""From a request to an ordered list of jobs. Pure: no clock, no files, no processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.base import Implementation
from bench.plan.request import DataSet, Request
from bench.records.record import AA_LABEL, Budget, Cell, Job, Record, job_of
from tasks.catalogue.searches import SEARCHES

_SEARCHES = {search.name: search for search in SEARCHES}


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
