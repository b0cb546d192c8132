"""One trial of a search, in the worker: its work, and which phase every instant belongs to."""

from __future__ import annotations

import gc
import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Literal

import numpy as np

from bench.records.record import Status
from bench.worker.failures import outcome_of_error
from tasks.spec.search import UNITS, Point, Search
from tasks.weights import Weights, initial_weights

PHASES = ("tuner", "build", "compile", "train", "evaluate")
EVALUATE_BATCH = 256


class Clock:
    """A trial's time as one line: each instant belongs to one phase, by default to `rest`."""

    def __init__(self, rest: str) -> None:
        self.laps: dict[str, list[float]] = defaultdict(list)
        self.phase = rest
        self.began = self.mark = perf_counter()

    @contextmanager
    def lap(self, phase: str) -> Iterator[None]:
        """Time inside belongs to `phase`; afterwards it goes on as before."""
        outer = self.phase
        self.split(phase)
        try:
            yield
        finally:
            self.split(outer)

    def split(self, phase: str) -> None:
        """End the lap under way; the next belongs to `phase`."""
        now = perf_counter()
        self.laps[self.phase].append(now - self.mark)
        self.phase, self.mark = phase, now

    @property
    def seconds(self) -> float:
        """From the first instant to the last split."""
        return self.mark - self.began

    def phases(self) -> dict[str, float]:
        """Seconds of each of `PHASES`. Compile and trace cannot be seen from outside where they
        happen on first use: they are what the first epoch and the first evaluation take over the
        median of the later ones of the same trial (0 where there is no later one)."""
        sums = {phase: sum(self.laps[phase]) for phase in PHASES}
        for phase in ("train", "evaluate"):
            excess = _excess(self.laps[phase])
            sums[phase] -= excess
            sums["compile"] += excess
        return sums


def _excess(laps: list[float]) -> float:
    return max(0.0, laps[0] - median(laps[1:])) if len(laps) > 1 else 0.0


class Ground:
    """What all trials of a search share: adapter, rows on the device, seed, order of the rows."""

    def __init__(self, launch: Any, search: Search) -> None:
        self.adapter = launch.adapter
        self.search = search
        self.seed: int = launch.job.seed
        self.launch = launch
        arrays = launch.arrays
        self.all_rows = len(arrays.y_train)
        self.rows = round(self.all_rows * (1 - search.validation_split))
        self.y_validation = arrays.y_train[self.rows :]
        # Drawn before any trial, as the data are: the suite's work, no framework's.
        self.weights = {u: initial_weights(search.task(Point(u, 1e-3)), self.seed) for u in UNITS}
        self.digests = {units: digest(weights) for units, weights in self.weights.items()}
        started = perf_counter()
        self.build(Point(128, 1e-3))  # `stage` needs a model; the articles' own
        launch.seconds["build"] = perf_counter() - started
        started = perf_counter()
        self.train_data = self.adapter.stage(arrays.x_train, arrays.y_train)
        self.validation = self.adapter.stage(arrays.x_train[self.rows :], self.y_validation)
        self.test = self.adapter.stage(arrays.x_test, arrays.y_test)
        self.adapter.wait()
        launch.seconds["stage"] = perf_counter() - started

    def build(self, point: Point) -> None:
        """A new model from its canonical weights. The one before is dropped by the adapter (Keras:
        clear_session, as its documents say); gc.collect() then frees its cycles, in every
        framework alike."""
        self.adapter.build(self.search.task(point), self.weights[point.units], self.seed)
        gc.collect()

    def epoch(self, number: int, rows: int) -> float:
        """Train on the first `rows` rows once; the mean loss. All trials see the same order."""
        self.launch.train_rows = rows
        order, _ = self.launch.epoch(number)
        loss = self.adapter.train(self.train_data, order)
        self.adapter.wait()
        return float(loss)

    def accuracy(self, data: Any, y: np.ndarray) -> float:
        """Share of rows whose largest output is the label."""
        outputs = self.adapter.predict(data, EVALUATE_BATCH)
        return float(np.mean(outputs.argmax(axis=1) == y))


class RunningTrial:
    """Build, learn, and the entry of the record. `rest`: the phase of what is not named here."""

    def __init__(self, ground: Ground, index: int, rest: str = "other") -> None:
        self.ground = ground
        self.index = index
        self.clock = Clock(rest)
        self.point: Point | None = None
        self.losses: list[float] = []
        self.accuracies: list[float] = []
        self.status: Status | Literal["pruned"] = "ok"
        self.reason = ""

    def build(self, point: Point) -> None:
        """The model of `point` from its canonical weights."""
        self.point = point
        with self._failing(), self.clock.lap("build"):
            self.ground.build(point)

    def learn(self, after_epoch: Callable[[int, float], object]) -> float:
        """All epochs, scored after each; ends when `after_epoch` says true. The last accuracy."""
        ground = self.ground
        for number in range(ground.search.epochs):
            with self._failing(), self.clock.lap("train"):
                self.losses.append(ground.epoch(number, ground.rows))
            if not isfinite(self.losses[-1]):
                self.status, self.reason = "diverged", "the training loss is not finite"
                raise FloatingPointError(self.reason)
            with self._failing(), self.clock.lap("evaluate"):
                accuracy = ground.accuracy(ground.validation, ground.y_validation)
            self.accuracies.append(accuracy)
            if after_epoch(number, accuracy) is True:
                left = ground.search.epochs - 1 - number
                self.status, self.reason = "pruned", f"{left} epochs not run"
                break
        return self.accuracies[-1]

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            outcome = outcome_of_error(error)
            self.status, self.reason = outcome.status, outcome.reason
            raise

    def entry(self) -> dict[str, Any]:
        """The trial as plain JSON; see results/README.md."""
        assert self.point is not None
        return {
            "index": self.index,
            "units": self.point.units,
            "learning_rate": self.point.learning_rate,
            "weights": self.ground.digests[self.point.units],
            "status": self.status,
            "reason": self.reason,
            "validation_accuracy": self.accuracies[-1] if self.status == "ok" else None,
            "epoch_accuracies": self.accuracies,
            "epoch_losses": [loss for loss in self.losses if isfinite(loss)],
            "seconds": self.clock.seconds,
            "phases": self.clock.phases(),
            "rss_bytes": resident_bytes(),
        }


def digest(weights: Weights) -> str:
    """SHA-256 over names, shapes and bytes; the first 16 hexadecimal digits."""
    total = hashlib.sha256()
    for name, value in weights.items():
        total.update(f"{name} {value.dtype.str} {value.shape}\n".encode())
        total.update(np.ascontiguousarray(value).data)
    return total.hexdigest()[:16]


def resident_bytes() -> int:
    """Memory of this process that is resident now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
