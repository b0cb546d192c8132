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

from bench.history.entries import ENTRY_SCHEMA, Entry
from tasks.errors import UserError


def append(folder: Path, entry: Entry) -> Path:
    """Keep an entry; returns its file. `UserError` where the folder cannot be written."""
    path = folder / f"{entry['id']}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not store.write_atomically: containers that share a volume share process ids.
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
        with os.fdopen(handle, "w") as file:
            json.dump(entry, file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"cannot write the history {folder}: {error.strerror}") from error
    return path


def load(folder: Path) -> list[Entry]:
    """All entries, oldest first. `UserError` for a missing folder or a spoiled file."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no history; make one with `bench history add RUN`")
    return [_read(path) for path in sorted(folder.glob("[!.]*.json"))]


def _read(path: Path) -> Entry:
    try:
        entry: Entry = json.loads(path.read_text())
        schema = entry["schema"]
        if not {"id", "created", "cells", "floors"} <= entry.keys():
            raise ValueError("keys are missing")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} is no entry of a history: {error}; remove it") from None
    if not isinstance(schema, int) or schema > ENTRY_SCHEMA:
        raise UserError(f"{path} was written by a newer version; update this suite to read it")
    return entry
