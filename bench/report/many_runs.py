"""A folder of runs as one report: each cell over all runs that may stand beside one another.

Runs are the sample here: each has its own day, node and processes, so the interval holds what they
differ by. Runs of another type of machine, measured another way or with other bounds are other
tables; a row's task and data are part of what it is.
"""

from __future__ import annotations

from itertools import groupby
from math import exp, isfinite, sqrt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench import stats
from bench.records import many
from bench.records.metrics import SPEED
from bench.report.blocks import Block, Column, Document, Note, Section, Table, label
from bench.report.layouts import markdown, page

TITLE = "Many runs of deep-learning frameworks, on equal work"
READING = (
    "Training speed over runs: the geometric mean and its 95 % interval (Student's, of the "
    "logarithms, each run one value), the least and the most, and the standard deviation "
    "between runs. Tables never mix types of machine, ways of measuring, or other versions of a "
    "task or its data. All metrics stand in cells.parquet and cells.csv."
)


def write(folder: Path, out: Path) -> list[Path]:
    """index.html, report.md, cells.parquet and cells.csv of all runs of a folder; their paths."""
    table = many.read(folder)
    cells = many.over_runs(table)
    out.mkdir(parents=True, exist_ok=True)
    written = [out / name for name in ("index.html", "report.md", "cells.parquet", "cells.csv")]
    whole = document(table, cells)
    written[0].write_text(page.text(whole), encoding="utf-8")
    written[1].write_text(markdown.text(whole), encoding="utf-8")
    pq.write_table(cells, written[2])
    cells.to_pandas().to_csv(written[3], index=False)
    return written


def document(table: pa.Table, cells: pa.Table) -> Document:
    """What there is to say of them."""
    order = [(name, "ascending") for name in ("conditions", "task", "task_digest", "division")]
    speeds = cells.filter(pa.compute.equal(cells["metric"], SPEED))
    rows = speeds.sort_by([*order, ("log_mean", "descending")]).to_pylist()
    parts = [_where(table)]
    for number, (_, own) in enumerate(groupby(rows, key=lambda row: row["conditions"]), 1):
        parts.append(_conditions(number, list(own)))
    parts.append(_failed(many.failures(table).to_pylist()))
    count = len(list(many.names(table["run"])))
    lead = f"{count:,} runs, {len(table):,} rows, {len(parts) - 2} kinds of conditions."
    return Document(TITLE, f"{count:,} runs", "", lead, tuple(parts))


def _where(table: pa.Table) -> Section:
    """How many runs there are under which conditions."""
    keys = ["conditions", "cpu", "device", "precision", "threads"]
    counted = table.group_by(keys, use_threads=False).aggregate([("run", "count_distinct")])
    made = many.plain(counted)
    found = made.sort_by([("conditions", "ascending")]).to_pylist()
    rows = tuple(
        (str(number), row["cpu"], row["device"], row["precision"], str(row["threads"]),
         f"{row['run_count_distinct']:,}", row["conditions"])
        for number, row in enumerate(found, 1)
    )  # fmt: skip
    columns = (
        label("no."), label("cpu"), label("device"), label("precision"), Column("threads"),
        Column("runs"), label("conditions"),
    )  # fmt: skip
    return Section("conditions", "Where and how", (Table("Conditions", columns, rows),))


def _conditions(number: int, rows: list[dict[str, Any]]) -> Section:
    """A table a task."""
    columns = (
        label("implementation"), Column("runs"), Column("samples/s"), Column("95 % interval"),
        Column("least"), Column("most"), Column("between runs"),
    )  # fmt: skip
    blocks: list[Block] = []
    kinds = ("task", "task_digest", "division")
    for (task, digest, division), own in groupby(rows, key=lambda r: tuple(r[k] for k in kinds)):
        table = Table(f"{task} over runs, {division}", columns, tuple(map(_row, own)))
        key = f"c{number}-{task}-{digest[:8]}-{division}"
        blocks.append(Section(key, f"{task}, {division}", (table,)))
    blocks.append(Note(READING, small=True))
    first = rows[0]
    title = f"{first['cpu']}, {first['device']}, {first['precision']}, {first['threads']} threads"
    return Section(f"conditions-{number}", f"{number}. {title}", tuple(blocks))


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    value, low, high, spread = over(row["log_mean"], row["log_sd"], row["runs"])
    interval = f"{low:,.0f} to {high:,.0f}" if isfinite(low) else "1 run"
    between = f"{spread:.1%}" if isfinite(spread) else "–"
    return (row["implementation"], f"{row['runs']:,}", f"{value:,.0f}", interval,
            f"{row['least']:,.0f}", f"{row['most']:,.0f}", between)  # fmt: skip


def over(log_mean: float, log_sd: float | None, runs: int) -> tuple[float, float, float, float]:
    """Geometric mean, its 95 % interval and the relative standard deviation between runs; NaN
    where one run shows none."""
    if runs < 2 or log_sd is None:
        nan = float("nan")
        return exp(log_mean), nan, nan, nan
    margin = stats.quantile(0.975, runs - 1) * log_sd / sqrt(runs)
    return exp(log_mean), exp(log_mean - margin), exp(log_mean + margin), log_sd


def _failed(rows: list[dict[str, Any]]) -> Section:
    columns = (label("task"), label("implementation"), label("status"), Column("runs"))
    lines = tuple(
        (row["task"], row["implementation"], row["status"], f"{row['run_count']:,}") for row in rows
    )
    if not lines:
        return Section("failed", "What has no value", (Note("Nothing: every cell has values."),))
    return Section("failed", "What has no value", (Table("Without a value", columns, lines),))
