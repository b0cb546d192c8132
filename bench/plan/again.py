"""Which launches are tried again when a run is gone on with. Pure.

What failed for an outer reason (its environment was not there, somebody ended its process, it was
stopped for the time or the memory that others had taken) may work now. What failed by itself would
fail again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from bench.records.record import Job
from bench.records.schema import Launch

# The ways in which a process is ended from outside; a framework that dies of itself has others.
NODE_LOST = "the node was lost"
BY_OTHERS = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT")


def is_outer(launch: Launch, ready: Collection[str]) -> bool:
    """Whether its failure was for an outer reason that may be over. ready: environments."""
    if launch.status == "uninstallable":
        return launch.job.framework in ready
    if launch.status == "crash":
        by_others = any(f"signal {name}" in launch.reason for name in BY_OTHERS)
        return by_others or launch.reason.startswith(NODE_LOST)
    return launch.status in ("timeout", "out-of-memory")


def again(jobs: Iterable[Job], launches: Mapping[str, Launch], ready: Collection[str]) -> list[Job]:
    """The jobs whose records are thrown away, to be done anew."""
    return [job for job in jobs if job.id in launches and is_outer(launches[job.id], ready)]
