"""A run as a tidy pandas table: one row a cell and metric."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from bench.records.metrics import ALL_METRICS
from bench.records.results import CellResult, Results
from bench.records.store import Run

COLUMNS = (
    "task", "implementation", "framework", "mode", "division", "device", "precision", "threads",
    "label", "dataset", "metric", "unit", "better", "value", "low", "high", "launches", "status",
    "reason", "certificate",
)  # fmt: skip


def load_run(path: str | Path) -> pd.DataFrame:
    """A run directory as a tidy DataFrame, columns `COLUMNS` (see results/README.md).

    One row a cell and metric; a cell without measurements has one row with an empty metric and
    its status and reason. value, low, high: over launches, 95 % interval, in `unit`.
    A folder of runs gives the rows of all, with `bench.records.many.RUN_COLUMNS` before them.
    Raises `UserError` for a directory that is no readable run and holds none.
    """
    if not (Path(path) / "run.json").exists() and any(Path(path).rglob("run.json")):
        from bench.records import many  # Arrow, which a single run does not need

        return many.frame(Path(path))
    return tidy(Results.read(Run.open(Path(path))))


def tidy(results: Results) -> pd.DataFrame:
    """`load_run` on what is already in memory."""
    rows = [row for result in results.cells for row in _rows(results, result)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(results: Results, result: CellResult) -> list[dict[str, Any]]:
    cell = result.cell
    data = results.about.datasets.get(cell.task)
    common = {
        **asdict(cell),
        "framework": cell.framework,
        "mode": cell.mode,
        "division": result.division,
        "dataset": data.id if data else "",
        "status": result.status,
        "reason": result.reason,
        "certificate": result.proof,
    }
    rows = []
    for m in ALL_METRICS:
        if (e := result.estimates.get(m.name)) is not None:
            facts = {"metric": m.name, "unit": m.unit, "better": results.better(m, cell.task)}
            numbers = {"value": e.value, "low": e.low, "high": e.high, "launches": e.n}
            rows.append({**common, **facts, **numbers})
    return rows or [{**common, "metric": "", "unit": "", "better": "", "launches": 0}]
