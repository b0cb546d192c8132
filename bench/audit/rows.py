"""How long a million rows take: `load_run` and `bench report` over many runs, each in a process of
its own. ``python -m bench.audit.rows [--runs 1000] [--cells 1000] [--out FOLDER]``.

The runs are made up (every task of the catalogue, contenders with invented names, one metric a
cell and seeded values), written as published ones are: run.json and table.parquet. Making them is
not measured. Exit status 1 over 30 s or 2 GiB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.machine import readings
from bench.plan.request import PROFILES
from bench.records.metrics import SPEED
from bench.records.record import MEASUREMENT, SCHEMA, Request
from bench.records.store import write_json
from bench.records.tidy import COLUMNS
from tasks.catalogue.every import TASKS
from tasks.spec.form import definition, digest

SECONDS, BYTES = 30.0, 2 * 2**30
MACHINES = ("a CPU of one kind", "a CPU of another kind")
CHILD = """
import json, resource, sys, time
started, used = time.perf_counter(), time.process_time()
folder, out = sys.argv[2:]
if sys.argv[1] == "load_run":
    from bench import load_run
    rows = len(load_run(folder))
else:
    from bench.cli.main import main
    try:
        main(["report", folder, "--out", out])
    except SystemExit as end:
        if end.code:
            raise
    rows = None
peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - used}
print(json.dumps(found | {"bytes": peak, "rows": rows}))
"""


def make(folder: Path, runs: int, cells: int) -> int:
    """Write the runs; returns the bytes on disk."""
    contenders = [f"framework{k}:mode" for k in range(-(-cells // len(TASKS)))]
    keys = [(task.name, name) for task in TASKS for name in contenders][:cells]
    base = _table(keys)
    about = _about([task.name for task in TASKS], contenders)
    total = 0
    for number in range(runs):
        path = folder / f"run-{number:05d}"
        path.mkdir(parents=True)
        rng = np.random.default_rng(number)
        value = base["value"] * np.exp(rng.normal(0, 0.05, len(base)))
        table = base.assign(value=value, low=value * 0.98, high=value * 1.02)
        table.to_parquet(path / "table.parquet", index=False)
        cpu = MACHINES[number % len(MACHINES)]
        write_json(path / "run.json", about | {"machine": about["machine"] | {"cpu": cpu}})
        total += sum(file.stat().st_size for file in path.iterdir())
    return total


def _table(keys: list[tuple[str, str]]) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {
            "task": task, "implementation": name, "framework": name.split(":")[0], "mode": "mode",
            "division": "tuned", "device": "cpu", "precision": "fp32", "threads": 2, "label": "",
            "dataset": "made-up", "metric": SPEED, "unit": "samples/s", "better": "higher",
            "value": float(speed), "low": 0.0, "high": 0.0, "launches": 5, "status": "ok",
            "reason": "", "certificate": "passed",
        }
        for (task, name), speed in zip(keys, np.exp(rng.normal(9, 1, len(keys))), strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _about(tasks: list[str], names: list[str]) -> dict[str, Any]:
    request = Request("full", tuple(tasks), tuple(names), threads=2, launches=5)
    data = {
        "id": "made-up", "family": "made-up", "folder": "made-up", "sha256": "0" * 64,
        "source": "made up", "licence": "none", "rows": [1, 1], "embedded": True, "note": "",
        "size_bytes": 1, "metric": "accuracy", "target": None,
    }  # fmt: skip
    return {
        "schema": SCHEMA, "created": "2026-11-20T12:00:00+00:00", "command": "bench run",
        "suite": {"version": "1", "revision": "made-up", "measurement": MEASUREMENT},
        "request": asdict(request), "budget": asdict(PROFILES["full"].budget),
        "machine": readings.machine(), "datasets": dict.fromkeys(tasks, data),
        "tasks": {t.name: {"digest": digest(t), "definition": definition(t)} for t in TASKS},
    }  # fmt: skip


def measure(what: str, folder: Path, out: Path) -> dict[str, Any]:
    """One of the two in a process of its own."""
    words = [sys.executable, "-c", CHILD, what, str(folder), str(out)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def table(found: dict[str, Any]) -> str:
    """The figures as a page."""
    lines = [
        "# Many rows", "",
        f"{found['runs']:,} runs of {found['cells']:,} cells, {found['rows']:,} rows, "
        f"{found['disk_bytes'] / 2**20:,.0f} MiB on disk; {found['cpu']}, {found['cores']} cores. "
        f"Bounds: {SECONDS:.0f} s and {BYTES / 2**30:.0f} GiB.",
        "", "| | seconds | CPU seconds | memory at most, MiB |", "|---|---|---|---|",
    ]  # fmt: skip
    for what in ("load_run", "report"):
        one = found[what]
        lines.append(
            f"| `{'load_run(FOLDER)' if what == 'load_run' else 'bench report FOLDER'}` "
            f"| {one['seconds']:.1f} | {one['cpu_seconds']:.1f} | {one['bytes'] / 2**20:,.0f} |"
        )
    return "\n".join(
        [
            *lines,
            "",
            f"Made by `nox -s rows -- --runs {found['runs']} --cells {found['cells']}`.",
            "",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("results/rows"))
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-rows-") as place:
        folder = Path(place) / "runs"
        size = make(folder, words.runs, words.cells)
        found: dict[str, Any] = {"runs": words.runs, "cells": words.cells, "disk_bytes": size}
        for what in ("load_run", "report"):
            found[what] = measure(what, folder, Path(place) / "report")
    machine = readings.machine()
    found |= {"rows": found["load_run"]["rows"], "cpu": machine["cpu"], "cores": machine["cores"]}
    words.out.mkdir(parents=True, exist_ok=True)
    write_json(words.out / "rows.json", found, indent=1)
    (words.out / "rows.md").write_text(table(found), encoding="utf-8")
    print(table(found))
    over = [
        what
        for what in ("load_run", "report")
        if found[what]["seconds"] > SECONDS or found[what]["bytes"] > BYTES
    ]
    if over or found["rows"] != words.runs * words.cells:
        print(f"over the bound: {over}; {found['rows']} rows", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
