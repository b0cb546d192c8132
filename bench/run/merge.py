"""Shards of one run put together: every sitting once, every certificate once.

`bench run --shard 2/3` does every third sitting and the certificates of their tasks. What is put
together is then the run that one machine would have made, so whatever is foreign is refused.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.plan.jobs import make_jobs, pending
from bench.records.beside import written
from bench.records.foreign import why_foreign
from bench.records.schema import Launch, RunFile
from bench.records.store import Run
from bench.run import adapter_file, session
from bench.run.ceiling import FILE
from tasks.errors import UserError


@dataclass(frozen=True)
class Shard:
    """A shard as read."""

    run: Run
    about: RunFile
    launches: Mapping[str, Launch]


def merge(paths: Sequence[Path], out: Path, command: str) -> Run:
    """A new run in `out` of all shards of one. `UserError` where one is missing, there twice,
    unfinished or of another run, and where `out` holds something already."""
    shards = sorted(map(_read, paths), key=lambda shard: shard.about.request.shard)
    _check_whole(shards)
    first = shards[0].about
    created = min(shard.about.created for shard in shards)
    request = replace(first.request, shard=1, shards=1)
    whole = first.model_copy(update={"request": request, "created": created, "command": command})
    run = Run.create(out, whole)
    for shard in shards:
        for job_id, launch in shard.launches.items():
            _take(run, shard, job_id, launch)
    beside = next((s.run.path / FILE for s in shards if (s.run.path / FILE).exists()), None)
    if beside is not None:
        shutil.copyfile(beside, out / FILE)
    return run


def _read(path: Path) -> Shard:
    """`UserError` for a run that is no shard, is not finished, or holds what is not its own."""
    run = Run.open(path)
    about, launches = run.about(), run.records()
    if about.request.shards == 1:
        raise UserError(f"{path} is no shard: it is a whole run, made without --shard or merged")
    adapter_file.take_again(about.request.adapters)
    jobs = make_jobs(session.plan_of(about))
    known = {job.id for job in jobs}
    for job_id, launch in launches.items():
        reason = why_foreign(about, launch)
        if reason or job_id not in known:
            raise UserError(f"{run.launches}/{job_id}.json {reason or 'is not of this shard'}")
    if left := pending(jobs, launches):
        raise UserError(
            f"{path} is not finished ({len(left)} launches are missing); first do "
            f"`bench run --resume --out {path}`"
        )
    return Shard(run, about, launches)


def _check_whole(shards: Sequence[Shard]) -> None:
    """`UserError` where these are not all shards of one run, each once."""
    first = shards[0]
    for shard in shards[1:]:
        if field := _difference(_shared(first.about), _shared(shard.about)):
            raise UserError(
                f"{shard.run.path} is a shard of another run than {first.run.path}: {field} differs"
            )
    numbers = [shard.about.request.shard for shard in shards]
    count = first.about.request.shards
    for shard, before in zip(shards[1:], numbers, strict=False):
        if shard.about.request.shard == before:
            raise UserError(f"{shard.run.path}: shard {before}/{count} is there twice")
    if missing := sorted(set(range(1, count + 1)) - set(numbers)):
        raise UserError(f"shard {missing[0]}/{count} is missing; merge all {count} at once")


def _shared(about: RunFile) -> dict[str, Any]:
    """What all shards of a run have in common, the type of machine too."""
    facts = written(about)
    facts["request"] = {k: v for k, v in facts["request"].items() if k != "shard"}
    return {key: value for key, value in facts.items() if key not in ("created", "command")}


def _difference(a: Any, b: Any, place: str = "") -> str:
    """The first field in which two differ; empty where they are equal."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        inner = (_difference(a[key], b[key], f"{place}.{key}".lstrip(".")) for key in a)
        return next(filter(None, inner), "")
    return "" if a == b else place


def _take(run: Run, shard: Shard, job_id: str, launch: Launch) -> None:
    """A record and its log. Of a certificate that several shards made, one that was refused
    stands: a proof that fails once is none."""
    place = run.launches / f"{job_id}.json"
    if place.exists() and launch.status == "ok":
        return
    shutil.copyfile(shard.run.launches / place.name, place)
    log = shard.run.logs / f"{job_id}.log"
    if log.exists():
        shutil.copyfile(log, run.logs / log.name)
    if (search := shard.run.searches / job_id).exists():
        shutil.copytree(search, run.searches / job_id)
