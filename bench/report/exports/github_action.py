"""github-action-benchmark's custom JSON of all metrics of one direction.

`higher` goes with its tool customBiggerIsBetter, `lower` with customSmallerIsBetter.
"""

from __future__ import annotations

import json

from bench.records.metrics import METRICS
from bench.records.results import Results
from bench.report.exporting import Options, cell_name, measured_cells

NAME = "github-action"
SHOWS_FAILURES = False


def export(results: Results, options: Options) -> str:
    """A row a cell and metric."""
    rows = []
    for result in measured_cells(results):
        for m in METRICS:
            e = result.estimates.get(m.name)
            if e is not None and results.better(m, result.cell.task) == options.better:
                name = f"{cell_name(result.cell)} {m.name}"
                row = {"name": name, "unit": m.unit, "value": e.value}
                if e.n > 1:
                    row["range"] = f"{e.low:.6g} to {e.high:.6g}"
                rows.append({**row, "extra": f"{m.meaning}; {e.n} launches"})
    return json.dumps(rows, indent=1)
