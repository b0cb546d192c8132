"""The run directory: one file a launch, written whole or not at all.

    RUN/run.json              schema, request, plan facts, machine; written once
    RUN/launches/<job>.json   one record a finished job
    RUN/logs/<job>.log        what the worker printed
    RUN/searches/<job>/       a search's Optuna journal, from which it is resumed
    RUN/lock                  held by the process that is running it

Readers never write. A run killed at any instant holds only whole records.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.records.record import SCHEMA, Record
from tasks.errors import UserError


class Run:
    """A run directory on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.launches = path / "launches"
        self.logs = path / "logs"
        self.searches = path / "searches"

    @staticmethod
    def create(path: Path, about: dict[str, Any]) -> Run:
        """Make a new run; `UserError` when something is already there."""
        run = Run(path)
        if (path / "run.json").exists():
            raise UserError(
                f"{path} already holds a run; add --resume to finish it, or choose another --out"
            )
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise UserError(f"{path} exists and is not a run; choose another --out")
        try:
            run.launches.mkdir(parents=True)
            run.logs.mkdir()
            write_atomically(path / "run.json", json.dumps({"schema": SCHEMA, **about}, indent=1))
        except OSError as error:
            raise UserError(f"cannot write the run to {path}: {error.strerror}") from error
        return run

    @staticmethod
    def open(path: Path) -> Run:
        """Open an existing run; `UserError` when it is missing, unreadable or from the future."""
        run = Run(path)
        schema = run.about().get("schema")
        if not isinstance(schema, int):
            raise UserError(f"{path}/run.json names no schema: not a run of this suite")
        if schema > SCHEMA:
            raise UserError(
                f"{path} was written by a newer version (schema {schema}, this one reads "
                f"{SCHEMA}); update this suite to read it"
            )
        return run

    def about(self) -> dict[str, Any]:
        """The contents of run.json."""
        return _read_json(self.path / "run.json", "run")

    def records(self) -> dict[str, Record]:
        """All records by job id, in order of their names."""
        found: dict[str, Record] = {}
        for path in sorted(self.launches.glob("*.json")):
            record = _read_json(path, "record")
            try:
                found[record["launch"]["job"]["id"]] = record
            except (KeyError, TypeError):
                raise UserError(
                    f"{path} is no launch record; delete it and --resume the run"
                ) from None
        return found

    def add(self, job_id: str, record: Record) -> None:
        """Write one record, whole or not at all."""
        write_atomically(self.launches / f"{job_id}.json", json.dumps(record))

    def answer_path(self, job_id: str) -> Path:
        """Where a worker leaves its answer before the runner accepts it; outside `launches`."""
        return self.path / "tmp" / f"{job_id}.answer"

    def trials_done(self, job_id: str) -> int:
        """How many trials of a search are finished, for its progress."""
        journal = self.searches / job_id / "journal.log"
        return journal.read_bytes().count(b'"trial ') if journal.exists() else 0

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for writing; `UserError` when another process has it."""
        with open(self.path / "lock", "w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(
                    f"{self.path} is being run by another process; wait for it"
                ) from None
            yield


class Snapshot(Run):
    """A run as it was when first read: for readers who ask for the same records many times."""

    @cached_property
    def _about(self) -> dict[str, Any]:
        return super().about()

    @cached_property
    def _records(self) -> dict[str, Record]:
        return super().records()

    def about(self) -> dict[str, Any]:
        return self._about

    def records(self) -> dict[str, Record]:
        return self._records


def write_atomically(path: Path, text: str) -> None:
    """Write to a temporary name in the same folder, flush to disk, then rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(temporary, "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(temporary, path)


def _read_json(path: Path, what: str) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: not a {what} of this suite") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a {what}: {error}") from None
    if not isinstance(raw, dict):
        raise UserError(f"{path} cannot be read as a {what}: not a JSON object")
    return raw
