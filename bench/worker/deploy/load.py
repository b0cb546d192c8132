"""MLPerf's own load generator (mlcommons-loadgen) in front of a file in its runtime.

Single stream: a query when the last one is answered. Offline: all at once, answered 256 at a time.
Server: queries in a Poisson stream; the largest rate whose 99th percentile is within the bound is
searched by halving. Durations are a small part of MLPerf's 600 s, so nothing here is a submission.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from adapters.deployment import Artefact
from tasks.data.arrays import Arrays

SERVER_BOUND_MICROS = 10_000.0  # of the 99th percentile
SEARCH_STEPS = 5
HIGH, LOW = 0.9, 0.3  # of what one row after the other allows: where the search begins
AnswerRows = Callable[[list[int]], None]
"""Numbers of rows → nothing; they have been answered."""
_LINES = {
    "p50": "50.00 percentile latency (ns)",
    "p90": "90.00 percentile latency (ns)",
    "p99": "99.00 percentile latency (ns)",
}


class Answering(Protocol):
    """What is put under load."""

    artefact: Artefact
    data: Arrays
    model: Any

    def single_rows(self) -> list[np.ndarray]: ...


def scenarios(served: Answering, p50: float, request: dict[str, Any]) -> list[dict[str, Any]]:
    """The three scenarios. p50: microseconds of a single row, as measured without the generator."""
    rows, predict, seconds = served.single_rows(), served.model.predict, request["seconds"]

    def one(numbers: list[int]) -> None:
        for number in numbers:
            predict(rows[number])

    cost = _single(lambda numbers: None, len(rows), 1.0, min(seconds, 0.5))["p50"]
    found = [_single(one, len(rows), p50, seconds) | {"cost": cost}]
    if served.artefact.batch is None:
        found.append(_offline(_batched(served), len(rows), p50, seconds))
    found.append(_server(one, len(rows), p50, seconds))
    return found


def _batched(served: Answering) -> AnswerRows:
    batch, x = 256, served.data.x_test
    laid_out = served.artefact.laid_out(x[: min(len(x), 256)])
    predict = served.model.predict

    def many(numbers: list[int]) -> None:
        for start in range(0, len(numbers), batch):
            predict(laid_out[numbers[start : start + batch]])

    return many


def _single(answer: AnswerRows, rows: int, p50: float, seconds: float) -> dict[str, Any]:
    text = _run("SingleStream", answer, rows, seconds, single_stream_expected_latency_ns=p50 * 600)
    return {"scenario": "single stream", **_percentiles(text), "valid": _valid(text)}


def _offline(answer: AnswerRows, rows: int, p50: float, seconds: float) -> dict[str, Any]:
    text = _run("Offline", answer, rows, seconds, offline_expected_qps=2e6 / p50)
    rate = _number(text, "Samples per second")
    queries = int(_number(text, "samples_per_query"))
    return {"scenario": "offline", "rate": rate, "queries": queries, "valid": _valid(text)}


def _server(answer: AnswerRows, rows: int, p50: float, seconds: float) -> dict[str, Any]:
    """The largest rate that held; where none did, the lowest that was tried, as not valid."""
    most = 1e6 / p50
    low, high = 0.0, most * HIGH
    best: dict[str, Any] = {}
    rate = high
    for _ in range(SEARCH_STEPS):
        bound = SERVER_BOUND_MICROS
        text = _run(
            "Server", answer, rows, max(seconds, 0.5), server_target_qps=rate,
            server_target_latency_ns=bound * 1e3, server_target_latency_percentile=0.99,
        )  # fmt: skip
        tried = {
            "scenario": "server", "rate": rate, "bound": bound, **_percentiles(text),
            "valid": _valid(text),
        }  # fmt: skip
        if tried["valid"]:
            best, low = tried, rate
        else:
            best, high = best or tried, rate
        if low == 0.0 and not best["valid"]:
            best = tried
        rate = (low + high) / 2 if low else rate * LOW
        if low and high / low < 1.05:
            break
    return best


def _run(scenario: str, answer: AnswerRows, rows: int, seconds: float, **settings: float) -> str:
    """One test; the generator's summary."""
    import mlperf_loadgen as generator

    wanted = generator.TestSettings()
    wanted.scenario = getattr(generator.TestScenario, scenario)
    wanted.mode = generator.TestMode.PerformanceOnly
    wanted.min_duration_ms = int(seconds * 1e3)
    wanted.max_duration_ms = int(seconds * 4e3)
    wanted.min_query_count = 1 if scenario == "Offline" else 64
    for name, value in settings.items():
        kept = type(getattr(wanted, name))
        setattr(wanted, name, kept(value))
    done, response = generator.QuerySamplesComplete, generator.QuerySampleResponse

    def issue(samples: list[Any]) -> None:
        answer([sample.index for sample in samples])
        done([response(sample.id, 0, 0) for sample in samples])

    def nothing(*given: Any) -> None:
        return None

    with tempfile.TemporaryDirectory() as folder:
        logs = generator.LogSettings()
        logs.log_output = generator.LogOutputSettings()
        logs.log_output.outdir = folder
        logs.log_output.copy_summary_to_stdout = False
        logs.enable_trace = False
        system = generator.ConstructSUT(issue, nothing)
        library = generator.ConstructQSL(rows, rows, nothing, nothing)
        generator.StartTestWithLogSettings(system, library, wanted, logs)
        generator.DestroyQSL(library)
        generator.DestroySUT(system)
        return (Path(folder) / "mlperf_log_summary.txt").read_text(encoding="utf-8")


def _percentiles(text: str) -> dict[str, Any]:
    """Microseconds, and how many queries there were."""
    found: dict[str, Any] = {name: _number(text, line) / 1e3 for name, line in _LINES.items()}
    counted = re.search(r"Processed at least \d+ queries \((\d+)\)", text)
    return found | {"queries": int(counted[1]) if counted else 0}


def _number(text: str, line: str) -> float:
    found = re.search(rf"^{re.escape(line)}\s*: ([\d.e+]+)", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"the load generator's summary has no {line!r}")
    return float(found[1])


def _valid(text: str) -> bool:
    return "Result is : VALID" in text
