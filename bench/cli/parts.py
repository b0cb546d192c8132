"""Which parts of a plan a run is asked for: a shard of it, the points of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.discover import works
from bench.plan.sweep import Sweep
from bench.records.record import Request
from bench.run.sweep_tasks import prepared_points
from bench.run.task_file import OwnTasks
from tasks.errors import UserError


def shard_of(text: str | None) -> dict[str, int]:
    """ "2/3" as fields of a request; `UserError` for what is no part of a whole."""
    first, _, last = (text or "1/1").partition("/")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise UserError(f"--shard {text!r} is no part of a run; write it like 1/3, 2/3 and 3/3")
    return {"shard": int(first), "shards": int(last)}


def swept(
    request: Request, own: OwnTasks, sweeps: Sequence[Sweep], data_dir: Path | None
) -> tuple[Request, OwnTasks]:
    """The request with each task's points in its place, and the points."""
    known = {work.name: work for work in works()} | {n: one.task for n, one in own.items()}
    points = prepared_points([known[name] for name in request.tasks], own, sweeps, data_dir)
    return replace(request, tasks=tuple(points)), points
