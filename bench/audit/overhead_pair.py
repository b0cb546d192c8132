"""The two sides of ``nox -s overhead``: the suite's adapter and a bare loop, built to do the same
work, shown to do it, and scaled to what a round may take.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from adapters.base import Division, Unsupported
from bench.audit.bare import loops as bare_loops
from bench.discover import frameworks, implementations
from bench.run.variables import worker_variables
from tasks.catalogue.every import TASKS
from tasks.spec.layers import Embedding
from tasks.spec.network import Task
from tasks.weights import initial_weights

BATCH, PREDICT_BATCH = 32, 256
CHECKED_STEPS, FEWEST_STEPS = 25, 5
ROUND_SECONDS, INFER_SECONDS = 0.4, 3.0
INFER_FACTOR = 10


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


def rows(task: Task, count: int) -> tuple[np.ndarray, np.ndarray]:
    """x (count, ...) drawn from [0, 1), or word numbers, and y (count,) of the task's type."""
    rng = np.random.default_rng(0)
    x = rng.random((count, *task.input_shape), dtype=np.float32)
    words = [node.layer.vocabulary for node in task.nodes if isinstance(node.layer, Embedding)]
    if words:
        x = (x * words[0]).astype(np.int32)
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
    module = importlib.import_module(bare_loop)
    if arguments.task not in getattr(module, "TASKS", bare_loops.CHAINS):
        raise Unsupported(f"no bare loop of {arguments.task} is written in {bare_loop}")
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
    if arguments.mode not in getattr(module, "MODES", (arguments.mode,)):
        raise Unsupported(f"no bare loop of mode {arguments.mode} is written in bench/audit/bare")
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
