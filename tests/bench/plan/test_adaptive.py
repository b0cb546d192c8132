"""Adaptive runs: which blocks come next is decided by the records alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.discover import implementations
from bench.plan.adaptive import FEWEST_BLOCKS, next_jobs, widest
from bench.plan.jobs import make_jobs
from bench.plan.request import Plan
from bench.records.record import Job, Outcome, Record, Request, failure_record
from bench.records.results import Results
from bench.records.schema import Launch
from tests.support.plans import plan_of
from tests.support.records import about, launch, record, run_file

NAMES = ("pytorch:eager", "mxnet:hybrid")
TASKS = ("fnn-mnist", "fnn-binary-8")
REQUEST = Request("quick", TASKS, NAMES, threads=2, launches=FEWEST_BLOCKS, until=0.02)
PLAN = plan_of(REQUEST, implementations())
ABOUT = run_file(about(TASKS, NAMES))


def read(launches: dict[str, Launch]) -> Results:
    """The run of these launches."""
    return Results.of(ABOUT, launches.values())


def measured(job: Job, noise: dict[str, float]) -> Record:
    """What a launch of this job would have written: noisy by the task's per cent."""
    rng = np.random.default_rng([job.block, len(job.cell.contender), len(job.cell.task)])
    seconds = 0.1 * float(np.exp(rng.normal(0, noise[job.cell.task])))
    made = record(job.cell.implementation, job.block, seconds, job.cell.label, job.cell.task)
    made["launch"]["job"] = job.as_dict()
    return made


def finish(launches: dict[str, Launch], noise: dict[str, float], plan: Plan = PLAN) -> list[str]:
    """Run everything to the end; the ids in the order in which they were run."""
    order = []
    jobs = make_jobs(plan)
    while jobs:
        for job in jobs:
            if job.id not in launches:
                ok = job.kind == "measure"
                made = measured(job, noise) if ok else failure_record(job, Outcome("ok"))
                launches[job.id] = launch(made)
                order.append(job.id)
        jobs = next_jobs(plan, read(launches))
    return order


def test_only_the_wide_task_gets_more_blocks() -> None:
    launches: dict[str, Launch] = {}
    finish(launches, {TASKS[0]: 0.03, TASKS[1]: 0.001})
    results = read(launches)
    blocks = {
        task: max(launch.job.block for launch in results.only(task).launches) for task in TASKS
    }
    assert blocks[TASKS[1]] == FEWEST_BLOCKS - 1
    assert blocks[TASKS[0]] >= FEWEST_BLOCKS
    assert all(widest(results, t) <= 0.02 for t in TASKS)


def test_added_blocks_hold_every_contender_and_are_counterbalanced() -> None:
    order = finish({}, {TASKS[0]: 0.03, TASKS[1]: 0.001})
    added = [i for i in order if i.startswith(("b005", "b006"))]
    assert len(added) == 2 * (len(NAMES) + 1)
    first, second = ([i.split("~")[2] for i in added[k : k + 3]] for k in (0, 3))
    assert sorted(first) == sorted(second)
    assert first != second


def test_a_resumed_run_plans_the_same_launches() -> None:
    noise = {TASKS[0]: 0.03, TASKS[1]: 0.02}
    whole: dict[str, Launch] = {}
    order = finish(whole, noise)
    for kept in range(1, len(order), 15):
        launches = {i: whole[i] for i in order[:kept]}
        assert order[:kept] + finish(launches, noise) == order


def test_without_until_nothing_is_added() -> None:
    plan = replace(PLAN, request=replace(REQUEST, until=None))
    noise = dict.fromkeys(TASKS, 0.03)
    launches: dict[str, Launch] = {}
    assert len(finish(launches, noise, plan)) == len(make_jobs(plan))
    assert next_jobs(PLAN, read(launches)) != []


def test_a_task_that_nothing_could_measure_is_not_tried_for_ever() -> None:
    jobs = make_jobs(PLAN)
    launches = {j.id: launch(failure_record(j, Outcome("crash", "died"))) for j in jobs}
    assert next_jobs(PLAN, read(launches)) == []
