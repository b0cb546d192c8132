"""Certificates that were made before: of the same code, work, seed, packages and machine.

A certificate is the same proof the next day. So one that passed is kept in the cache, under a
digest of everything it was made from; a run that would make it again takes it from there. `bench
verify` and `bench run --certify` make all anew. One that did not pass is never kept.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache as once
from pathlib import Path
from typing import Any

from bench.machine import readings
from bench.records.record import Job, Record
from bench.records.store import write_atomically
from bench.run.environments import Environment
from tasks.data import cache

CODE = ("adapters", "bench/proof", "bench/worker", "tasks")
NOT_IT = ("adapters/mutants",)
VARY = ("id", "kind", "block", "position", "budget", "target", "repeat", "trials", "prune")


def digest(job: Job, environment: Environment) -> str:
    """Of everything that a certificate is made from."""
    facts = {name: value for name, value in asdict(job).items() if name not in VARY}
    facts["cell"] |= {"label": ""}
    made_from: dict[str, Any] = {
        "job": facts,
        "code": code(environment.project),
        "packages": environment.requirements + environment.lock,
        "version": environment.version,
        "machine": readings.machine(),
    }
    text = json.dumps(made_from, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@once
def code(project: str, places: tuple[str, ...] = CODE) -> str:
    """SHA-256 over the Python files of these places; by default those that decide what adapters
    do and how they are tried."""
    root = Path(project)
    total = hashlib.sha256()
    for place in places:
        for path in sorted((root / place).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not name.startswith(NOT_IT):
                total.update(f"{name}\n".encode())
                total.update(path.read_bytes())
    return total.hexdigest()


def take(job: Job, environment: Environment) -> Record | None:
    """The record of the certificate as it was made, under this job's name; None where none is
    kept, or where what is kept cannot be read."""
    try:
        record: Record = json.loads(_place(job, environment).read_text(encoding="utf-8"))
        if record["launch"]["status"] != "ok":
            return None
        record["launch"] |= {"job": job.as_dict()}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record


def keep(job: Job, environment: Environment, record: Record) -> None:
    """For later runs, where it passed: with when and from what it was made. A cache that cannot be
    written keeps nothing."""
    if record["launch"]["status"] != "ok":
        return
    made = datetime.now(UTC).isoformat(timespec="seconds")
    record["launch"]["certificate"] |= {"made": made, "digest": digest(job, environment)}
    place = _place(job, environment)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, json.dumps(record, allow_nan=False))
    except (OSError, ValueError):
        return


def _place(job: Job, environment: Environment) -> Path:
    return cache.root() / "certificates" / f"{digest(job, environment)}.json"
