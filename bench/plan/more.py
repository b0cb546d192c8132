"""Which sitting is next when a run goes on where doubt is left. Pure: results in, jobs out.

Every task has had the sittings that were asked for; then the time goes to the tasks with open
questions, the one with the fewest sittings first. What is open says bench.judge.looks, which pays
for looking again.
"""

from __future__ import annotations

from collections.abc import Collection

from bench.plan.jobs import block_jobs
from bench.plan.request import Plan
from bench.records.record import Job
from bench.records.results import Results


def next_sitting(plan: Plan, results: Results, open_tasks: Collection[str]) -> list[Job]:
    """Its jobs; empty when nothing is open. `open_tasks`: those with open questions."""
    counts = {task: sittings(results, task) for task in plan.request.tasks if task in open_tasks}
    if not counts:
        return []
    task = min(counts, key=lambda name: counts[name])
    refused = {
        r.cell.implementation for r in results.of_task(task) if r.proof == "refused" or not r.good
    }
    jobs = block_jobs(plan, task, counts[task])
    return [job for job in jobs if job.cell.implementation not in refused]


def sittings(results: Results, task: str) -> int:
    """How many of a task have been held."""
    blocks = [x.job.block for r in results.of_task(task) for x in r.launches if x.kind == "measure"]
    return max(blocks, default=-1) + 1


def sitting_seconds(results: Results, task: str) -> float:
    """What the longest sitting of a task so far took, from its records; 0 where there is none."""
    longest: dict[int, float] = {}
    turns: dict[int, float] = {}
    for launch in (x for r in results.only(task).cells for x in r.good if x.kind == "measure"):
        start, block = launch.launch.seconds, launch.job.block
        parts = (start.import_, start.build, start.stage, start.first_step, start.first_round)
        alone = sum(part or 0.0 for part in parts)
        alone += launch.launch.readings.learn_seconds or float(launch.rounds("learn").sum())
        longest[block] = longest.get(block, 0.0) + alone
        turns[block] = sum(turn.seconds for turn in launch.launch.turns)
    return max((longest[block] + turns[block] for block in longest), default=0.0)
