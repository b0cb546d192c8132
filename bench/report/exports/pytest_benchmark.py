"""pytest-benchmark's JSON, for ``pytest-benchmark compare``.

Its samples are the launches' medians in seconds, not the pooled rounds: rounds of one process are
not independent, and pytest-benchmark would take them for it.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from bench.records.results import CellResult, Results
from bench.report.exporting import PHASES, Options, cell_name, measured_cells

NAME = "pytest-benchmark"
SHOWS_FAILURES = False


def export(results: Results, options: Options) -> str:
    """An entry a cell and phase."""
    cells = measured_cells(results)
    first = cells[0].good[0]
    entries = [
        _entry(result, phase)
        for result in cells
        for phase in PHASES
        if any(len(launch.rounds(phase)) for launch in result.good)
    ]
    whole = {
        "machine_info": first.machine_info,
        "commit_info": first.commit_info,
        "version": first.version,
        "datetime": results.about.created,
    }
    return json.dumps({**whole, "benchmarks": entries}, indent=1)


def _entry(result: CellResult, phase: str) -> dict[str, Any]:
    rounds = [launch.rounds(phase) for launch in result.good]
    medians = [float(np.median(seconds)) for seconds in rounds if len(seconds)]
    task = result.cell.task
    param = cell_name(result.cell).split("/", 1)[1]
    name = f"{task} {phase}"
    return {
        "group": name,
        "name": f"{name}[{param}]",
        "fullname": f"{task}::{phase}[{param}]",
        "params": {"cell": param},
        "param": param,
        "extra_info": {"phase": phase, "sample": "median of one launch's rounds"},
        "options": {"disable_gc": True, "timer": "perf_counter", "warmup": False},
        "stats": statistics(np.array(medians)),
    }


def statistics(seconds: np.ndarray) -> dict[str, Any]:
    """What pytest-benchmark's readers look for, with its names and its meaning of outliers."""
    q1, middle, q3 = (float(q) for q in np.percentile(seconds, [25, 50, 75]))
    low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    centre = float(seconds.mean())
    spread = float(seconds.std(ddof=1)) if len(seconds) > 1 else 0.0
    far = int((abs(seconds - centre) > spread).sum())
    outside = int(((seconds < low) | (seconds > high)).sum())
    return {
        "min": float(seconds.min()),
        "max": float(seconds.max()),
        "mean": centre,
        "stddev": spread,
        "rounds": len(seconds),
        "median": middle,
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": outside,
        "stddev_outliers": far,
        "outliers": f"{far};{outside}",
        "ld15iqr": float(seconds[seconds >= low].min()),
        "hd15iqr": float(seconds[seconds <= high].max()),
        "ops": 1 / centre,
        "total": float(seconds.sum()),
        "data": seconds.tolist(),
        "iterations": 1,
    }
