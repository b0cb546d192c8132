"""What groups are asked, in order: certificates, the loss of a peer, then speeds. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from adapters.base import Scheme
from bench import discover
from bench.distributed.gains import certified
from bench.distributed.group import GroupQuestion
from bench.proof.trial import STEPS
from bench.records.groups import DistributedFile, GroupKind
from tasks.catalogue.every import TASKS
from tasks.errors import UserError
from tasks.spec.form import definition
from tasks.spec.network import Task

USUAL_TASKS = ("fnn-mnist", "cnn-64-10", "lstm-imdb")
DROPOUT = "fnn-mnist-dropout"  # certified beside them: its ranks' masks must be their own
SIZES = (1, 2, 4)
ROWS = 512  # of the training rows, which every process loads
DRAWS = 4  # of masks
REDUCTIONS = 20  # timed calls
# Steps of a timed round by a task's family, and rounds: a part of a second each on a core.
ROUNDS = {"fnn": (100, 4), "cnn": (10, 4), "rnn": (50, 4), "lstm": (2, 3)}
LOSING = "fnn-mnist"  # trained while a peer is killed, by two


@dataclass(frozen=True)
class Wanted:
    """What the user asked for, resolved. singles: what trains alone beside the schemes, as a
    scheme without a group. folders: of the tasks' data."""

    schemes: tuple[Scheme, ...]
    tasks: tuple[Task, ...]
    sizes: tuple[int, ...]
    launches: int
    cores: int
    seed: int = 0
    singles: tuple[Scheme, ...] = ()
    folders: Mapping[str, Path] = field(default_factory=dict)
    certificates_only: bool = False

    @property
    def certified(self) -> tuple[Task, ...]:
        """The tasks, and the one with dropout where there is one like it without."""
        names = {task.name for task in self.tasks}
        extra = [t for t in TASKS if t.name == DROPOUT and LOSING in names and t.name not in names]
        return (*self.tasks, *extra)


def schemes(globs: Sequence[str] | None = None) -> tuple[Scheme, ...]:
    """Those that match, by framework or by framework:way; None: all."""
    every = [scheme for framework in discover.frameworks() for scheme in framework.schemes]
    if globs is None:
        return tuple(every)
    found = [s for s in every if any(fnmatch(s.name, g) or fnmatch(s.framework, g) for g in globs)]
    if not found:
        names = ", ".join(scheme.name for scheme in every)
        raise UserError(f"no scheme matches {', '.join(map(repr, globs))}; choose from: {names}")
    return tuple(found)


def singles(of: Sequence[Scheme]) -> tuple[Scheme, ...]:
    """The usual tuned row and the first documented one of each framework that has a scheme here:
    one of them may well be its best single process."""
    wanted = {scheme.framework for scheme in of}
    found = []
    for framework in discover.frameworks():
        if framework.name in wanted:
            rows = framework.implementations
            tuned = next((r for r in rows if r.division == "tuned" and r.usual), None)
            documented = next((r for r in rows if r.division == "documented"), None)
            found += [
                Scheme(r.framework, r.mode, r.module, r.summary, r.environment)
                for r in (tuned, documented) if r
            ]  # fmt: skip
    return tuple(found)


@dataclass(frozen=True)
class GroupStep:
    """One group to be asked."""

    key: str
    kind: GroupKind
    launch: int
    question: GroupQuestion


def steps(wanted: Wanted) -> Iterator[GroupStep]:
    """All of them: certificates, the loss of a peer, then speeds."""
    for scheme, size in product(wanted.schemes, wanted.sizes):
        yield _step(wanted, "certify", scheme, size, 1)
    if wanted.certificates_only:
        return
    if 2 in wanted.sizes and any(task.name == LOSING for task in wanted.tasks):
        for scheme in wanted.schemes:
            yield _step(wanted, "lose", scheme, 2, 1)
    for launch in range(wanted.launches):
        yield from _measured(wanted, launch)
    shared = [size for size in wanted.sizes if size > wanted.cores]
    for scheme, size in product(wanted.schemes, shared):
        yield _step(wanted, "measure", scheme, size, 1)


def _measured(wanted: Wanted, launch: int) -> Iterator[GroupStep]:
    """Of groups whose processes have a core each; the others show that they work, and once is
    enough. The order of the schemes is turned round in every other launch, so that drift hits all
    alike."""
    able = [size for size in wanted.sizes if size <= wanted.cores]
    for scheme, size in product(wanted.schemes[:: -1 if launch % 2 else 1], able):
        for threads in _threads(size, wanted.cores):
            yield _step(wanted, "measure", scheme, size, threads, launch)
    for single in wanted.singles:
        yield _step(wanted, "alone", single, 1, wanted.cores, launch)


def _threads(size: int, cores: int) -> tuple[int, ...]:
    """One process with one core and with all; of several each has its share, one at least."""
    return tuple(dict.fromkeys((1, cores))) if size == 1 else (max(1, cores // size),)


def _step(
    wanted: Wanted, kind: GroupKind, scheme: Scheme, size: int, threads: int, launch: int = 0
) -> GroupStep:
    tasks = {
        "certify": wanted.certified,
        "lose": tuple(task for task in wanted.tasks if task.name == LOSING),
    }.get(kind, wanted.tasks)
    grows = size > 1 and launch == 0
    asked = tuple(_asked(wanted, task, size, grows) for task in tasks)
    key = "~".join((kind, scheme.name, f"{size}x{threads}", str(launch)))
    return GroupStep(key, kind, launch, GroupQuestion(scheme, kind, size, threads, asked))


def _asked(wanted: Wanted, task: Task, size: int, grows: bool) -> dict[str, Any]:
    """grows: whether a batch that grows with the group is timed too."""
    steps_of_a_round, rounds = ROUNDS[task.family]
    batches = {"strong": task.batch_size}
    return {
        "work": definition(task),
        "folder": str(wanted.folders[task.name]),
        "rows": ROWS,
        "seed": wanted.seed,
        "order": order(task, wanted.seed).tolist(),
        "draws": DRAWS,
        "batches": batches | ({"weak": task.batch_size * size} if grows else {}),
        "steps": steps_of_a_round,
        "rounds": rounds,
        "reductions": REDUCTIONS,
    }


def order(task: Task, seed: int) -> np.ndarray:
    """int32 (STEPS, batch): the rows of the certificate's steps."""
    rows = np.random.default_rng(seed).permutation(ROWS)
    return np.resize(rows, (STEPS, task.batch_size)).astype(np.int32)


def provable(step: GroupStep, file: DistributedFile) -> tuple[dict[str, Any], ...]:
    """The tasks of a step that may be measured: those that a group of its size is certified for. An
    implementation that trains alone has its certificate elsewhere (`bench verify`)."""
    question = step.question
    if step.kind not in ("measure", "lose"):
        return question.tasks
    name, size = question.scheme.name, question.size
    return tuple(t for t in question.tasks if certified(file, name, size, t["work"]["name"]))
