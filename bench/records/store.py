"""The run directory: one file a launch, written whole or not at all.

    RUN/run.json              schema, request, plan facts, machine; written once
    RUN/launches/<job>.json   one record a finished job
    RUN/logs/<job>.log        what the worker printed
    RUN/searches/<job>/       a search's Optuna journal, from which it is resumed
    RUN/deploy/<id>.json      one record an export and a launch of `bench deploy`
    RUN/lock                  held by the process that is running it

Readers never write. A run killed at any instant holds only whole records.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import BaseModel

from bench.records.beside import written
from bench.records.deployment import DeployRecord
from bench.records.door import parse, read
from bench.records.record import Record, finite
from bench.records.schema import Launch, RunFile
from tasks.errors import UserError

T = TypeVar("T", bound=BaseModel)


class Run:
    """A run directory on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.launches = path / "launches"
        self.logs = path / "logs"
        self.searches = path / "searches"
        self.deploy = path / "deploy"

    @staticmethod
    def create(path: Path, about: RunFile) -> Run:
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
            write_json(path / "run.json", written(about), indent=1)
        except OSError as error:
            raise UserError(f"cannot write the run to {path}: {error.strerror}") from error
        return run

    @staticmethod
    def open(path: Path) -> Run:
        """Open an existing run; `UserError` when it is missing, unreadable or from the future."""
        run = Run(path)
        run.about()
        return run

    def about(self) -> RunFile:
        """The contents of run.json."""
        return read(self.path / "run.json", RunFile)

    def records(self) -> dict[str, Launch]:
        """All launches by job id, in order of their names."""
        return dict(self.each())

    def each(self) -> Iterator[tuple[str, Launch]]:
        """The same, one after the other: of a long run all together are much memory."""
        for path in sorted(self.launches.glob("*.json")):
            launch = read(path, Launch)
            if launch.job.id != path.stem:
                raise UserError(f"{path} answers another job ({launch.job.id}): a foreign record")
            yield launch.job.id, launch

    def deployments(self) -> dict[str, DeployRecord]:
        """What `bench deploy` wrote, by id, in order of their names."""
        found: dict[str, DeployRecord] = {}
        for path in sorted(self.deploy.glob("*.json")):
            record = read(path, DeployRecord)
            if record.id != path.stem:
                raise UserError(f"{path} is of another id ({record.id}): a foreign record")
            found[record.id] = record
        return found

    def add_deployment(self, name: str, record: Record) -> DeployRecord:
        """Write one, whole or not at all; as it will be read."""
        text = json.dumps(finite(record), allow_nan=False)
        parsed = parse(text, DeployRecord, name)
        self.deploy.mkdir(exist_ok=True)
        write_atomically(self.deploy / f"{name}.json", text)
        return parsed

    def beside(self, name: str, model: type[T]) -> T | None:
        """A file that may stand beside the records (ceiling.json, evidence.json)."""
        path = self.path / name
        return read(path, model) if path.exists() else None

    def add(self, job_id: str, record: Record) -> Launch:
        """Write one record, whole or not at all; as it will be read."""
        text = json.dumps(finite(record), allow_nan=False)
        launch = parse(text, Launch, job_id)
        write_atomically(self.launches / f"{job_id}.json", text)
        return launch

    def remove(self, job_id: str) -> None:
        """Throw one record away."""
        (self.launches / f"{job_id}.json").unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a killed process left half written."""
        for folder in (self.path, self.launches):
            for path in folder.glob(".*.json.*"):
                path.unlink(missing_ok=True)

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
        try:
            handle = open(self.path / "lock", "w", encoding="utf-8")  # noqa: SIM115 - closed below
        except OSError as error:
            raise UserError(f"cannot write in {self.path}: {error.strerror}") from None
        with handle:
            _lock(handle, self.path)
            yield


def _lock(handle: IO[str], path: Path) -> None:
    """`UserError` with the true reason where it cannot be had."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(f"{path} is being run by another process; wait for it") from None
    except OSError as error:
        raise UserError(
            f"{path} is on a file system that keeps no locks ({error.strerror}), so two runs "
            "could write into it; choose an --out on another"
        ) from None


def write_json(path: Path, raw: Any, indent: int | None = None) -> None:
    """Strict JSON in UTF-8, whole or not at all; ValueError for what is not finite."""
    write_atomically(path, json.dumps(raw, indent=indent, allow_nan=False))


def write_atomically(path: Path, text: str) -> None:
    """Write to a temporary name in the same folder, flush to disk, then rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except BaseException:  # a full disk, Ctrl-C: nothing half written stays
        with suppress(OSError):
            temporary.unlink()
        raise
