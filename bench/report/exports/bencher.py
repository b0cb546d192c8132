"""Bencher Metric Format (https://bencher.dev/docs/reference/bencher-metric-format)."""

from __future__ import annotations

import json
import math

from bench.records.results import Results
from bench.report.exporting import Options, cell_name, measured_cells

NAME = "bencher"
SHOWS_FAILURES = False


def export(results: Results, options: Options) -> str:
    """Benchmark → measure → value with its 95 % interval."""
    made: dict[str, dict[str, dict[str, float]]] = {}
    for result in measured_cells(results):
        measures = made[cell_name(result.cell)] = {}
        for name, e in result.estimates.items():
            values = {"value": e.value, "lower_value": e.low, "upper_value": e.high}
            known = {key: value for key, value in values.items() if not math.isnan(value)}
            measures[name.replace("_", "-")] = known
    return json.dumps(made, indent=1)
