"""Many runs as one table: each run's table.parquet, put together by Arrow.

Launch records are read once, when a run is published; what is asked of a thousand runs is answered
from their tables, a few bytes a row. A run whose records are newer than its table, or that has no
table, is read from its records.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.records.fingerprint import OF_A_TASK, fingerprint
from bench.records.results import Results
from bench.records.schema import RunFile
from bench.records.store import Run
from bench.records.tidy import COLUMNS, tidy
from tasks.errors import UserError

TABLE = "table.parquet"
READERS = 2
WORDS = pa.dictionary(pa.int32(), pa.string())
RUN_COLUMNS = ("run", "conditions", "cpu", "revision", "task_digest")
"""Before those of `tidy`: the run's folder, what must be equal before its rows may stand beside
another's (as a digest), the machine's CPU, the suite's revision, the digest of the row's task."""
NUMBERS = {"threads": pa.int64(), "launches": pa.int64()} | dict.fromkeys(
    ("value", "low", "high"), pa.float64()
)
SCHEMA = pa.schema([(name, NUMBERS.get(name, WORDS)) for name in (*RUN_COLUMNS, *COLUMNS)])


def runs_under(folder: Path) -> list[Path]:
    """The run directories in a folder and in its folders, in order."""
    return sorted(path.parent for path in folder.rglob("run.json"))


def read(folder: Path) -> pa.Table:
    """All rows of all runs of a folder, columns `SCHEMA`; `UserError` where there is no run, or
    where one cannot be read."""
    runs = runs_under(folder)
    if not runs:
        raise UserError(f"{folder} holds no run; name a run, or a folder that holds some")
    with ThreadPoolExecutor(READERS) as pool:
        tables = list(pool.map(lambda run: _of_run(run, folder), runs))
    return pa.concat_tables(tables).unify_dictionaries()


def frame(folder: Path) -> pd.DataFrame:
    """`read` as pandas, words as categories."""
    return read(folder).to_pandas()


def conditions(about: RunFile) -> str:
    """A digest of what must be equal before rows of two runs may stand side by side, but for their
    tasks and data, which each row has for itself."""
    facts = {k: v for k, v in fingerprint(about).items() if not k.startswith(OF_A_TASK)}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def _of_run(path: Path, folder: Path) -> pa.Table:
    run = Run(path)
    about = run.about()
    if about.request.shards > 1:
        raise UserError(f"{path} is a shard of a run; `bench merge` makes a run of all its shards")
    table = _table(run)
    count = len(table)
    name = path.relative_to(folder).as_posix()
    tasks = table.column("task").to_pylist()
    of_run = [
        *(_constant(word, count) for word in
          (name, conditions(about), about.machine.cpu, about.suite.revision)),
        pa.array([_digest(about, task) for task in tasks], pa.string()).cast(WORDS),
    ]  # fmt: skip
    columns = [table.column(column).cast(SCHEMA.field(column).type) for column in COLUMNS]
    return pa.table([*of_run, *columns], schema=SCHEMA)


def _digest(about: RunFile, task: str) -> str:
    """Of a row's task and of the rows that it was measured on."""
    data = about.datasets.get(task)
    return f"{about.digest(task)} {data.sha256[:12] if data else ''}"


def _constant(word: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array([word]))


def _table(run: Run) -> pa.Table:
    """The table as it was published; made of the records where that is missing or older."""
    place = run.path / TABLE
    try:
        newest = run.launches.stat().st_mtime_ns if run.launches.exists() else 0
        if place.exists() and place.stat().st_mtime_ns >= newest:
            return _checked(place, pq.read_table(place))
    except (OSError, pa.ArrowException) as error:
        line = " ".join(str(error).split())[:160]
        raise UserError(f"{place} cannot be read as a table: {line}") from None
    made = pa.Table.from_pandas(tidy(Results.read(run)), preserve_index=False)
    return _checked(run.path, made)


def _checked(place: Path, table: pa.Table) -> pa.Table:
    if lacking := [name for name in COLUMNS if name not in table.column_names]:
        raise UserError(f"{place} lacks the column {lacking[0]}; make it anew by `bench report`")
    return table


GROUP = ("conditions", "cpu", "device", "precision", "threads", "task", "task_digest",
         "implementation", "division", "metric", "unit", "better")  # fmt: skip


def over_runs(table: pa.Table) -> pa.Table:
    """A row for each cell and metric under the same conditions, over all its runs: `GROUP`, runs,
    median, least, most, log_mean and log_sd (of positive values; else null). A/A copies and rows
    without a value are left out. Conditions are never pooled."""
    counted = pc.and_(
        pc.equal(pc.cast(table["label"], pa.string()), ""), pc.is_valid(table["value"])
    )
    kept = table.filter(counted).select([*GROUP, "value"])
    positive = pc.if_else(pc.greater(kept["value"], 0), kept["value"], None)
    kept = kept.append_column("log", pc.ln(positive))
    wanted = [
        ("value", "count"), ("value", "approximate_median"), ("value", "min"), ("value", "max"),
        ("log", "mean"), ("log", "stddev", pc.VarianceOptions(ddof=1)),
    ]  # fmt: skip
    made = kept.group_by(list(GROUP), use_threads=False).aggregate(wanted)
    names = {
        "value_count": "runs", "value_approximate_median": "median", "value_min": "least",
        "value_max": "most", "log_mean": "log_mean", "log_stddev": "log_sd",
    }  # fmt: skip
    return plain(made.rename_columns([names.get(name, name) for name in made.column_names]))


def failures(table: pa.Table) -> pa.Table:
    """How many rows without a value there are of each task, implementation and status."""
    lost = table.filter(pc.is_null(table["value"]))
    keys = ["conditions", "task", "implementation", "status"]
    return plain(lost.group_by(keys, use_threads=False).aggregate([("run", "count")]))


def plain(table: pa.Table) -> pa.Table:
    """With words as words: Arrow sorts no dictionary."""
    worded = [
        pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type)
        for f in table.schema
    ]
    return table.cast(pa.schema(worded))


def names(values: pa.ChunkedArray) -> Iterable[str]:
    """The different words of a column."""
    return sorted(set(pc.unique(values).to_pylist()))
