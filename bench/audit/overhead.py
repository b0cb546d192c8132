"""What the suite costs: one implementation through the suite against a bare hand-written loop.

``python -m bench.audit.overhead --framework F --mode M --task T``, inside that implementation's own
environment; the tasks are those of `bench.audit.bare.loops`. Both sides are built from the same
weights in one process, and first shown to do the same work. The suite's side is timed by pytest-
benchmark's `pedantic` itself, as in bench/worker/rounds.py: one call with all rounds. `pedantic`
calls `setup` before and `teardown` after each round, outside its clock: there the bare loop runs,
in `setup` (bare first) and `teardown` (suite first) by turns. So the two are interleaved without
imitating or correcting anything. The bare side is timed as `pedantic` times: perf_counter around
one call, garbage collection off.

A ratio is bare seconds / suite seconds of one pair: 1 when the suite costs nothing, less than 1
when it is slower. A round has the steps of the suite's own rounds, or fewer where those would take
over `ROUND_SECONDS`. Inference takes milliseconds, so it gets up to `INFER_FACTOR` times as many
pairs, for `INFER_SECONDS`.

One process is one launch, and launches differ, probably by where each side's weights come to lie
in memory: keras:torch inferred fnn-mnist at 0.89, 0.90, 1.00 and 1.01 in four launches of the same
code, and the interval over the pairs of one process knows nothing of it. So an answer under
`overhead_summary.BOUND` asks for more `launches`, and the median over all of them is judged;
`nox -s overhead` does that. What passed at once is not repeated, so the rule forgives some costs
at the very bound; it does not hide one that most launches have.

The answer is written in every case: the ratios, ``unsupported`` with the adapter's reason where it
refuses the task, or ``failed`` with what went wrong (and then the exit status is 1).
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from adapters.base import Division, Unsupported
from bench.audit.bare import loops as bare_loops
from bench.audit.overhead_summary import BOUND, KINDS, LAUNCHES, ratio
from bench.discover import frameworks, implementations
from bench.run.variables import worker_variables
from tasks.catalogue.every import TASKS
from tasks.spec.network import Task
from tasks.weights import initial_weights

BATCH, PREDICT_BATCH = 32, 256
CHECKED_STEPS, FEWEST_STEPS, TOLERANCE = 25, 5, 1e-3
ROUND_SECONDS, INFER_SECONDS = 0.4, 3.0
INFER_FACTOR = 10
_MARK = "OVERHEAD_THREADS"


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
    infer_pairs: int = 0
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

    def keep(self, kind: str, suite: list[float], bare: list[float]) -> None:
        """Seconds of one reading, behind those of an earlier one."""
        self.seconds.setdefault(f"suite_{kind}_seconds", []).extend(suite)
        self.seconds.setdefault(f"bare_{kind}_seconds", []).extend(bare)


def test_train(pair: Pair, benchmark: Any) -> None:
    """Rounds of the size's steps; collected by pytest only when `measure` asks for this file."""
    pair.keep("train", *interleave(benchmark, pair.suite_train, pair.bare_train, pair.pairs))


def test_infer(pair: Pair, benchmark: Any) -> None:
    """Passes over the test rows at batch 256."""
    pair.keep("infer", *interleave(benchmark, pair.suite_infer, pair.bare_infer, pair.infer_pairs))


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


def contender(arguments: argparse.Namespace) -> Any:
    """The adapter of the table's row, with its settings applied."""
    name = f"{arguments.framework}:{arguments.mode}"
    rows_of_name = [row for row in implementations() if row.name == name]
    if not rows_of_name:
        raise ValueError(f"no framework's about.py has {name}")
    if not rows_of_name[0].does(arguments.task):
        raise Unsupported("the table of implementations does not name it for this task")
    module = importlib.import_module(rows_of_name[0].module)
    return module.Contender(arguments.mode, "cpu", "fp32", arguments.threads)


def bare_loop_of(arguments: argparse.Namespace) -> str:
    """The module of the bare loop: a documented mode's is written as documented too."""
    suffix = "_documented" if division_of(arguments) == "documented" else ""
    return f"bench.audit.bare.{arguments.framework}{suffix}"


def division_of(arguments: argparse.Namespace) -> Division:
    """The division of the mode; a mode that is in no table counts as tuned."""
    name = f"{arguments.framework}:{arguments.mode}"
    return next((row.division for row in implementations() if row.name == name), "tuned")


def worker_of(arguments: argparse.Namespace) -> dict[str, str]:
    """The environment variables of the mode's workers. Not by bench.run.environments, which needs
    packages that a framework's environment does not have."""
    name = f"{arguments.framework}:{arguments.mode}"
    own = {row.environment for row in implementations() if row.name == name}
    installations = (one for framework in frameworks() for one in framework.installations)
    keeps = [variable for one in installations if one.environment in own for variable in one.keeps]
    project = str(Path(__file__).resolve().parents[2])
    return worker_variables(arguments.threads, project, division_of(arguments), keeps)


def build(arguments: argparse.Namespace) -> Pair:
    """Both sides from the same weights and rows; the adapter first, in the suite's order."""
    bare_loop = bare_loop_of(arguments)
    if importlib.util.find_spec(bare_loop) is None:
        raise Unsupported(f"no bare loop of {arguments.framework} is written in bench/audit/bare")
    task, size = (
        next(t for t in TASKS if t.name == arguments.task),
        bare_loops.SIZES[arguments.task],
    )
    x, y = rows(task, size.rows + size.test_rows)
    x, x_test, y, y_test = x[: size.rows], x[size.rows :], y[: size.rows], y[size.rows :]
    weights = initial_weights(task, 0)
    adapter = contender(arguments)
    adapter.settings()
    adapter.build(task, weights, 0)
    train_data, test_data = adapter.stage(x, y), adapter.stage(x_test, y_test)
    adapter.wait()
    copies = {name: value.copy() for name, value in weights.items()}
    module = importlib.import_module(bare_loop)
    bare = module.Bare(task.name, x, y, copies, arguments.threads, arguments.mode)
    rng = np.random.default_rng(1)
    epochs = [rng.permutation(size.rows) for _ in range(-(-size.steps * BATCH // size.rows))]
    order = np.concatenate(epochs)[: size.steps * BATCH].reshape(size.steps, BATCH)
    prepared = bare.prepare(x_test)
    order = order.astype(np.int32)
    return Pair(adapter, bare, order, train_data, test_data, prepared, arguments.pairs)


def scale(pair: Pair) -> None:
    """Fewer steps and inference pairs for a slow mode; called when both sides are compiled."""

    def slower(*calls: Callable[[], None]) -> float:
        found = []
        for call in calls:
            call()  # another number of steps may be another program to compile
            started = perf_counter()
            call()
            found.append(perf_counter() - started)
        return max(found)

    full, pair.order = pair.order, pair.order[:CHECKED_STEPS]
    step = slower(pair.suite_train, pair.bare_train) / len(pair.order)
    few = max(int(ROUND_SECONDS / step), FEWEST_STEPS)
    # Whole multiples: several steps an execution, as in Keras, then find nothing left over.
    pair.order = full[: few if few < CHECKED_STEPS else few // CHECKED_STEPS * CHECKED_STEPS]
    passes = int(INFER_SECONDS / 2 / slower(pair.suite_infer, pair.bare_infer))
    pair.infer_pairs = min(max(passes, pair.pairs), INFER_FACTOR * pair.pairs)


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


def measure(pair: Pair) -> None:
    """The tests of this file under pytest, with the arguments the worker gives it."""
    import pytest

    arguments = ["-q", "-x", "--noconftest", "--import-mode=importlib", "-p", "no:cacheprovider"]
    arguments += ["-c", os.devnull, "--rootdir", str(Path(__file__).parent)]
    arguments += ["--benchmark-disable-gc"]
    if code := pytest.main([*arguments, str(Path(__file__))], plugins=[_Plugin(pair)]):
        raise RuntimeError(f"the measurement ended with pytest code {int(code)}")


def ratios(pair: Pair) -> dict[str, Any]:
    """Both kinds, measured, and how many launches there shall be in all."""
    measure(pair)
    found = ratio("train", pair.seconds) | ratio("infer", pair.seconds)
    under = any(found[f"{kind}_ratio"] < BOUND for kind in KINDS)
    return found | {"launches": LAUNCHES if under else 1}


def parse(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench.audit.overhead")
    parser.add_argument("--framework", required=True)
    parser.add_argument("--mode", required=True)
    parser.add_argument("--device", default="cpu", choices=["cpu"], help="bare loops run on CPU")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--task", default=bare_loops.TASKS[0], choices=bare_loops.TASKS)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--json", type=Path, required=True)
    return parser.parse_args(words)


def answer(arguments: argparse.Namespace) -> dict[str, Any]:
    """Check, then measure; raises where the two sides do not do the same work."""
    pair = build(arguments)
    differ = differences(pair)
    if not max(differ.values()) <= TOLERANCE:
        raise RuntimeError(f"suite and bare loop do not do the same work: {differ}")
    scale(pair)
    found = {"differences": differ, "steps": len(pair.order), **ratios(pair)}
    return found | pair.seconds


def main(words: list[str]) -> int:
    """Write the answer, whatever it is; 1 when there are no ratios where there should be."""
    arguments = parse(words)
    if os.environ.get(_MARK) != str(arguments.threads):
        # Thread pools read the environment when they are loaded: start again in a worker's.
        environment = worker_of(arguments) | {_MARK: str(arguments.threads)}
        os.execve(
            sys.executable, [sys.executable, "-m", "bench.audit.overhead", *words], environment
        )
    found: dict[str, Any]
    try:
        found = answer(arguments)
    except Unsupported as why:
        found = {"unsupported": str(why)}
    except Exception as error:
        traceback.print_exc()
        found = {"failed": f"{type(error).__name__}: {error}"}
    asked = {k: v for k, v in vars(arguments).items() if k != "json"}
    arguments.json.write_text(json.dumps(asked | found, indent=1))
    return int("failed" in found)


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    # Frameworks' thread pools can hang at interpreter exit; the answer is already written.
    os._exit(status)
