"""From a run's records to a tidy pandas table: one row a cell and metric."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bench import stats
from bench.records.metrics import ALL_METRICS, Metric, better_in
from bench.records.record import Cell, Record, job_of
from bench.records.store import Run
from bench.stats import Estimate

COLUMNS = (
    "task", "implementation", "framework", "mode", "device", "precision", "threads", "label",
    "dataset", "metric", "unit", "better", "value", "low", "high", "launches", "status", "reason",
    "certificate",
)  # fmt: skip


def load_run(path: str | Path) -> pd.DataFrame:
    """A run directory as a tidy DataFrame, columns `COLUMNS` (see results/README.md).

    One row a cell and metric; a cell without measurements has one row with an empty metric and
    its status and reason. value, low, high: over launches, 95 % interval, in `unit`.
    Raises `UserError` for a directory that is no readable run.
    """
    run = Run.open(Path(path))
    return tidy(run.about(), list(run.records().values()))


def by_cell(records: list[Record]) -> dict[Cell, list[Record]]:
    """Records grouped by cell, blocks in order; certificates stand under their own cell."""
    groups: dict[Cell, list[Record]] = defaultdict(list)
    for record in records:
        groups[job_of(record).cell].append(record)
    for group in groups.values():
        group.sort(key=lambda r: (job_of(r).kind, job_of(r).block))
    return dict(groups)


def tidy(about: dict[str, Any], records: list[Record]) -> pd.DataFrame:
    """`load_run` on what is already in memory."""
    rows: list[dict[str, Any]] = []
    groups = by_cell(records)
    datasets = about.get("datasets", {})
    for cell, group in groups.items():
        status, reason = cell_status(group)
        framework, mode = cell.implementation.split(":")
        common = {
            **asdict(cell),
            "framework": framework,
            "mode": mode,
            "dataset": datasets.get(cell.task, {}).get("id", ""),
            "status": status,
            "reason": reason,
            "certificate": certificate_word(groups, cell),
        }
        measured = estimates(group)
        for m in ALL_METRICS:
            if m.name in measured:
                e = measured[m.name]
                facts = {"metric": m.name, "unit": m.unit, "better": better_in(m, cell.task)}
                numbers = {"value": e.value, "low": e.low, "high": e.high, "launches": e.n}
                rows.append({**common, **facts, **numbers})
        if not measured:
            rows.append({**common, "metric": "", "unit": "", "better": "", "launches": 0})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def estimates(group: list[Record]) -> dict[str, Estimate]:
    """Metric name → estimate over the cell's good launches.

    A metric that any of them lacks is absent: the mean time of those runs that reached a target
    would flatter a contender that often does not.
    """
    counted = good(group)
    found = {m.name: _estimate(m, counted) for m in ALL_METRICS}
    return {name: e for name, e in found.items() if e is not None}


def estimate(m: Metric, group: list[Record]) -> Estimate | None:
    """One metric of `estimates`."""
    return _estimate(m, good(group))


def _estimate(m: Metric, counted: list[Record]) -> Estimate | None:
    got = list(values(m, counted).values())
    if not got or len(got) != len(counted):
        return None
    positive = m.positive and min(got) > 0
    return stats.positive_mean(got) if positive else stats.mean(got)


def ended_well(group: list[Record]) -> list[Record]:
    """The measuring launches that ended well, also those that were measured anew."""
    return [
        record
        for record in group
        if record["launch"]["job"]["kind"] != "certify" and record["launch"]["status"] == "ok"
    ]


def good(group: list[Record]) -> list[Record]:
    """The launches that count: those that ended well, of each cell and block the last measured.

    Reads the job as it is written, because this is asked for every cell and metric.
    """
    last: dict[tuple[Any, ...], Record] = {}
    for record in ended_well(group):
        job = record["launch"]["job"]
        place = (*job["cell"].values(), job["block"])
        if place not in last or _repeat(record) >= _repeat(last[place]):
            last[place] = record
    counted = {id(record) for record in last.values()}
    return [record for record in group if id(record) in counted]


def _repeat(record: Record) -> int:
    return int(record["launch"]["job"].get("repeat", 0))


def cell_status(group: list[Record]) -> tuple[str, str]:
    """A cell's status: the first launch that did not end well says it, with how many there were."""
    bad = [r["launch"] for r in group if r["launch"]["status"] != "ok"]
    if not bad:
        return "ok", ""
    measured = sum(job_of(r).kind == "measure" for r in group)
    count = f" ({len(bad)} of {measured} launches)" if measured else ""
    return bad[0]["status"], bad[0]["reason"] + count


def missing_word(group: list[Record]) -> str:
    """Why a cell has no value: its status, or that its launches are still to come."""
    status = cell_status(group)[0]
    return "pending" if status == "ok" else status


def command_for(cell: Cell, about: dict[str, Any]) -> str:
    """The command that repeats one cell."""
    return (
        f"bench run --profile {about['request']['profile']} --tasks '{cell.task}' "
        f"--implementations '{cell.implementation}' --device {cell.device} "
        f"--threads {cell.threads}"
    )


def certificate_word(groups: dict[Cell, list[Record]], cell: Cell) -> str:
    """ "passed", "refused", or "" where no certificate was made; an A/A copy shares its twin's."""
    for record in groups.get(replace(cell, label=""), []):
        certificate = record["launch"].get("certificate")
        if certificate:
            return "passed" if certificate["passed"] else "refused"
    return ""


def values(metric: Metric, group: list[Record]) -> dict[int, float]:
    """Block → the metric's value, of the launches that have one."""
    found = {r["launch"]["job"]["block"]: metric.read(r) for r in group}
    return {block: value for block, value in found.items() if value is not None}
