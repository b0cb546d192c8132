"""The timed rounds of one launch, run by pytest inside the worker.

Every sample is one pytest-benchmark round of one call; raw samples stay in the JSON. The
``launch`` argument is the worker's `Launch`. Order matters: learn, train, step, infer, latency.
"""

from __future__ import annotations

from math import isfinite
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from bench.record import MIN_ROUNDS
from tasks.spec import Task
from tasks.weights import initial_weights

INFER_BATCH = 256
EVALUATE_BATCH = 256


def test_learn(launch: Any, benchmark: Any) -> None:
    """One training as the task says, an epoch a round, evaluated (untimed) after each."""
    epochs = launch.job.budget.learn_epochs or launch.task.epochs
    launch.adapter.build(
        launch.task, initial_weights(launch.task, launch.job.seed), launch.job.seed
    )
    test = launch.adapter.stage(launch.arrays.x_test, launch.arrays.y_test)
    losses: list[Any] = []
    curve: list[float] = []

    def evaluate() -> None:
        outputs = launch.adapter.predict(test, EVALUATE_BATCH)
        curve.append(score(launch.task, outputs, launch.arrays.y_test))

    def next_epoch() -> tuple[tuple[np.ndarray], dict[str, Any]]:
        if losses:
            evaluate()
        return (launch.order(len(losses)),), {}

    def epoch(order: np.ndarray) -> None:
        losses.append(launch.adapter.train(launch.train_data, order))
        launch.adapter.wait()

    _name(launch, benchmark, "learn", len(launch.order(0)) * launch.task.batch_size)
    benchmark.pedantic(epoch, setup=next_epoch, rounds=epochs)
    evaluate()
    means = [float(loss) for loss in losses]
    launch.readings |= {"epoch_losses": means, "epoch_scores": curve, "final_loss": means[-1]}
    launch.readings["test_score"] = curve[-1]
    if not all(isfinite(x) for x in means):
        launch.readings["outcome"] = ("diverged", f"the loss became {means[-1]}")


def test_train(launch: Any, benchmark: Any) -> None:
    """Steady training: rounds of the task's `round_steps` steps, going on from `learn`."""
    order = launch.steps(launch.task.round_steps)

    def round_() -> None:
        launch.adapter.train(launch.train_data, order)
        launch.adapter.wait()

    _name(launch, benchmark, "train", order.size)
    benchmark.pedantic(round_, rounds=launch.job.budget.train_rounds, warmup_rounds=1)
    _check_waited(launch, median(benchmark.stats.stats.data), round_)


def test_step(launch: Any, benchmark: Any) -> None:
    """Latency of a single optimizer step at the task's batch size."""
    orders = iter(np.tile(launch.order(0), (2 + launch.job.budget.step_rounds, 1))[:, None])

    def step(order: np.ndarray) -> None:
        launch.adapter.train(launch.train_data, order)
        launch.adapter.wait()

    _name(launch, benchmark, "step", launch.task.batch_size)
    rounds = _affordable(launch, lambda: step(next(orders)), launch.job.budget.step_rounds)
    benchmark.pedantic(step, setup=lambda: ((next(orders),), {}), rounds=rounds)


def test_infer(launch: Any, benchmark: Any) -> None:
    """Throughput of inference at batch 256."""
    rows = launch.job.budget.infer_rows
    x, y = launch.arrays.x_test, launch.arrays.y_test
    index = np.resize(np.arange(len(y)), rows)
    data = launch.adapter.stage(np.ascontiguousarray(x[index]), y[index])
    _name(launch, benchmark, "infer", rows)
    _predict_rounds(launch, benchmark, data, INFER_BATCH, launch.job.budget.infer_rounds)


def test_latency(launch: Any, benchmark: Any) -> None:
    """Latency of inference for one row."""
    data = launch.adapter.stage(launch.arrays.x_test[:1], launch.arrays.y_test[:1])
    _name(launch, benchmark, "latency", 1)
    _predict_rounds(launch, benchmark, data, 1, launch.job.budget.latency_rounds)


def score(task: Task, outputs: np.ndarray, y: np.ndarray) -> float:
    """The task's metric on outputs (N, units): accuracy in 0…1, or root mean squared error."""
    if task.metric == "rmse":
        return float(np.sqrt(np.mean((outputs[:, 0] - y) ** 2)))
    if task.loss == "binary_crossentropy":
        return float(np.mean((outputs[:, 0] > 0) == (y > 0.5)))
    return float(np.mean(outputs.argmax(axis=1) == y))


def _predict_rounds(launch: Any, benchmark: Any, data: Any, batch: int, most: int) -> None:
    def predict() -> None:
        launch.adapter.predict(data, batch)

    benchmark.pedantic(predict, rounds=_affordable(launch, predict, most))


def _affordable(launch: Any, call: Any, most: int) -> int:
    """Rounds that fit the phase's time, from the second of two untimed calls (both warm up)."""
    call()
    started = perf_counter()
    call()
    each = perf_counter() - started
    return max(MIN_ROUNDS, min(most, int(launch.job.budget.phase_seconds / max(each, 1e-9))))


def _name(launch: Any, benchmark: Any, phase: str, samples: int) -> None:
    task, contender = launch.task.name, launch.job.cell.contender
    benchmark.name = f"{task} {phase}"
    benchmark.fullname = f"{task}::{phase}[{contender}]"
    benchmark.group = f"{task} {phase}"
    benchmark.extra_info = {"phase": phase, "samples_per_round": samples}


def _check_waited(launch: Any, round_seconds: float, round_: Any) -> None:
    """Reading the weights right after `wait` must not take longer than reading them at rest.

    If it does, work was still going on after the clock had stopped: the times are not true.
    """
    excess = []
    for _ in range(3):
        round_()
        started = perf_counter()
        launch.adapter.weights()
        first = perf_counter() - started
        started = perf_counter()
        launch.adapter.weights()
        excess.append(first - (perf_counter() - started))
    late = median(excess)
    launch.readings["work_after_wait_seconds"] = late
    if late > max(0.1 * round_seconds, 2e-3):
        reason = f"work went on for {late:.3f} s after wait() returned"
        launch.readings["outcome"] = ("unverified", reason)
