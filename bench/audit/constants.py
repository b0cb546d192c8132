"""An adapter against itself with an environment variable or a constant set otherwise, in turns.

``python -m bench.audit.constants --implementation keras:jax --task fnn-mnist --kinds train --change
adapters.keras.backends:Contender.steps_per_execution=1``, in that implementation's environment. A
change is a variable of the worker's environment (``NAME=value``), or an attribute of a module or of
a class, with a Python expression for its value. It may be given more than once. What has to be
written anew, instead of set otherwise, is for bench.audit.choices.

Each side is a process of its own in a worker's environment, pinned as workers are, asleep while the
other is on turn; the order alternates. A ratio is changed seconds / unchanged seconds of one pair:
below 1 the change pays. It is told of wall time and of the processes' CPU time: beside other load
more threads get more of the machine, which only wall time shows, and a thread that spins costs only
CPU time. Processes differ, so every launch (a fresh pair of them) has a line of its own: a choice
is made only where all launches and both times say the same, far from 1.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter, process_time
from typing import Any

import numpy as np

from bench.audit.overhead_pair import worker_of
from bench.discover import implementations
from bench.machine import cores
from tasks.catalogue.every import TASKS
from tasks.spec.layers import Embedding
from tasks.spec.network import Task
from tasks.weights import initial_weights

KINDS = ("train", "step", "infer", "latency")
PREDICT_BATCH = 256
REPEATS = {"train": 1, "step": 20, "infer": 3, "latency": 50}
"""Calls in one timed turn."""
SideTimer = Callable[[str], list[float]]
"""Kind → wall and CPU seconds of a process's next turn."""


def drawn_rows(task: Task, count: int) -> tuple[np.ndarray, np.ndarray]:
    """x (count, ...) and y (count,), drawn alike on both sides, of the task's types."""
    rng = np.random.default_rng(0)
    x: np.ndarray = rng.random((count, *task.input_shape), dtype=np.float32)
    if task.input_dtype == "int32":
        words = min(layer.vocabulary for layer in task.layers if isinstance(layer, Embedding))
        x = (x * words).astype(np.int32)
    if task.target_dtype == "int32":
        return x, rng.integers(0, 2, count).astype(np.int32)
    return x, (rng.random(count) > 0.5).astype(np.float32)


def calls(adapter: Any, task: Task, steps: int) -> dict[str, Callable[[], None]]:
    """Kind → one call of the form that is timed, waited for."""
    x, y = drawn_rows(task, max(task.infer_batches * PREDICT_BATCH, 20 * task.batch_size))
    adapter.build(task, initial_weights(task, 0), 0)
    data, one = adapter.stage(x, y), adapter.stage(x[:1], y[:1])
    many = adapter.stage(*(part[: task.infer_batches * PREDICT_BATCH] for part in (x, y)))
    order = np.random.default_rng(1).integers(0, len(x), (steps, task.batch_size), dtype=np.int32)

    def train(rows: np.ndarray) -> None:
        adapter.train(data, rows)
        adapter.wait()

    return {
        "train": lambda: train(order),
        "step": lambda: train(order[:1]),
        "infer": lambda: adapter.predict(many, PREDICT_BATCH),
        "latency": lambda: adapter.predict(one, 1),
    }


def change(what: str) -> None:
    """Set a module's or a class's attribute; variables were set before the process began."""
    target, _, value = what.partition("=")
    if ":" not in target:
        return
    name, _, path = target.partition(":")
    *owners, attribute = path.split(".")
    owner: Any = importlib.import_module(name)
    for each in owners:
        owner = getattr(owner, each)
    getattr(owner, attribute)  # a name that is not there would change nothing
    setattr(owner, attribute, eval(value))


def serve(arguments: argparse.Namespace) -> None:
    """One side: for each kind read from standard input, wall and CPU seconds of a turn."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a framework may print what it likes
    row = next(row for row in implementations() if row.name == arguments.implementation)
    module = importlib.import_module(row.module)
    for what in arguments.change:
        change(what)
    task = next(task for task in TASKS if task.name == arguments.task)
    task = replace(task, augmentation=None)
    adapter = module.Contender(row.mode, "cpu", "fp32", arguments.threads)
    timed = calls(adapter, task, arguments.steps or task.round_steps)
    for line in sys.stdin:
        kind = line.strip()
        started, worked = perf_counter(), process_time()
        for _ in range(REPEATS[kind]):
            timed[kind]()
        print(perf_counter() - started, process_time() - worked, file=answers, flush=True)


@contextmanager
def side(arguments: argparse.Namespace, changes: list[str]) -> Iterator[SideTimer]:
    """A process of one side."""
    framework, mode = arguments.implementation.split(":")
    asked = argparse.Namespace(framework=framework, mode=mode, threads=arguments.threads)
    variables = dict(what.split("=", 1) for what in changes if ":" not in what.split("=")[0])
    words = ["--implementation", arguments.implementation, "--task", arguments.task, "--serve"]
    words += ["--threads", str(arguments.threads), "--steps", str(arguments.steps)]
    words += [word for what in changes for word in ("--change", what)]
    command = [sys.executable, "-m", "bench.audit.constants", *words]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with cores.pinned(cores.chosen(arguments.threads)):
        process = subprocess.Popen(
            command, env=worker_of(asked) | variables, text=True, **pipes  # type: ignore[call-overload]
        )  # fmt: skip

    def turn(kind: str) -> list[float]:
        print(kind, file=process.stdin, flush=True)
        return [float(seconds) for seconds in process.stdout.readline().split()]

    try:
        yield turn
    finally:
        process.kill()
        process.wait()


def launch(arguments: argparse.Namespace) -> Iterator[str]:
    """A line a kind: median ratios of the pairs with their quartiles, and the median times."""
    with side(arguments, []) as unchanged, side(arguments, arguments.change) as changed:
        for kind in arguments.kinds:
            for turn in (unchanged, changed) * 2:  # compiles, then warms up
                turn(kind)
            pairs = []
            for number in range(arguments.pairs):
                if number % 2:
                    after, before = changed(kind), unchanged(kind)
                else:
                    before, after = unchanged(kind), changed(kind)
                pairs.append((before, after))
            seconds = np.array(pairs)  # (pairs, side, wall or CPU)
            ratios = np.percentile(seconds[:, 1] / seconds[:, 0], (25, 50, 75), axis=0).T
            wall, cpu = (f"{middle:.3f} [{low:.3f}, {high:.3f}]" for low, middle, high in ratios)
            each = np.median(seconds[:, :, 0], axis=0) / REPEATS[kind] * 1e3
            yield (
                f"{arguments.implementation} {arguments.task} {kind}: wall {wall}, CPU {cpu}, "
                f"{each[0]:.3f} ms unchanged, {each[1]:.3f} ms changed"
            )


def parse(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench.audit.constants", description=__doc__)
    parser.add_argument("--implementation", required=True)
    parser.add_argument("--task", required=True, choices=[task.name for task in TASKS])
    parser.add_argument("--change", action="append", default=[], help="the changed side's")
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=0, help="of a training call; 0: the task's")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--launches", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Serve one side, or print every launch's lines."""
    arguments = parse(words)
    if arguments.serve:
        serve(arguments)
        return 0
    for _ in range(arguments.launches):
        for line in launch(arguments):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
