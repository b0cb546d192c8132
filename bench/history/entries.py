"""What of a run is kept for good: an *entry*, one file a run. Pure: no files, no clock.

An entry holds every cell's value and its launches' values, the machine, the budget, the task's
digest, the way of measuring and the versions.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import UTC, datetime
from math import isclose

import numpy as np

from bench.records.beside import HistoryEntry, KeptCell, KeptValue
from bench.records.metrics import metric
from bench.records.results import CellResult, Results
from bench.records.schema import Launch
from tasks.errors import UserError

CLOSE = 1e-9  # a value and the mean of its launches are the same up to rounding


def entry_of(results: Results, revision: str = "") -> HistoryEntry:
    """A run as an entry. `UserError` when nothing in it was measured.

    The id holds the time and a hash of how the run began: the same run added twice, or added again
    after it was resumed, is one entry; two runs begun in the same second are two.
    """
    about = results.about
    return HistoryEntry(
        schema=2,
        id=_id(results),
        created=about.created,
        revision=revision,
        command=about.command,
        machine=about.machine,
        budget=about.budget,
        measurement=about.suite.measurement,
        cells=tuple(_kept(result, results) for result in results.contenders),
    )


def check_whole(results: Results) -> None:
    """`UserError` for a run that is not finished: its values are of fewer launches than it was
    asked for, and nobody would know."""
    wanted = results.about.request.launches
    for result in results.contenders:
        done = len({x.job.block for x in result.launches if x.kind == "measure"})
        if 0 < done < wanted:
            name = f"{result.cell.task} {result.cell.implementation}"
            raise UserError(
                f"{results.name} is not finished: {name} has {done} of {wanted} launches "
                "(bench run --resume)"
            )


def _id(results: Results) -> str:
    launches = [x for result in results.cells for x in result.ended_well]
    if not launches:
        raise UserError("nothing was measured in this run; a history keeps measurements")
    first = min(launches, key=lambda x: (x.datetime, x.job.id))
    about = results.about
    facts = [about.created, about.command, first.job.id, first.datetime, _seconds(first)]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    stamp = moment(about.created).isoformat(timespec="seconds")[:19]
    return f"{stamp.replace('-', '').replace(':', '')}-{digest[:12]}"


def _seconds(launch: Launch) -> dict[str, tuple[float, ...]]:
    return {b.extra_info.phase: b.stats.data for b in launch.benchmarks}


def _kept(result: CellResult, results: Results) -> KeptCell:
    about, task = results.about, result.cell.task
    facts = about.tasks.get(task)
    return KeptCell(
        cell=result.cell,
        dataset=about.datasets[task].sha256,
        task=facts.digest if facts else "",
        score=about.datasets[task].metric,
        status=result.status,
        reason=result.reason,
        packages=result.good[0].launch.packages if result.good else {},
        values={
            name: KeptValue(
                value=estimate.value,
                launches={str(b): v for b, v in result.values(name).items()},
            )
            for name, estimate in result.estimates.items()
        },
    )


def moment(created: str) -> datetime:
    """When a run was begun, in UTC, which a time without a zone is taken for."""
    time = datetime.fromisoformat(created)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def check(entry: HistoryEntry) -> None:
    """ValueError naming the field where an entry contradicts itself: it is not as it was kept."""
    try:
        moment(entry.created)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"created: {error}") from None
    twice = [
        cell for cell, times in Counter(kept.cell for kept in entry.cells).items() if times > 1
    ]
    if twice:
        raise ValueError(f"cells: {twice[0].task} {twice[0].contender} stands in it twice")
    for number, kept in enumerate(entry.cells):
        for name, value in kept.values.items():
            if fault := _fault(name, value):
                raise ValueError(f"cells.{number}.values.{name}: {fault}")


def _fault(name: str, kept: KeptValue) -> str:
    try:
        row = metric(name)
    except KeyError:
        return "no metric of this version"
    if not kept.launches or not all(block.isdecimal() for block in kept.launches):
        return "its launches are not numbered by block"
    with np.errstate(all="ignore"):  # of absurd values the mean may be infinite: it is no value
        mean = row.mean(list(kept.launches.values())).value
    if not isclose(kept.value, mean, rel_tol=CLOSE):
        return "the value is not the mean of its launches"
    return ""
