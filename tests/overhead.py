"""What the suite costs: one implementation through the suite against a bare hand-written loop.

``python -m tests.overhead --framework F --mode M --task T``, inside the framework's own
environment; the tasks are those of `tests.bare`. Both sides are built from the same weights in
one process, and first shown to do the same work. The suite's side is timed by pytest-benchmark's
`pedantic` itself, as in bench/rounds.py: one call with all rounds. `pedantic` calls `setup` before
and `teardown` after each round, outside its
clock: there the bare loop runs, in `setup` (bare first) and `teardown` (suite first) by turns.
So the two are interleaved without imitating or correcting anything. The bare side is timed as
`pedantic` times: perf_counter around one call, garbage collection off.

A ratio is bare seconds / suite seconds of one pair: 1 when the suite costs nothing, less than 1
when it is slower. Inference takes milliseconds, so it gets `INFER_FACTOR` times as many pairs.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from bench.environments import worker_environment
from tasks import TASKS
from tasks.spec import Task
from tasks.weights import initial_weights
from tests import bare as bare_loops

BATCH, PREDICT_BATCH = 32, 256
CHECKED_STEPS, TOLERANCE = 25, 1e-3
INFER_FACTOR = 10
RESAMPLES = 10_000
_MARK = "OVERHEAD_THREADS"


@dataclass(frozen=True)
class Size:
    """Rows drawn for training, steps of a training round, rows of an inference pass."""

    rows: int
    steps: int
    test_rows: int


# A round lasts some tenths of a second on two cores, as in the suite's own runs.
SIZES = {
    "fnn-mnist": Size(4000, 625, 2048),
    "cnn-64-10": Size(800, 25, 512),
    "rnn-sequence": Size(1600, 300, 2048),
    "lstm-forecast": Size(1600, 200, 2048),
}


@dataclass
class Pair:
    """The suite's adapter and the bare loop, each with its own copy of the same rows."""

    adapter: Any
    bare: Any
    order: np.ndarray
    train_data: Any
    test_data: Any
    test_rows: Any
    pairs: int
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def suite_train(self) -> None:
        self.adapter.train(self.train_data, self.order)
        self.adapter.wait()

    def bare_train(self) -> None:
        self.bare.train(self.order)

    def suite_infer(self) -> None:
        self.adapter.predict(self.test_data, PREDICT_BATCH)

    def bare_infer(self) -> None:
        self.bare.predict(self.test_rows)


def test_train(pair: Pair, benchmark: Any) -> None:
    """Rounds of the size's steps; collected by pytest only when `measure` asks for this file."""
    suite, bare = interleave(benchmark, pair.suite_train, pair.bare_train, pair.pairs)
    pair.seconds |= {"suite_train_seconds": suite, "bare_train_seconds": bare}


def test_infer(pair: Pair, benchmark: Any) -> None:
    """Passes over the test rows at batch 256."""
    rounds = INFER_FACTOR * pair.pairs
    suite, bare = interleave(benchmark, pair.suite_infer, pair.bare_infer, rounds)
    pair.seconds |= {"suite_infer_seconds": suite, "bare_infer_seconds": bare}


def interleave(
    benchmark: Any, suite: Callable[[], None], bare: Callable[[], None], rounds: int
) -> tuple[list[float], list[float]]:
    """Seconds of `rounds` pairs in alternating order, after two untimed calls of each."""
    found: list[float] = []
    before, after = count(), count()

    def timed() -> None:
        gc.disable()
        try:
            started = perf_counter()
            bare()
            found.append(perf_counter() - started)
        finally:
            gc.enable()

    def setup() -> None:
        if next(before) % 2 == 0:
            timed()

    def teardown() -> None:
        if next(after) % 2 == 1:
            timed()

    for _ in range(2):
        suite()
        bare()
    benchmark.pedantic(suite, setup=setup, teardown=teardown, rounds=rounds)
    return list(benchmark.stats.stats.data), found


class _Plugin:
    """Gives the two tests their pair."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    def pytest_generate_tests(self, metafunc: Any) -> None:
        if "pair" in metafunc.fixturenames:
            metafunc.parametrize("pair", [self.pair], ids=["pair"])


def rows(task: Task, count: int) -> tuple[np.ndarray, np.ndarray]:
    """x (count, ...) drawn from [0, 1) and y (count,) of the task's type."""
    rng = np.random.default_rng(0)
    x = rng.random((count, *task.input_shape), dtype=np.float32)
    if task.target_dtype == "int32":
        return x, rng.integers(0, 10, count).astype(np.int32)
    return x, rng.random(count, dtype=np.float32)


def build(arguments: argparse.Namespace) -> Pair:
    """Both sides from the same weights and rows; the adapter first, in the suite's order."""
    task, size = next(t for t in TASKS if t.name == arguments.task), SIZES[arguments.task]
    x, y = rows(task, size.rows + size.test_rows)
    x, x_test, y, y_test = x[: size.rows], x[size.rows :], y[: size.rows], y[size.rows :]
    weights = initial_weights(task, 0)
    module = importlib.import_module(f"adapters.{arguments.framework}")
    adapter = module.Contender(arguments.mode, "cpu", "fp32", arguments.threads)
    adapter.settings()
    adapter.build(task, weights, 0)
    train_data, test_data = adapter.stage(x, y), adapter.stage(x_test, y_test)
    adapter.wait()
    bare = importlib.import_module(f"tests.bare.{arguments.framework}").Bare(
        task.name, x, y, {name: value.copy() for name, value in weights.items()}, arguments.threads
    )
    rng = np.random.default_rng(1)
    epochs = [rng.permutation(size.rows) for _ in range(-(-size.steps * BATCH // size.rows))]
    order = np.concatenate(epochs)[: size.steps * BATCH].reshape(size.steps, BATCH)
    prepared = bare.prepare(x_test)
    order = order.astype(np.int32)
    return Pair(adapter, bare, order, train_data, test_data, prepared, arguments.pairs)


def differences(pair: Pair) -> dict[str, float]:
    """Norm-relative differences after the same few steps: of the updates, loss and outputs."""
    start = pair.bare.weights()
    order = pair.order[:CHECKED_STEPS]
    loss = float(pair.adapter.train(pair.train_data, order))
    pair.adapter.wait()
    expected = pair.bare.train(order)
    suite, bare = pair.adapter.weights(), pair.bare.weights()
    found = {name: _relative(suite[name] - start[name], bare[name] - start[name]) for name in start}
    outputs = pair.adapter.predict(pair.test_data, PREDICT_BATCH)
    found["outputs"] = _relative(outputs, pair.bare.predict(pair.test_rows))
    found["loss"] = abs(loss - expected) / abs(expected)
    return found


def _relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def measure(pair: Pair) -> int:
    """Both tests of this file under pytest, with the arguments the worker gives it; its code."""
    import pytest

    arguments = ["-q", "-x", "--noconftest", "--import-mode=importlib", "-p", "no:cacheprovider"]
    arguments += ["-c", os.devnull, "--rootdir", str(Path(__file__).parent)]
    arguments += ["--benchmark-disable-gc", str(Path(__file__))]
    return int(pytest.main(arguments, plugins=[_Plugin(pair)]))


def ratio(name: str, seconds: dict[str, list[float]]) -> dict[str, float]:
    """Median over pairs of bare / suite, and the 95 % bootstrap interval of that median."""
    pairs = np.divide(seconds[f"bare_{name}_seconds"], seconds[f"suite_{name}_seconds"])
    rng = np.random.default_rng(0)
    medians = np.median(pairs[rng.integers(0, len(pairs), (RESAMPLES, len(pairs)))], axis=1)
    low, high = np.percentile(medians, [2.5, 97.5])
    values = {"ratio": np.median(pairs), "low": low, "high": high}
    return {f"{name}_{key}": float(value) for key, value in values.items()}


def parse(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests.overhead")
    parser.add_argument("--framework", required=True)
    parser.add_argument("--mode", required=True)
    parser.add_argument("--device", default="cpu", choices=["cpu"], help="bare loops run on CPU")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--task", default=bare_loops.TASKS[0], choices=bare_loops.TASKS)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--json", type=Path, required=True)
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Check, measure, write; 1 when the two sides do not do the same work."""
    arguments = parse(words)
    if os.environ.get(_MARK) != str(arguments.threads):
        # Thread pools read the environment when they are loaded: start again in a worker's.
        environment = worker_environment(arguments.threads) | {_MARK: str(arguments.threads)}
        os.execve(sys.executable, [sys.executable, "-m", "tests.overhead", *words], environment)
    pair = build(arguments)
    differ = differences(pair)
    if not max(differ.values()) <= TOLERANCE:
        print(f"overhead: suite and bare loop do not do the same work: {differ}", file=sys.stderr)
        return 1
    if code := measure(pair):
        print(f"overhead: the measurement ended with pytest code {code}", file=sys.stderr)
        return 1
    found: dict[str, Any] = {k: v for k, v in vars(arguments).items() if k != "json"}
    found |= {"differences": differ, **ratio("train", pair.seconds), **ratio("infer", pair.seconds)}
    arguments.json.write_text(json.dumps(found | pair.seconds, indent=1))
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    # Frameworks' thread pools can hang at interpreter exit; the answer is already written.
    os._exit(status)
