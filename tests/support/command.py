"""The ``bench`` command in a process of its own, as a user calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.run.environments import PROJECT
from tests.support import warm

IMPORTS = {"PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE"}  # another's would see other modules


def bench(
    *arguments: str, cwd: Path, project: Path = PROJECT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command of the checkout `project`, with an empty cache and no environments. That of this
    checkout comes from a process that has imported it already."""
    added = {"PYTHONPATH": str(project), "BENCH_CACHE": str(cwd / "cache"), "COLUMNS": "100"}
    added |= {"BENCH_ENVS": str(cwd / "envs"), **environment}
    if project == PROJECT and IMPORTS.isdisjoint(environment):
        return warm.run(arguments, cwd, os.environ | added)
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | added,
        check=False,
    )
