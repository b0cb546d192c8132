"""Adaptive runs: which blocks come next is decided by the records alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.discover import implementations
from bench.plan.adaptive import FEWEST_BLOCKS, next_jobs, widest
from bench.plan.jobs import make_jobs
from bench.plan.request import PROFILES, DataSet, Request
from bench.records import tidy
from bench.records.record import Job, Outcome, Record, failure_record
from tests.support.records import record

NAMES = ("pytorch:eager", "mxnet:hybrid")
TASKS = ("fnn-mnist", "fnn-binary-8")
REQUEST = Request("quick", TASKS, NAMES, threads=2, launches=FEWEST_BLOCKS, until=0.02)
BUDGET = PROFILES["quick"].budget
DATA = dict.fromkeys(TASKS, DataSet("/data"))
BY_NAME = {i.name: i for i in implementations()}


def measured(job: Job, noise: dict[str, float]) -> Record:
    """What a launch of this job would have written: noisy by the task's per cent."""
    rng = np.random.default_rng([job.block, len(job.cell.contender), len(job.cell.task)])
    seconds = 0.1 * float(np.exp(rng.normal(0, noise[job.cell.task])))
    made = record(job.cell.implementation, job.block, seconds, job.cell.label, job.cell.task)
    made["launch"]["job"] = job.as_dict()
    return made


def finish(
    records: dict[str, Record], noise: dict[str, float], request: Request = REQUEST
) -> list[str]:
    """Run everything to the end; the ids in the order in which they were run."""
    order = []
    jobs = make_jobs(request, BUDGET, DATA, BY_NAME)
    while jobs:
        for job in jobs:
            if job.id not in records:
                ok = job.kind == "measure"
                records[job.id] = measured(job, noise) if ok else failure_record(job, Outcome("ok"))
                order.append(job.id)
        jobs = next_jobs(request, BUDGET, DATA, BY_NAME, records)
    return order


def test_only_the_wide_task_gets_more_blocks() -> None:
    records: dict[str, Record] = {}
    finish(records, {TASKS[0]: 0.03, TASKS[1]: 0.001})
    blocks: dict[str, int] = {}
    for cell, group in (groups := tidy.by_cell(list(records.values()))).items():
        last = max(r["launch"]["job"]["block"] for r in group)
        blocks[cell.task] = max(last, blocks.get(cell.task, 0))
    assert blocks[TASKS[1]] == FEWEST_BLOCKS - 1
    assert blocks[TASKS[0]] >= FEWEST_BLOCKS
    assert all(widest(groups, t) <= 0.02 for t in TASKS)


def test_added_blocks_hold_every_contender_and_are_counterbalanced() -> None:
    records: dict[str, Record] = {}
    order = finish(records, {TASKS[0]: 0.03, TASKS[1]: 0.001})
    added = [i for i in order if i.startswith(("b005", "b006"))]
    assert len(added) == 2 * (len(NAMES) + 1)
    first, second = ([i.split("~")[2] for i in added[k : k + 3]] for k in (0, 3))
    assert sorted(first) == sorted(second)
    assert first != second


def test_a_resumed_run_plans_the_same_launches() -> None:
    noise = {TASKS[0]: 0.03, TASKS[1]: 0.02}
    whole: dict[str, Record] = {}
    order = finish(whole, noise)
    for kept in range(1, len(order), 15):
        records = {i: whole[i] for i in order[:kept]}
        assert order[:kept] + finish(records, noise) == order


def test_without_until_nothing_is_added() -> None:
    request = replace(REQUEST, until=None)
    assert next_jobs(request, BUDGET, DATA, BY_NAME, {}) == []


def test_a_task_that_nothing_could_measure_is_not_tried_for_ever() -> None:
    jobs = make_jobs(REQUEST, BUDGET, DATA, BY_NAME)
    records = {j.id: failure_record(j, Outcome("crash", "died")) for j in jobs}
    assert next_jobs(REQUEST, BUDGET, DATA, BY_NAME, records) == []
