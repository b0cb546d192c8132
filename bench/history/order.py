"""Runs of revisions that came in another order than the runs: said, because a series is in the
order of its runs' times, and a step back to an old revision looks like a change."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from bench.records.beside import HistoryEntry

SECONDS = 20


def late(entries: Sequence[HistoryEntry], repository: Path) -> list[str]:
    """A line for each run whose revision is an ancestor of the revision of the run before it, as
    git tells in `repository`; where it tells nothing, none. entries: oldest first."""
    named = [entry for entry in entries if entry.revision]
    return [
        f"run {after.id} is of revision {after.revision}, which is older than that of the run "
        f"before it ({before.revision}): a change there may be the old state come back"
        for before, after in pairwise(named)
        if before.revision != after.revision
        and _is_ancestor(after.revision, before.revision, repository)
    ]


def _is_ancestor(old: str, new: str, repository: Path) -> bool:
    words = ["git", "-C", str(repository), "merge-base", "--is-ancestor", "--end-of-options"]
    try:
        done = subprocess.run([*words, old, new], capture_output=True, check=False, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
