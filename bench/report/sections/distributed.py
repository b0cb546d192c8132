"""Data-parallel training: which groups did the whole batch's work, what they gain, a lost peer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from bench.distributed import gains as groups
from bench.distributed.gains import Scaling
from bench.records.groups import DistributedFile, GroupRecord
from bench.records.results import Results
from bench.report import several
from bench.report.blocks import Block, Column, Note, Notes, Section, Table, columns, label
from bench.report.context import Context
from bench.stats import Estimate

ORDER = 58
CERTIFIED = (
    "Error of the group's gradients, all together, against those of one process for the whole "
    "batch, 1e-06 is allowed; that process's own, against the float64 oracle, 5e-06 is. Each "
    "certificate also holds every parameter's gradient, 20 steps of the task's optimizer against "
    "the oracle and against one process, and all ranks' weights to the bit."
)
SPEED = (
    "The batch is the task's own, shared by all. Over one: over one process of the scheme on one "
    "core. Over best: over the fastest single process of that framework with all cores, below. "
    "Weak: what is left of as many times one process's speed where each has the whole batch. "
    "Averaging: share of a step that averaging arrays like the model's gradients takes by itself; "
    "it is slower by itself than in a step that goes on meanwhile. Start: until the group's first "
    "step is made. Intervals are 95 %, groups paired by launch."
)
LOST = (
    "One of two peers was killed while they trained. The others raise an error, or hang until the "
    "watchdog kills them after {patience:g} s; seconds are from the death until nobody is left."
)


def sections(results: Results, context: Context) -> list[Section]:
    """None of a run in which no group was asked."""
    file = results.distributed
    if file is None or not file.groups:
        return []
    blocks: list[Block] = [Note(several.honesty(file)), _certificates(file)]
    scalings = groups.scalings(file)
    for task in file.tasks:
        of_task = [one for one in scalings if one.task == task]
        if of_task:
            parts = (_speeds(task, of_task), Note(_best(of_task), small=True))
            blocks.append(Section(f"distributed-{task}", f"Several processes on {task}", parts))
    if scalings:
        blocks.append(Note(SPEED, small=True))
    if lost := [group for group in file.of("lose") if group.lost is not None]:
        blocks.append(_lost(lost, file.patience_seconds))
    if failed := [_failure(group) for group in file.groups.values() if group.status != "ok"]:
        blocks.append(Notes(tuple(failed), "Groups that did not do what they were asked"))
    return [Section("distributed", "Training on several processes", tuple(blocks))]


def _certificates(file: DistributedFile) -> Table:
    rows = tuple(
        (scheme, task, *(_proof(file, scheme, size, task) for size in file.sizes))
        for scheme, task in product(file.schemes, file.tasks)
    )
    heads = (
        label("scheme"),
        label("task"),
        *(Column(several.processes([size])) for size in file.sizes),
    )
    bad = frozenset(
        number for number, row in enumerate(rows) if not any(cell[:1].isdigit() for cell in row[2:])
    )
    return Table("Certified groups", heads, rows, CERTIFIED, bad)


def _proof(file: DistributedFile, scheme: str, size: int, task: str) -> str:
    """The error of a passed certificate, or what came instead of it."""
    for group in file.of("certify", scheme):
        if group.size == size:
            found = group.tasks.get(task)
            if found is None or found.certificate is None:
                return group.status
            if not found.certificate.passed:
                return "refused"
            return f"{found.certificate.checks[0].error or 0.0:.1e}"
    return "–"


def _speeds(task: str, scalings: Sequence[Scaling]) -> Table:
    heads = columns(
        "scheme", "processes", "samples/s", "over one", "over best", "weak", "averaging", "start, s"
    )
    rows = tuple(
        (
            one.scheme,
            f"{one.size}" if one.cores else f"{one.size} (shared)",
            f"{one.speed:,.0f}",
            _times(one.over_one),
            _times(one.over_best),
            _percent(one.weak),
            _percent(one.reduction),
            "–" if one.start is None else f"{one.start:.1f}",
        )
        for one in scalings
    )
    return Table(f"Speed of several processes on {task}", heads, rows)


def _times(ratio: Estimate | None) -> str:
    if ratio is None:
        return "–"
    interval = f" ({ratio.low:.2f}–{ratio.high:.2f})" if ratio.n > 1 else ""
    return f"{ratio.value:.2f}{interval}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _best(scalings: Sequence[Scaling]) -> str:
    best = dict.fromkeys(one.best for one in scalings if one.best)
    return f"Fastest single processes: {'; '.join(best)}."


def _lost(lost: Sequence[GroupRecord], patience: float) -> Table:
    heads = (
        label("scheme"), label("ending"), Column("seconds"), Column("left"),
        label("what was said", wrap=True),
    )  # fmt: skip
    rows = tuple(
        (group.name, of.ending, f"{of.seconds:.2f}", str(of.left), group.reason)
        for group in lost
        if (of := group.lost) is not None
    )
    return Table("A peer is killed", heads, rows, LOST.format(patience=patience))


def _failure(group: GroupRecord) -> str:
    asked = f"{group.kind} {group.name}, {several.processes([group.size])}"
    return f"{asked}: {group.status}: {group.reason}"
