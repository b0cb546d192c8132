"""The metrics: one row each, from a launch record to a number.

A new metric is a row here, plus its raw reading in the worker where it needs a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.records import searches
from bench.records.record import Record
from tasks import flops
from tasks.catalogue.every import TASKS


@dataclass(frozen=True)
class Metric:
    """`read` gives one value a launch, or None where the launch has none.

    better: which way is good. positive: values are ratios' stuff (geometric mean, ratio
    intervals); otherwise arithmetic mean.
    """

    name: str
    unit: str
    better: Literal["higher", "lower"]
    meaning: str
    read: Callable[[Record], float | None]
    positive: bool = True


def rounds(record: Record, phase: str) -> np.ndarray:
    """Raw round seconds of a phase; empty when it was not measured."""
    for entry in record["benchmarks"]:
        if entry["extra_info"].get("phase") == phase:
            return np.array(entry["stats"]["data"])
    return np.array([])


def _samples(record: Record, phase: str) -> float:
    for entry in record["benchmarks"]:
        if entry["extra_info"].get("phase") == phase:
            return float(entry["extra_info"]["samples_per_round"])
    return 0.0


def _throughput(phase: str) -> Callable[[Record], float | None]:
    def read(record: Record) -> float | None:
        seconds = rounds(record, phase)
        return _samples(record, phase) / float(np.median(seconds)) if len(seconds) else None

    return read


def _percentile(phase: str, q: float) -> Callable[[Record], float | None]:
    def read(record: Record) -> float | None:
        seconds = rounds(record, phase)
        return float(np.percentile(seconds, q)) if len(seconds) else None

    return read


_PRODUCTS = {task.name: (flops.training(task), flops.forward(task)) for task in TASKS}


def _operations(phase: str) -> Callable[[Record], float | None]:
    throughput = _throughput(phase)

    def read(record: Record) -> float | None:
        counts = _PRODUCTS.get(record["launch"]["job"]["cell"]["task"])
        samples = throughput(record)
        return None if counts is None or samples is None else counts[phase == "infer"] * samples

    return read


def _launch(*path: str) -> Callable[[Record], float | None]:
    def read(record: Record) -> float | None:
        value = record["launch"]
        for key in path:
            if value.get(key) is None:
                return None
            value = value[key]
        return float(value)

    return read


def _cold_start(record: Record) -> float | None:
    seconds = record["launch"].get("seconds", {})
    parts = [seconds.get(name) for name in ("import", "build", "first_step")]
    return float(sum(parts)) if all(part is not None for part in parts) else None


def _latencies(prefix: str, phase: str, meaning: str) -> tuple[Metric, ...]:
    return tuple(
        Metric(
            f"{prefix}_p{q}",
            "s",
            "lower",
            f"{meaning}, {q}th percentile of the rounds",
            _percentile(phase, q),
        )
        for q in (50, 95, 99)
    )


METRICS: tuple[Metric, ...] = (
    Metric(
        "train_throughput",
        "samples/s",
        "higher",
        "training in steady state, median round",
        _throughput("train"),
    ),
    *_latencies("step_latency", "step", "one optimizer step at the task's batch size"),
    Metric(
        "infer_throughput",
        "samples/s",
        "higher",
        "inference at batch 256, median round",
        _throughput("infer"),
    ),
    *_latencies("infer_latency", "latency", "inference of one row"),
    Metric(
        "test_score",
        "",
        "higher",
        "the task's metric on the test rows after training",
        _launch("readings", "test_score"),
        False,
    ),
    Metric(
        "time_to_target",
        "s",
        "lower",
        "training seconds until the task's target score was first seen",
        _launch("readings", "time_to_target"),
    ),
    Metric(
        "final_loss",
        "",
        "lower",
        "mean training loss of the last epoch",
        _launch("readings", "final_loss"),
        False,
    ),
    Metric(
        "import",
        "s",
        "lower",
        "importing the framework and applying its settings",
        _launch("seconds", "import"),
    ),
    Metric(
        "build",
        "s",
        "lower",
        "building the model and loading the weights",
        _launch("seconds", "build"),
    ),
    Metric(
        "first_step",
        "s",
        "lower",
        "the first optimizer step: trace, compile, run",
        _launch("seconds", "first_step"),
    ),
    Metric("cold_start", "s", "lower", "import, build and first step together", _cold_start),
    Metric(
        "peak_rss",
        "B",
        "lower",
        "peak resident memory of the whole process",
        _launch("peak_rss_bytes"),
    ),
    Metric(
        "cpu_time",
        "s",
        "lower",
        "CPU seconds of the whole process, all threads",
        _launch("cpu_seconds"),
    ),
    Metric(
        "device_memory",
        "B",
        "lower",
        "peak memory of the process on its GPU, as the driver counts",
        _launch("device_use", "peak_memory_bytes"),
    ),
    Metric(
        "energy",
        "J",
        "lower",
        "energy that the device took during the whole launch",
        _launch("device_use", "joules"),
    ),
)


WORK_METRICS: tuple[Metric, ...] = (
    Metric(
        "train_flops",
        "FLOP/s",
        "higher",
        "floating-point operations a second of the task's matrix products in training",
        _operations("train"),
    ),
    Metric(
        "infer_flops",
        "FLOP/s",
        "higher",
        "the same in inference at batch 256",
        _operations("infer"),
    ),
)
"""The throughputs in other words, so shown but not judged a second time."""


def _search(read: Callable[[searches.Search], float | None]) -> Callable[[Record], float | None]:
    def value(record: Record) -> float | None:
        search = record["launch"].get("search")
        return None if search is None or not search["trials"] else read(search)

    return value


def _share(phase: str) -> Metric:
    read = _search(lambda search: searches.share(search, phase))
    return Metric(f"{phase}_share", "", "lower", f"part of a search in {phase}", read, False)


SEARCH_METRICS: tuple[Metric, ...] = (
    Metric("search_seconds", "s", "lower", "all trials of a search", _search(searches.seconds)),
    Metric(
        "trials_per_minute",
        "1/min",
        "higher",
        "trials over the seconds of the search",
        _search(lambda s: 60 * len(s["trials"]) / searches.seconds(s)),
    ),
    *map(_share, searches.PHASES),
    Metric(
        "best_validation_accuracy",
        "",
        "higher",
        "best validation accuracy of any trial",
        _search(lambda s: s["best"]["validation_accuracy"] if "best" in s else None),
        False,
    ),
    Metric(
        "best_test_accuracy",
        "",
        "higher",
        "test accuracy of the best configuration, retrained on all training rows",
        _search(lambda s: s["retrained"]["test_accuracy"] if "retrained" in s else None),
        False,
    ),
    Metric(
        "rss_growth",
        "B",
        "lower",
        "resident memory that each trial adds",
        _search(searches.memory_slope),
        False,
    ),
)
"""Of hyper-parameter searches, from the ``search`` key of their record."""


ALL_METRICS = METRICS + WORK_METRICS + SEARCH_METRICS


def metric(name: str) -> Metric:
    """The metric of that name; KeyError if there is none."""
    return {m.name: m for m in ALL_METRICS}[name]


def better_in(measured: Metric, task: str) -> Literal["higher", "lower"]:
    """Which way is good in this task: the score of a regression is an error."""
    errors = {t.name for t in TASKS if t.metric == "rmse"}
    return "lower" if measured.name == "test_score" and task in errors else measured.better
