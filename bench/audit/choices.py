"""An adapter against itself with one choice made otherwise, in pairs that alternate.

``python -m bench.audit.choices --implementation pytorch:eager --alternative split --task fnn-mnist
--threads 1 [--rows 1] [--idle] [--pairs 30]``, in the framework's own environment. The alternatives
stand in adapters/*/alternatives.py. Both sides are built from the same weights, shown to do the
same work, and timed by turns in one process; the answer is a line of JSON with the median over the
pairs of the alternative's seconds over the adapter's, and its 95 % interval: above one, the choice
that was made is the faster. Processes differ, so start it several times before anything is decided
by it.

rows: of a pass of inference; one is the latency of a row. idle: half of the inputs are lit in the
first rows alone, and training goes on without these rows until what Adam keeps of them has become
too small for an ordinary float32 (about 830 steps); for tasks of floating inputs.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from adapters.base import Adapter
from bench.audit.bare import loops
from bench.audit.overhead_pair import (
    BATCH,
    CHECKED_STEPS,
    PREDICT_BATCH,
    Pair,
    differences,
    rows,
    scale,
    worker_of,
)
from bench.audit.overhead_summary import ratio
from bench.discover import implementations
from tasks.catalogue.every import TASKS
from tasks.weights import Weights, initial_weights

TOLERANCE = 1e-3  # in units of the norm, after `CHECKED_STEPS` steps
IDLE_STEPS = 1500
_MARK = "CHOICES_THREADS"


class Alternative:
    """The other side of a pair, in the words of a bare loop."""

    def __init__(self, adapter: Adapter, train_data: Any) -> None:
        self.adapter, self.train_data = adapter, train_data

    def train(self, order: np.ndarray) -> float:
        """Steps, and waiting for them; the mean loss."""
        loss = self.adapter.train(self.train_data, order)
        self.adapter.wait()
        return float(loss)

    def predict(self, data: Any) -> np.ndarray:
        """Outputs of all staged rows."""
        return self.adapter.predict(data, PREDICT_BATCH)

    def weights(self) -> Weights:
        """The current weights."""
        return self.adapter.weights()


def build(arguments: argparse.Namespace) -> Pair:
    """Both sides from the same weights and rows."""
    row = next(one for one in implementations() if one.name == arguments.implementation)
    other = importlib.import_module(f"adapters.{row.framework}.alternatives").ALTERNATIVES
    classes = importlib.import_module(row.module).Contender, other[row.mode][arguments.alternative]
    task = next(one for one in TASKS if one.name == arguments.task)
    size = loops.SIZES[task.name]
    x, y = rows(task, size.rows + arguments.rows)
    if arguments.idle:
        x.reshape(len(x), -1)[BATCH:, ::2] = 0
    sides = []
    for contender in classes:
        adapter = contender(row.mode, "cpu", "fp32", arguments.threads)
        adapter.build(task, initial_weights(task, 0), 0)
        data = [adapter.stage(x[part], y[part]) for part in _parts(size.rows)]
        adapter.wait()
        sides.append((adapter, *data))
    (adapter, train_data, test_data), (other_adapter, *other_data) = sides
    order = np.random.default_rng(1).permutation(size.rows)[: size.rows // BATCH * BATCH]
    order = np.resize(order, (size.steps, BATCH)).astype(np.int32)
    alternative = Alternative(other_adapter, other_data[0])
    pair = Pair(adapter, alternative, order, train_data, test_data, other_data[1], arguments.pairs)
    if arguments.idle:
        _leave_idle(pair, size.rows)
    return pair


def _parts(train_rows: int) -> tuple[slice, slice]:
    return slice(None, train_rows), slice(train_rows, None)


def _leave_idle(pair: Pair, train_rows: int) -> None:
    """A step on the rows in which everything is lit, then many on those in which half is."""
    lit = np.arange(BATCH, dtype=np.int32)[None]
    dark = np.random.default_rng(2).integers(BATCH, train_rows, (IDLE_STEPS, BATCH))
    pair.order = dark[: len(pair.order)].astype(np.int32)
    for train in (lambda o: pair.adapter.train(pair.train_data, o), pair.bare.train):
        float(train(lit))
        float(train(dark.astype(np.int32)))
    pair.adapter.wait()


def answer(arguments: argparse.Namespace) -> dict[str, Any]:
    """Check, then measure; raises where the two sides do not do the same work."""
    pair = build(arguments)
    differ = differences(pair)
    if not max(differ.values()) <= TOLERANCE:
        raise RuntimeError(f"the alternative does not do the same work: {differ}")
    scale(pair)
    found: dict[str, Any] = {"checked_steps": CHECKED_STEPS, "steps": len(pair.order)}
    for kind, ours, theirs, pairs in (
        ("train", pair.suite_train, lambda: pair.bare.train(pair.order), pair.pairs),
        ("infer", pair.suite_infer, pair.bare_infer, pair.infer_pairs),
    ):
        pair.keep(kind, *by_turns(ours, theirs, pairs))
        found |= ratio(kind, pair.seconds)
    return found


def by_turns(
    ours: Callable[[], Any], theirs: Callable[[], Any], pairs: int
) -> tuple[list[float], list[float]]:
    """Seconds of each side, after two untimed calls; which one is first alternates."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number in range(-2, pairs):
        for first in (number % 2 == 0, number % 2 != 0):
            started = perf_counter()
            (ours if first else theirs)()
            if number >= 0:
                seconds[first].append(perf_counter() - started)
    return seconds[True], seconds[False]


def parse(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench.audit.choices")
    parser.add_argument("--implementation", required=True)
    parser.add_argument("--alternative", required=True)
    parser.add_argument("--task", default=loops.TASKS[0], choices=loops.TASKS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--idle", action="store_true")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    """Measure in the environment of a worker and print the answer."""
    arguments = parse(words)
    framework, mode = arguments.implementation.split(":")
    arguments.framework, arguments.mode = framework, mode
    if os.environ.get(_MARK) != str(arguments.threads):
        # Thread pools read the environment when they are loaded: start again in a worker's.
        variables = worker_of(arguments) | {_MARK: str(arguments.threads)}
        os.execve(sys.executable, [sys.executable, "-m", "bench.audit.choices", *words], variables)
    print(json.dumps(vars(arguments) | answer(arguments)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # frameworks' thread pools can hang at interpreter exit
