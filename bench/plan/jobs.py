"""From a plan to an ordered list of jobs. Pure: no clock, no files, no processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from adapters.base import Division
from bench.plan.request import Plan
from bench.records.points import point_of, threads_of
from bench.records.record import AA_LABEL, Cell, Job, JobKind, Status
from bench.records.schema import Launch
from tasks.spec.search import Search


def make_jobs(plan: Plan) -> list[Job]:
    """Certificates first, then sittings.

    In a sitting every contender of a task starts once. The order is rotated by one from sitting
    to sitting and reversed in every second, so a drift of the machine hits all starts alike. A
    shard has its share of the sittings, and the certificates of their tasks.
    """
    if not plan.request.measure:
        return [job for name in plan.request.tasks for job in _certificates(plan, name)]
    units = _shard(plan)
    wanted = {name for _, name in units}
    jobs = [job for name in plan.request.tasks if name in wanted
            for job in _certificates(plan, name)]  # fmt: skip
    for block, name in units:
        if isinstance(plan.works[name], Search):
            cells = _cells(plan, name)
            jobs += [_job("search", cell, 0, i, plan) for i, cell in enumerate(cells)]
        else:
            jobs += block_jobs(plan, name, block)
    return jobs


def _shard(plan: Plan) -> list[tuple[int, str]]:
    """Block and task of each sitting (a search has one: its trials are its rounds) of this shard:
    every n-th, so that all shards have some of every block."""
    units = [
        (block, name)
        for block in range(plan.request.launches)
        for name in plan.request.tasks
        if block == 0 or not isinstance(plan.works[name], Search)
    ]
    return units[plan.request.shard - 1 :: plan.request.shards]


def _certificates(plan: Plan, task: str) -> list[Job]:
    return [_job("certify", cell, 0, i, plan) for i, cell in enumerate(_cells(plan, task))]


def block_jobs(plan: Plan, task: str, block: int) -> list[Job]:
    """One sitting of a task: a launch of each contender, in the order in which they start, and of
    each division one contender twice (A/A). From task to task it is another one."""
    cells = _cells(plan, task)
    of_division: dict[Division, list[Cell]] = {}
    for cell in cells:
        division = plan.contenders[cell.implementation].division
        of_division.setdefault(division, []).append(cell)
    turn = plan.request.tasks.index(task)
    twins = [among[turn % len(among)] for among in of_division.values()]
    cells += [replace(cell, label=AA_LABEL) for cell in twins]
    return [
        _job("measure", cell, block, position, plan)
        for position, cell in enumerate(counterbalanced(cells, block))
    ]


def _cells(plan: Plan, task: str) -> list[Cell]:
    r = plan.request
    return [
        Cell(task, name, r.device, r.precision, threads_of(r, task))
        for name in r.implementations
        if plan.contenders[name].does(task)
    ]


def counterbalanced(cells: Sequence[Cell], block: int) -> list[Cell]:
    """The order of one block: rotated by its number, reversed when the number is odd."""
    turn = block // 2 % max(1, len(cells))
    order = [*cells[turn:], *cells[:turn]]
    return order[::-1] if block % 2 else order


def _job(kind: JobKind, cell: Cell, block: int, position: int, plan: Plan) -> Job:
    contender, request = plan.contenders[cell.implementation], plan.request
    work = plan.works[cell.task]
    search = work if kind == "search" and isinstance(work, Search) else None
    name = cell.implementation.replace(":", "-") + ("-aa" if cell.label else "")
    stage = "certify" if kind == "certify" else f"b{block:03d}"
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
        data=plan.data[cell.task].folder,
        budget=plan.budget,
        target=plan.data[cell.task].target,
        trials=search.trials(request.profile) if search else 0,
        prune=request.prune and search is not None,
        division=contender.division,
        work=plan.definitions[cell.task],
    )


@dataclass(frozen=True)
class Done:
    """What is remembered of a launch while a run goes on: its record is on disk."""

    kind: JobKind
    cell: Cell
    block: int
    repeat: int
    status: Status

    @staticmethod
    def of(launch: Launch) -> Done:
        """Of a record."""
        job = launch.job
        return Done(job.kind, job.cell, job.block, job.repeat, launch.status)


def pending(jobs: Sequence[Job], launches: Mapping[str, Launch | Done]) -> list[Job]:
    """The jobs still to run: not recorded, not behind a certificate that did not pass, and not
    behind the point at which their curve ran out of memory."""
    refused = {
        _key(launch.cell)
        for launch in launches.values()
        if launch.kind == "certify" and launch.status != "ok"
    }
    full = [x.cell for x in launches.values() if x.status == "out-of-memory"]
    return [
        job
        for job in jobs
        if job.id not in launches
        and (job.kind == "certify" or _key(job.cell) not in refused)
        and not _behind_memory(job.cell, full)
    ]


def _behind_memory(cell: Cell, full: Iterable[Cell]) -> bool:
    """Whether a smaller point of its curve did not fit: a larger one would not either."""
    point = point_of(cell.task)
    if point is None:
        return False
    ends = (point_of(one.task) for one in full if one.implementation == cell.implementation)
    return any(end is not None and end.before(point) for end in ends)


def _key(cell: Cell) -> tuple[str, str, str, str]:
    return (cell.task, cell.implementation, cell.device, cell.precision)
