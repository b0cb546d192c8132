"""Where the time goes that is left: to the open task with the fewest sittings."""

from __future__ import annotations

from adapters.base import Implementation
from bench.plan.more import next_sitting, sitting_seconds, sittings
from bench.records.record import Request
from bench.records.results import Results
from tests.support.plans import plan_of
from tests.support.records import certificate, record, results

NAMES = ("pytorch:eager", "mxnet:hybrid")
TASKS = ("fnn-mnist", "cnn-64-10")
ROWS = [Implementation(*name.split(":"), "m", "p", "words") for name in NAMES]
PLAN = plan_of(Request("quick", TASKS, NAMES, launches=2), ROWS)


def measured(first: int, second: int) -> Results:
    """So many sittings of the one task and of the other."""
    counts = dict(zip(TASKS, (first, second), strict=True))
    return results(
        record(name, block, task=task)
        for task, count in counts.items()
        for block in range(count)
        for name in NAMES
    )


def test_the_open_task_with_the_fewest_sittings_is_next() -> None:
    jobs = next_sitting(PLAN, measured(3, 2), TASKS)
    assert {(job.cell.task, job.block, job.seed) for job in jobs} == {("cnn-64-10", 2, 2)}
    assert {job.cell.implementation for job in jobs} == set(NAMES)
    assert sum(bool(job.cell.label) for job in jobs) == 1
    assert {j.cell.task for j in next_sitting(PLAN, measured(3, 2), TASKS[:1])} == {"fnn-mnist"}


def test_nothing_open_nothing_next() -> None:
    assert next_sitting(PLAN, measured(3, 2), ()) == []


def test_who_gives_no_values_gets_no_more_time() -> None:
    good = [record(NAMES[0], block) for block in range(2)]
    made = results([*good, certificate(NAMES[1], passed=False)])
    jobs = next_sitting(PLAN, made, TASKS[:1])
    assert {job.cell.implementation for job in jobs} == {NAMES[0]}


def test_how_long_a_sitting_takes_is_read_from_the_records() -> None:
    made = measured(2, 0)
    assert sittings(made, TASKS[0]) == 2
    assert sittings(made, TASKS[1]) == 0
    assert sitting_seconds(made, TASKS[0]) > 0
    assert sitting_seconds(made, TASKS[1]) == 0
