"""How long the rest of a run will take, from what its jobs have taken so far. Pure.

Jobs of one kind and task take about as long; a certificate says nothing of a sitting. Where none
like it is known yet, the mean of its kind stands in, and else the mean of all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from statistics import fmean

from bench.records.record import Job

Like = tuple[str, str]


class Pace:
    """Seconds that jobs have taken, by kind and task."""

    def __init__(self) -> None:
        self.taken: dict[Like, list[float]] = defaultdict(list)

    def took(self, job: Job, seconds: float) -> None:
        """A job is done, so long after the one before it."""
        self.taken[job.kind, job.cell.task].append(seconds)

    def left(self, jobs: Iterable[Job]) -> float | None:
        """Seconds that these will take; None where nothing is known."""
        every = [seconds for known in self.taken.values() for seconds in known]
        if not every:
            return None
        kinds: dict[str, list[float]] = defaultdict(list)
        for (kind, _), known in self.taken.items():
            kinds[kind] += known
        usual = {kind: fmean(known) for kind, known in kinds.items()}
        means = {like: fmean(known) for like, known in self.taken.items()}
        overall = fmean(every)
        return sum(
            means.get((job.kind, job.cell.task), usual.get(job.kind, overall)) for job in jobs
        )


def words(seconds: float | None) -> str:
    """For people: "about 12 min left"; empty where nothing is known."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min left"
    return f"about {seconds / 3600:.1f} h left"
