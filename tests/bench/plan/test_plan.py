"""Plans are pure data: counterbalanced, complete, resumable."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from bench.discover import implementations
from bench.plan.jobs import counterbalanced, make_jobs, pending
from bench.plan.request import matching_tasks
from bench.records.record import Job, Outcome, Request, failure_record
from tasks.errors import UserError
from tasks.spec.form import restored
from tests.support.plans import plan_of
from tests.support.records import launch

NAMES = tuple(i.name for i in implementations())


def jobs(launches: int = 6, measure: bool = True) -> list[Job]:
    request = Request("quick", ("fnn-mnist",), NAMES, threads=2, launches=launches, measure=measure)
    return make_jobs(plan_of(request, implementations()))


def test_every_contender_runs_once_a_block() -> None:
    measured = [j for j in jobs() if j.kind == "measure"]
    counts = Counter((j.block, j.cell.contender) for j in measured)
    assert set(counts.values()) == {1}
    copies = {j.cell.implementation for j in measured if j.cell.label}
    assert len(copies) == len({i.division for i in implementations()})
    assert len(measured) == 6 * (len(NAMES) + len(copies))


def test_certificates_come_first_and_alone_for_verify() -> None:
    kinds = [j.kind for j in jobs()]
    assert kinds[: len(NAMES)] == ["certify"] * len(NAMES)
    assert {j.kind for j in jobs(measure=False)} == {"certify"}


def test_order_is_counterbalanced() -> None:
    """Over a full cycle every contender stands equally often in every position."""
    cells = [j.cell for j in jobs(1) if j.kind == "measure"]
    seats = Counter()
    for block in range(2 * len(cells)):
        for position, cell in enumerate(counterbalanced(cells, block)):
            seats[cell.contender, position] += 1
    assert set(seats.values()) == {2}


def test_contenders_of_a_block_share_the_seed() -> None:
    seeds = {(j.block, j.seed) for j in jobs()}
    assert len(seeds) == 6


def test_ids_are_unique_and_safe_as_file_names() -> None:
    ids = [j.id for j in jobs()]
    assert len(set(ids)) == len(ids)
    assert not any(set(i) & set(":/\\ ") for i in ids)


def test_job_survives_json() -> None:
    for job in jobs():
        again = Job.from_dict(json.loads(json.dumps(job.as_dict())))
        assert again == job
        assert again.work == job.work  # which no comparison looks at


def test_a_job_carries_its_whole_task() -> None:
    for job in jobs(1):
        assert restored(job.work) == matching_tasks([job.cell.task])[0]


def test_pending_skips_the_done_and_the_refused() -> None:
    plan = jobs(1)
    first = plan[0]
    refused = launch(failure_record(first, Outcome("unverified", "outputs")))
    left = pending(plan, {first.id: refused})
    assert first not in left
    assert all(j.cell.implementation != first.cell.implementation for j in left)
    done = {j.id: launch(failure_record(j, Outcome("ok"))) for j in plan}
    assert pending(plan, done) == []


def test_unknown_task_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="fnn-mnist"):
        matching_tasks(["nothing-*"])
