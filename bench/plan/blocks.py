"""What is handed to one machine at a time: blocks of jobs. Pure.

A sitting is a block: its contenders are compared turn by turn, so all of them have one machine. Of
certificates, a task's are a block; a search is one alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

from bench.records.record import Job, JobKind


@dataclass(frozen=True)
class NodeBlock:
    """Jobs that stay on one machine. machine: which type of machine they are for. attempt: how
    often it was planned before and lost."""

    name: str
    machine: str
    jobs: tuple[Job, ...]
    attempt: int = 0

    @property
    def id(self) -> str:
        """Unique in a campaign: a block that is planned anew has another."""
        of = f"~{self.machine}" if self.machine else ""
        return f"{self.name}{of}#{self.attempt}"

    @property
    def kind(self) -> JobKind:
        """Of all its jobs."""
        return self.jobs[0].kind

    @property
    def counts_whole(self) -> bool:
        """Whether its records count only when all are there."""
        return self.kind == "measure"

    def again(self, done: Collection[str]) -> NodeBlock:
        """Planned anew after its machine was lost. done: jobs whose records count already."""
        left = tuple(job for job in self.jobs if job.id not in done)
        return NodeBlock(self.name, self.machine, left, self.attempt + 1)


def blocks_of(jobs: Sequence[Job], machine: str = "") -> list[NodeBlock]:
    """Jobs in order, as blocks for that type of machine."""

    def name(job: Job) -> str:
        if job.kind == "search":
            return job.id
        stage = "certify" if job.kind == "certify" else f"b{job.block:03d}"
        return f"{stage}~{job.cell.task}"

    return [NodeBlock(key, machine, tuple(group)) for key, group in groupby(jobs, key=name)]
