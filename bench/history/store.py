"""The history on disk: a folder with one file a run.

Why files and not one log: each is written under a temporary name of its own and renamed, so any
number of jobs can add at once without a lock (which network file systems and CI caches do not
keep), a job killed half way leaves nothing readable, and two branches or two jobs that each
committed their run merge without a conflict. The name is the run's id, so adding twice is once.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from bench.history.entries import check
from bench.records.beside import HistoryEntry, written
from bench.records.door import read
from tasks.errors import UserError


def append(folder: Path, entry: HistoryEntry) -> Path:
    """Keep an entry; returns its file. `UserError` where the folder cannot be written."""
    path = folder / f"{entry.id}.json"
    text = json.dumps(written(entry), allow_nan=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not store.write_atomically: containers that share a volume share process ids.
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"cannot write the history {folder}: {error.strerror}") from error
    return path


def load(folder: Path) -> list[HistoryEntry]:
    """All entries, in order of their names, which begin with their time. `UserError` for a missing
    folder or a spoiled file."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no history; make one with `bench history add RUN`")
    return [_entry(path) for path in sorted(folder.glob("[!.]*.json"))]


def _entry(path: Path) -> HistoryEntry:
    entry = read(path, HistoryEntry)
    if entry.id != path.stem:
        raise UserError(f"{path} holds another run ({entry.id}): a history's file has its run's id")
    try:
        check(entry)
    except ValueError as error:
        raise UserError(f"{path} is not as it was kept: {error}") from None
    return entry
