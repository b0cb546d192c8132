"""The metrics: one row each. A row says all of a metric: unit, direction, reading, what is asked of
the judge, and the column of the printed table. A new metric is a row here, plus its raw reading in
the worker where it needs a new one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from bench import stats
from bench.records import searches
from bench.records.parts import Phase, SearchRecord
from bench.records.record import Job
from bench.records.schema import Launch
from bench.stats import Estimate
from tasks import flops
from tasks.catalogue.every import TASKS
from tasks.spec.form import restored_text
from tasks.spec.network import Task
from tasks.spec.training import LOWER

Direction = Literal["higher", "lower"]
QuestionKind = Literal[
    "throughput", "latency", "time to target", "cold start", "memory", "energy", "accuracy"
]
Read = Callable[[Launch], float | None]
TARGET = "time_to_target"
SCORE = "test_score"
SPEED = "train_throughput"  # what a run's own table is ordered and judged by


@dataclass(frozen=True)
class PrintedColumn:
    """A column of the printed table: its heading, and how a value becomes text."""

    heading: str
    form: str = ",.0f"
    scale: float = 1.0
    place: int = 100

    def text(self, value: float) -> str:
        """The value as printed."""
        return format(value * self.scale, self.form)


@dataclass(frozen=True)
class Metric:
    """`read` gives one value a launch, or None where the launch has none.

    better: which way is good. positive: values are ratios' stuff (geometric mean, ratio
    intervals); otherwise arithmetic mean. kind: what is asked of the judge; None: shown only.
    words: what a verdict says. column: where it stands in the printed table, if it does. phase:
    the phase whose median round it is; a sitting's turns can be compared in it one by one.
    """

    name: str
    unit: str
    better: Direction
    meaning: str
    read: Read
    positive: bool = True
    kind: QuestionKind | None = None
    words: tuple[str, str] = ("faster", "slower")
    column: PrintedColumn | None = None
    phase: Phase | None = None

    def better_for(self, score: str) -> Direction:
        """Which way is good in a task of that score, such as "accuracy": an error is better
        low."""
        return "lower" if self.name == SCORE and score in LOWER else self.better

    def mean(self, values: Sequence[float]) -> Estimate:
        """Over launches: geometric where values are positive and meant to be, else arithmetic."""
        positive = self.positive and min(values) > 0
        return stats.positive_mean(values) if positive else stats.mean(values)


def _throughput(phase: Phase) -> Read:
    def read(launch: Launch) -> float | None:
        seconds = launch.rounds(phase)
        return launch.samples(phase) / float(np.median(seconds)) if len(seconds) else None

    return read


def _percentile(phase: Phase, q: float) -> Read:
    def read(launch: Launch) -> float | None:
        seconds = launch.rounds(phase)
        return float(np.percentile(seconds, q)) if len(seconds) else None

    return read


def task_of(job: Job) -> Task | None:
    """The task that a job's launch worked on; records of schema 1 only name it."""
    if job.work:
        work = restored_text(json.dumps(job.work, sort_keys=True))
        return work if isinstance(work, Task) else None
    return next((task for task in TASKS if task.name == job.cell.task), None)


@lru_cache(maxsize=512)
def _products(task: Task) -> tuple[int, int]:
    return flops.training(task), flops.forward(task)


def _operations(phase: Phase) -> Read:
    throughput = _throughput(phase)

    def read(launch: Launch) -> float | None:
        task, samples = task_of(launch.job), throughput(launch)
        if task is None or samples is None:
            return None
        return _products(task)[phase == "infer"] * samples

    return read


def _cold_start(launch: Launch) -> float | None:
    s = launch.launch.seconds
    parts = (s.import_, s.build, s.first_step)
    if None in parts:
        return None
    return sum(part for part in parts if part is not None) + (_warm_up(launch) or 0.0)


def _warm_up(launch: Launch) -> float | None:
    """What the first round in the timed form took over a later one; older records have none."""
    first, rounds = launch.launch.seconds.first_round, launch.rounds("train")
    return None if first is None or not len(rounds) else max(0.0, first - float(np.median(rounds)))


def _reading(name: str) -> Read:
    return lambda launch: getattr(launch.launch.readings, name)


def _start(name: str) -> Read:
    return lambda launch: getattr(launch.launch.seconds, name)


def _latencies(
    prefix: str, phase: Phase, meaning: str, columns: dict[int, PrintedColumn]
) -> tuple[Metric, ...]:
    """p99 is shown but not judged: of 200 rounds it is the second worst."""
    return tuple(
        Metric(
            f"{prefix}_p{q}", "s", "lower", f"{meaning}, {q}th percentile of the rounds",
            _percentile(phase, q), kind="latency" if q < 99 else None, column=columns.get(q),
            phase=phase if q == 50 else None,
        )
        for q in (50, 95, 99)
    )  # fmt: skip


METRICS: tuple[Metric, ...] = (
    Metric(
        SPEED, "samples/s", "higher", "training in steady state, median round",
        _throughput("train"), kind="throughput", column=PrintedColumn("train samples/s", place=3),
        phase="train",
    ),
    *_latencies(
        "step_latency", "step", "one optimizer step at the task's batch size",
        {50: PrintedColumn("step p50 ms", ".3f", 1e3, 4)},
    ),
    Metric(
        "infer_throughput", "samples/s", "higher", "inference at batch 256, median round",
        _throughput("infer"), kind="throughput", column=PrintedColumn("infer samples/s", place=5),
        phase="infer",
    ),
    *_latencies(
        "infer_latency", "latency", "inference of one row",
        {
            50: PrintedColumn("infer p50 µs", scale=1e6, place=6),
            99: PrintedColumn("p99 µs", scale=1e6, place=7),
        },
    ),
    Metric(
        SCORE, "", "higher", "the task's metric on the test rows after training",
        _reading("test_score"), False, "accuracy", ("better", "worse"),
        PrintedColumn("score", ".4f", place=1),
    ),
    Metric(
        TARGET, "s", "lower", "training seconds until the task's target score was first seen",
        _reading("time_to_target"), column=PrintedColumn("to target s", ".2f", place=2),
    ),
    Metric(
        "final_loss", "", "lower", "mean training loss of the last epoch",
        _reading("final_loss"), False,
    ),
    Metric(
        "import", "s", "lower", "importing the framework and applying its settings",
        _start("import_"),
    ),
    Metric("build", "s", "lower", "building the model and loading the weights", _start("build")),
    Metric(
        "first_step", "s", "lower", "the first optimizer step: trace, compile, run",
        _start("first_step"),
    ),
    Metric(
        "warm_up", "s", "lower",
        "what the first round in the timed form took over a later one: compiling it", _warm_up,
        False,
    ),
    Metric(
        "cold_start", "s", "lower", "import, build, first step and warm-up together", _cold_start,
        kind="cold start", column=PrintedColumn("cold start s", ".2f", place=8),
    ),
    Metric(
        "peak_rss", "B", "lower", "peak resident memory of the whole process",
        lambda launch: launch.launch.peak_rss_bytes, kind="memory", words=("lighter", "heavier"),
        column=PrintedColumn("memory MiB", scale=1 / 2**20, place=9),
    ),
    Metric(
        "cpu_time", "s", "lower", "CPU seconds of the whole process, all threads",
        lambda launch: launch.launch.cpu_seconds,
    ),
    Metric(
        "device_memory", "B", "lower",
        "peak memory of the process on its GPU, as the driver counts",
        lambda launch: launch.launch.device_use.peak_memory_bytes,
    ),
    Metric(
        "energy", "J", "lower", "energy that the device took during the whole launch",
        lambda launch: launch.launch.device_use.joules, kind="energy", words=("less", "more"),
    ),
)  # fmt: skip


WORK_METRICS: tuple[Metric, ...] = (
    Metric(
        "train_flops", "FLOP/s", "higher",
        "floating-point operations a second of the task's matrix products in training",
        _operations("train"),
    ),
    Metric(
        "infer_flops", "FLOP/s", "higher", "the same in inference at batch 256",
        _operations("infer"),
    ),
)  # fmt: skip
"""The throughputs in other words, so shown but not judged a second time."""


def _search(read: Callable[[SearchRecord], float | None]) -> Read:
    def value(launch: Launch) -> float | None:
        search = launch.launch.search
        return None if search is None or not search.trials else read(search)

    return value


def _share(phase: str) -> Metric:
    read = _search(lambda search: searches.share(search, phase))
    return Metric(f"{phase}_share", "", "lower", f"part of a search in {phase}", read, False)


SEARCH_METRICS: tuple[Metric, ...] = (
    Metric("search_seconds", "s", "lower", "all trials of a search", _search(searches.seconds)),
    Metric(
        "trials_per_minute", "1/min", "higher", "trials over the seconds of the search",
        _search(lambda s: 60 * len(s.trials) / searches.seconds(s)),
    ),
    *map(_share, searches.PHASES),
    Metric(
        "best_validation_accuracy", "", "higher", "best validation accuracy of any trial",
        _search(lambda s: s.best.validation_accuracy if s.best else None), False,
    ),
    Metric(
        "best_test_accuracy", "", "higher",
        "test accuracy of the best configuration, retrained on all training rows",
        _search(lambda s: s.retrained.test_accuracy if s.retrained else None), False,
    ),
    Metric(
        "rss_growth", "B", "lower", "resident memory that each trial adds",
        _search(searches.memory_slope), False,
    ),
)  # fmt: skip
"""Of hyper-parameter searches, from the ``search`` key of their record."""


ALL_METRICS = METRICS + WORK_METRICS + SEARCH_METRICS


def metric(name: str) -> Metric:
    """The metric of that name; KeyError if there is none."""
    return {m.name: m for m in ALL_METRICS}[name]


def judged() -> tuple[Metric, ...]:
    """The metrics that are compared, in the order of their rows."""
    return tuple(m for m in METRICS if m.kind is not None)
