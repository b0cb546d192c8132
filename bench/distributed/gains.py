"""What several processes gain over one, from the groups of a run. Pure.

Groups are the unit: each is a fresh start of all its processes, and its rounds give one speed, that
of the median round. GroupSpeeds are compared launch by launch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from statistics import median

from bench import stats
from bench.records.groups import DistributedFile, GroupRounds, GroupTask
from bench.stats import Estimate

GroupSpeeds = Mapping[int, float]
"""Launch → samples a second."""


@dataclass(frozen=True)
class Scaling:
    """One scheme, task and group size.

    speed: samples a second on the task's own batch. over_one: that over one process of the scheme
    with one thread. over_best: over the best single process with all cores, named by best. weak:
    share of `size` times one process's speed that is left where the batch grows with the group.
    reduction: share of a step that averaging the gradients takes by itself. start: seconds until
    the group has made its first step. cores: whether each process had a core.
    """

    scheme: str
    task: str
    size: int
    speed: float
    over_one: Estimate | None
    over_best: Estimate | None
    best: str
    weak: float | None
    reduction: float | None
    start: float | None
    cores: bool


def certified(file: DistributedFile, scheme: str, size: int, task: str) -> bool | None:
    """Whether a group of that size did the task's work; None where it was not asked."""
    for group in file.of("certify", scheme):
        if group.size == size and task in file.tasks:
            found = group.tasks.get(task)
            return bool(found and found.certificate and found.certificate.passed)
    return None


def scalings(file: DistributedFile) -> list[Scaling]:
    """Every certified scheme, task and group size of two and more that has a speed."""
    every = product(file.tasks, file.schemes, file.sizes)
    found = (
        _scaling(file, scheme, task, size)
        for task, scheme, size in every
        if size > 1 and certified(file, scheme, size, task)
    )
    return [scaling for scaling in found if scaling is not None]


def _scaling(file: DistributedFile, scheme: str, task: str, size: int) -> Scaling | None:
    groups = [g for g in file.of("measure", scheme) if g.size == size and task in g.tasks]
    parts = {g.launch: g.tasks[task] for g in groups}
    speeds = {launch: s for launch, p in parts.items() if (s := speed(p.strong))}
    if not speeds:
        return None
    best, fastest = best_single(file, scheme.split(":")[0], task)
    one = singles(file, scheme, task, 1)
    starts = [
        sum(g.starts.values()) + first
        for g in groups
        if (first := g.tasks[task].first_step) is not None
    ]
    return Scaling(
        scheme,
        task,
        size,
        median(speeds.values()),
        _ratio(speeds, one),
        _ratio(speeds, fastest),
        best,
        _weak(parts, one, size),
        _share(parts),
        median(starts) if starts else None,
        size <= file.cores,
    )


def speed(rounds: GroupRounds | None) -> float | None:
    """Samples a second of the median round."""
    return rounds.samples / median(rounds.seconds) if rounds else None


def singles(file: DistributedFile, name: str, task: str, threads: int) -> GroupSpeeds:
    """One process's speed on the task's own batch."""
    groups = (*file.of("measure", name), *file.of("alone", name))
    return {
        g.launch: found
        for g in groups
        if g.size == 1 and g.threads == threads and task in g.tasks
        and (found := speed(g.tasks[task].strong))
    }  # fmt: skip


def best_single(file: DistributedFile, framework: str, task: str) -> tuple[str, GroupSpeeds]:
    """The fastest of a framework's single processes with any number of threads, and who it is."""
    names = dict.fromkeys(
        (g.name, g.threads) for g in file.groups.values()
        if g.framework == framework and g.size == 1 and g.kind in ("measure", "alone")
    )  # fmt: skip
    every = {
        f"{name}, {threads} thread{'s' * (threads > 1)}": singles(file, name, task, threads)
        for name, threads in names
    }
    have = {label: values for label, values in every.items() if values}
    if not have:
        return "", {}
    best = max(have, key=lambda label: median(have[label].values()))
    return best, have[best]


def _ratio(speeds: GroupSpeeds, against: GroupSpeeds) -> Estimate | None:
    return stats.paired_ratio(speeds, against) if speeds.keys() & against.keys() else None


def _weak(parts: Mapping[int, GroupTask], one: GroupSpeeds, size: int) -> float | None:
    shares = [
        found / (size * one[launch])
        for launch, part in parts.items()
        if launch in one and (found := speed(part.weak))
    ]
    return median(shares) if shares else None


def _share(parts: Mapping[int, GroupTask]) -> float | None:
    """Of the median step; several launches' median."""
    shares = []
    for part in parts.values():
        if part.reduction and part.strong and part.steps:
            shares.append(median(part.reduction) * part.steps / median(part.strong.seconds))
    return median(shares) if shares else None
