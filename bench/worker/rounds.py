"""The timed rounds of one launch, run by pytest inside the worker.

Every sample is one pytest-benchmark round of one call; raw samples stay in the JSON. The
``launch`` argument is the worker's `LaunchState`. Order matters: learn, train, step, infer,
latency. `learn` is done alone; in the others contenders take turns (bench/worker/turns.py).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from math import isfinite
from statistics import median
from typing import Any

import numpy as np

from adapters.reference.losses import loss_and_gradient
from bench.proof.rows import distinct_rows
from bench.worker.scores import score
from bench.worker.turns import EVERY_ROUND, Over, Slices
from bench.worker.waiting import Late, after_bursts, persistent, work_after_wait
from tasks.weights import initial_weights

INFER_BATCH = 256
EVALUATE_BATCH = 256
CHECKED_EVERY = 4  # training turns, at whose end `wait` is put to the test
# Staged sets of rows that rounds of inference take in turns: as many as fit the bytes, two at
# least.
INFER_SETS, INFER_BYTES, LATENCY_SETS = 4, 2**27, 16
RESTORED = 1e-3  # of the validation loss, when the best weights are loaded again
Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def test_learn(launch: Any, benchmark: Any) -> None:
    """One training as the task says, an epoch a round, evaluated (untimed) after each."""
    curve = Curve(launch)
    launch.adapter.build(
        launch.task, initial_weights(launch.task, launch.job.seed), launch.job.seed
    )

    def next_epoch() -> Arguments:
        if curve.losses and curve.evaluate():
            raise Over
        return launch.epoch(len(curve.losses)), {}

    def epoch(order: np.ndarray, warps: np.ndarray | None) -> None:
        curve.losses.append(launch.adapter.train(launch.train_data, order, warps))
        launch.adapter.wait()

    _name(launch, benchmark, "learn", launch.epoch(0)[0].size)
    with suppress(Over):
        benchmark.pedantic(epoch, setup=next_epoch, rounds=curve.most_epochs)
        curve.evaluate()
    launch.readings |= curve.readings()
    launch.readings |= time_to_target(launch, curve.scores, list(benchmark.stats.stats.data))
    if not all(isfinite(x) for x in launch.readings["epoch_losses"]):
        launch.readings["outcome"] = ("diverged", "the training loss is not finite")


class Curve:
    """What is seen between epochs: test score, and with early stopping the validation loss."""

    def __init__(self, launch: Any) -> None:
        arrays = launch.arrays
        self.launch = launch
        self.most_epochs = launch.job.budget.learn_epochs or launch.task.epochs
        self.test = launch.adapter.stage(arrays.x_test, arrays.y_test)
        self.losses: list[Any] = []
        self.scores: list[float] = []
        self.validation: list[float] = []
        self.best: Any = None
        if launch.task.early_stopping:
            kept = slice(launch.train_rows, None)
            self.y_validation = arrays.y_train[kept]
            self.rows = launch.adapter.stage(arrays.x_train[kept], self.y_validation)

    def evaluate(self) -> bool:
        """Score the model as it is now; True when early stopping says to end."""
        task, adapter = self.launch.task, self.launch.adapter
        outputs = adapter.predict(self.test, EVALUATE_BATCH)
        self.scores.append(score(task, outputs, self.launch.arrays.y_test))
        if task.early_stopping is None:
            return False
        outputs = adapter.predict(self.rows, EVALUATE_BATCH).astype(np.float64)
        self.validation.append(loss_and_gradient(task.loss, outputs, self.y_validation)[0])
        since_best = len(self.validation) - best_epoch(self.validation)
        if since_best == 0:
            self.best = adapter.weights()
        return bool(since_best >= task.early_stopping.patience)

    def readings(self) -> dict[str, Any]:
        """The curve as plain numbers; the best weights restored where the task says so."""
        means = [float(loss) for loss in self.losses]
        found = {"epoch_losses": means, "epoch_scores": self.scores, "final_loss": means[-1]}
        found["test_score"] = self.scores[-1]
        if self.best is not None:
            task, adapter = self.launch.task, self.launch.adapter
            adapter.build(task, self.best, self.launch.job.seed)
            found["validation_losses"] = self.validation
            found["best_epoch"] = best_epoch(self.validation)
            found |= self._restored()
            outputs = adapter.predict(self.test, EVALUATE_BATCH)
            found["test_score"] = score(task, outputs, self.launch.arrays.y_test)
        return found

    def _restored(self) -> dict[str, Any]:
        """An outcome when the weights just loaded are not those of the best epoch."""
        outputs = self.launch.adapter.predict(self.rows, EVALUATE_BATCH).astype(np.float64)
        loss = loss_and_gradient(self.launch.task.loss, outputs, self.y_validation)[0]
        best = float(np.nanmin(self.validation))
        if abs(loss - best) <= RESTORED * abs(best):
            return {}
        reason = f"early stopping: validation loss {loss:.4g} restored for the best, {best:.4g}"
        return {"outcome": ("unverified", reason)}


def best_epoch(validation: list[float]) -> int:
    """The epoch, from 1, of the lowest validation loss, the first of equal ones; never NaN's."""
    return int(np.argmin(np.where(np.isnan(validation), np.inf, validation))) + 1


def time_to_target(launch: Any, scores: list[float], seconds: list[float]) -> dict[str, Any]:
    """Training seconds up to the first evaluation that reached the target, None if none did:
    evaluations are not counted; what a framework compiles inside its first epoch is."""
    target = launch.job.target
    if target is None:
        return {}
    reached = [launch.task.reached(score, target) for score in scores]
    epoch = reached.index(True) + 1 if any(reached) else None
    return {
        "target": target,
        "epochs_to_target": epoch,
        "time_to_target": None if epoch is None else sum(seconds[:epoch]),
        "learn_seconds": sum(seconds),
    }


def test_train(launch: Any, benchmark: Any) -> None:
    """Steady training: rounds of the task's `round_steps` steps, going on from `learn`."""
    order, warps = launch.steps(launch.round_steps)
    late: list[float] = []
    one_step = _one_step(launch)

    def round_() -> None:
        launch.adapter.train(launch.train_data, order, warps)
        launch.adapter.wait()

    def check_wait(turn: int) -> None:
        if turn % CHECKED_EVERY == 0:
            late.append(work_after_wait(launch.adapter, one_step))

    _name(launch, benchmark, "train", order.size)
    slices = Slices(launch.channel, one_step, check_wait)
    _take_turns(benchmark, round_, slices, lambda: ((), {}))

    def again() -> Late:
        round_()
        return Late(work_after_wait(launch.adapter, one_step), each)

    each = median(benchmark.stats.stats.data)
    _waited(launch, "train", persistent(Late(median(late), each), again))


def _one_step(launch: Any) -> Callable[[], None]:
    """A training step that is not timed."""
    order, warps = launch.steps(1)

    def step() -> None:
        launch.adapter.train(launch.train_data, order, warps)
        launch.adapter.wait()

    return step


def test_step(launch: Any, benchmark: Any) -> None:
    """Latency of a single optimizer step at the task's batch size."""
    order, warps = launch.epoch(0)
    steps_done = count()

    def next_step() -> Arguments:
        i = next(steps_done) % len(order)
        return (order[i : i + 1], None if warps is None else warps[i : i + 1]), {}

    def step(one: np.ndarray, warp: np.ndarray | None) -> None:
        launch.adapter.train(launch.train_data, one, warp)
        launch.adapter.wait()

    _name(launch, benchmark, "step", launch.task.batch_size)
    slices = Slices(launch.channel, _one_step(launch))
    _take_turns(benchmark, step, slices, next_step)
    _bursts_waited(launch, benchmark, "step", lambda: step(*next_step()[0]))


def _take_turns(
    benchmark: Any, round_: Callable[..., None], slices: Slices, arguments: Callable[[], Arguments]
) -> None:
    """Rounds when it is our turn, until the runner ends the phase. Each gets new `arguments`."""

    def before_round() -> Arguments:
        slices.next_round()
        return arguments()

    with suppress(Over):
        benchmark.pedantic(round_, setup=before_round, rounds=EVERY_ROUND)
    benchmark.extra_info["turns"] = slices.of_rounds


def test_infer(launch: Any, benchmark: Any) -> None:
    """Throughput of inference at batch 256."""
    rows = min(launch.job.budget.infer_rows, launch.task.infer_batches * INFER_BATCH)
    row_bytes = launch.arrays.x_test[0].nbytes
    count_ = max(2, min(INFER_SETS, INFER_BYTES // (rows * row_bytes)))
    _name(launch, benchmark, "infer", rows)
    _predict_rounds(launch, benchmark, "infer", _sets(launch, count_, rows), INFER_BATCH)


def test_latency(launch: Any, benchmark: Any) -> None:
    """Latency of inference for one row."""
    _name(launch, benchmark, "latency", 1)
    _predict_rounds(launch, benchmark, "latency", _sets(launch, LATENCY_SETS, 1), 1)


def _sets(launch: Any, count_: int, rows: int) -> list[Any]:
    """Staged sets of so many rows, and first one of a batch at most, which is not timed; no row is
    in two of them or twice in one."""
    x, y = launch.arrays.x_test, np.asarray(launch.arrays.y_test)
    spare = min(rows, INFER_BATCH)
    apart = distinct_rows(x, spare + count_ * rows, launch.job.seed)
    starts = [0, *range(spare, len(apart), rows)]
    parts = [
        np.ascontiguousarray(apart[i:j])
        for i, j in zip(starts, [*starts[1:], len(apart)], strict=True)
    ]  # targets have no part in predictions
    return [launch.adapter.stage(part, np.resize(y, (len(part), *y.shape[1:]))) for part in parts]


def _predict_rounds(launch: Any, benchmark: Any, phase: str, sets: list[Any], batch: int) -> None:
    """Rounds over other rows than the round before. At the start of a slice, and each time all
    sets have had their turn in it, one step is trained, untimed, so that no output of an earlier
    turn is right any more; then rows that are not timed are predicted."""
    adapter, step = launch.adapter, _one_step(launch)
    spare, *timed = sets
    since_step = count()

    def predict(data: Any) -> None:
        adapter.predict(data, batch)

    def wake() -> None:
        nonlocal since_step
        step()
        predict(spare)
        since_step = count()

    def next_set() -> Arguments:
        done = next(since_step)
        if done and done % len(timed) == 0:
            wake()
            done = next(since_step)
        return (timed[(done + slices.number) % len(timed)],), {}

    for data in sets:
        predict(data)
    slices = Slices(launch.channel, wake)
    _take_turns(benchmark, predict, slices, next_set)
    _bursts_waited(launch, benchmark, phase, lambda: predict(timed[0]))


def _name(launch: Any, benchmark: Any, phase: str, samples: int) -> None:
    task, contender = launch.task.name, launch.job.cell.contender
    benchmark.name = f"{task} {phase}"
    benchmark.fullname = f"{task}::{phase}[{contender}]"
    benchmark.group = f"{task} {phase}"
    benchmark.extra_info = {"phase": phase, "samples_per_round": samples}


def _bursts_waited(launch: Any, benchmark: Any, phase: str, call: Callable[[], object]) -> None:
    each = median(benchmark.stats.stats.data)

    def bursts() -> Late:
        return after_bursts(launch.adapter, call, each)

    _waited(launch, phase, persistent(bursts(), bursts))


def _waited(launch: Any, phase: str, late: Late) -> None:
    """If work was still going on after the clock had stopped, the times are not true."""
    launch.readings.setdefault("work_after_wait_seconds", {})[phase] = late.seconds
    if reason := late.reason:
        launch.readings["outcome"] = ("unverified", f"{phase}: {reason}")
