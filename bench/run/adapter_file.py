"""Adapters from outside of this tree: `--adapter FILE.py`, and the small tasks that try one first.

The file's text is kept in the cache under a digest, where workers import it from and where a run
that is resumed finds it. Its environment is made from the pins in its header when it is first used.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from adapters.base import Implementation
from adapters.mutants import small
from adapters.outside import OutsideAdapter
from bench import discover
from bench.run.task_file import FAMILY, OwnTask, OwnTasks
from tasks.data import cache
from tasks.data.arrays import Arrays
from tasks.data.family import About, Decoded
from tasks.errors import UserError
from tasks.spec.network import Task

# One of each family first, then the rest of the layers and losses.
TRIED = (
    small.FNN, small.CNN, small.LSTM_WORDS, small.RNN, small.RNN_TANH, small.LSTM_FLOAT,
    small.FNN_FIFTH,
)  # fmt: skip
TEST_ROWS = 100


def unpacked(given: OutsideAdapter) -> Path:
    """The folder in the cache that holds that adapter and nothing else, to be imported from."""
    file = _place(given.module)
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(f".{os.getpid()}.part")
            part.write_bytes(given.text)
            part.replace(file)
    except OSError as error:
        raise cache.cannot_write(file.parent, error) from None
    return file.parent


def _place(module: str) -> Path:
    return cache.root() / "adapters" / module / f"{module}.py"


def modules(names: Iterable[str]) -> tuple[str, ...]:
    """Of the implementations of these names, the modules that are adapters from outside."""
    every = (*discover.implementations(), *discover.tuners())
    return tuple(sorted({row.module for row in every if row.name in set(names) and _is(row)}))


def _is(row: Implementation) -> bool:
    return discover.outside_of(row.environment) is not None


def take_again(modules: Iterable[str]) -> None:
    """The adapters of a run that is resumed, as they were when it was begun."""
    for module in modules:
        if module in {row.module for row in discover.implementations()}:
            continue
        if not module.isidentifier() or not _place(module).exists():
            raise UserError(f"the adapter file of {module} is gone from the cache; start a new run")
        if discover.add_adapter(_place(module)).module != module:
            raise UserError(f"{_place(module)} was changed; start a new run")


def small_tasks() -> OwnTasks:
    """Tasks with random rows that a certificate takes little time for, in order."""
    return {
        task.name: OwnTask(task, cache.keep(FAMILY, _rows(task))) for task in map(_named, TRIED)
    }


def _named(task: Task) -> Task:
    kinds = ", ".join(type(layer).__name__ for layer in task.layers)
    return replace(task, summary=f"{kinds}, on random rows", data=task.name, round_steps=4)


def _rows(task: Task) -> Decoded:
    x, y = small.rows(task)
    parts = (x, y, x[:TEST_ROWS], y[:TEST_ROWS])  # what is learned has no part in a certificate
    about = About(task.data, "random rows", "generated: no rights reserved")
    return Decoded(about, Arrays(*parts), embedded=True)
