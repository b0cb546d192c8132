"""Which blocks are measured anew because others disturbed them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.judge.disturbed import reasons
from bench.plan.jobs import pending
from bench.records.record import Job
from bench.records.results import Results

SHARE_ANEW = 10  # of the launches, one in so many may be measured anew


def again(jobs: Sequence[Job], results: Results, most: int) -> list[Job]:
    """The first `most` blocks of each task with a disturbed launch, to be measured anew.

    Asked once all `jobs` have their records; what was measured anew already is left out. All
    contenders of a block again, in the same order and with the same seed: they are compared
    within it. The choice is by who used the CPU, never by the result. In all no more than a
    tenth of the run's launches, or one block: a busy machine must not double a run.
    """
    first = results.with_launches(x for x in results.launches if not x.job.repeat)
    why = reasons(first)
    measured = [job for job in jobs if job.kind == "measure"]
    hit: dict[str, list[int]] = {job.cell.task: [] for job in measured}
    room = len(measured) // SHARE_ANEW
    chosen: list[Job] = []
    for task, block in dict.fromkeys((job.cell.task, job.block) for job in measured):
        whole = [job for job in measured if (job.cell.task, job.block) == (task, block)]
        if not any(job.id in why for job in whole) or len(hit[task]) >= most:
            continue
        if not chosen or len(chosen) + len(whole) <= room:
            hit[task].append(block)
            chosen += whole
    anew = [replace(job, id=job.id.replace("~", "r~", 1), repeat=1) for job in chosen]
    return pending(anew, results.by_id)
