"""The last step of ``nox -s overhead``: one row an implementation, the verdict on the last line.

``python -m tests.overhead_summary FOLDER [OUT]`` reads FOLDER/*.json as written by tests.overhead.
A task that an adapter refuses has a row saying so and does not fail; a measurement that broke does.
With OUT the ratios are also written to OUT/overhead.csv and, as a table, OUT/overhead.md.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

BOUND = 0.97
RESAMPLES = 10_000
RULE = (
    f"a median under {BOUND} whose interval reaches it is measured once more with more pairs; "
    "both readings are pooled, neither is picked"
)


def ratio(name: str, seconds: dict[str, list[float]]) -> dict[str, float]:
    """Median over pairs of bare / suite, and the 95 % bootstrap interval of that median."""
    pairs = np.divide(seconds[f"bare_{name}_seconds"], seconds[f"suite_{name}_seconds"])
    rng = np.random.default_rng(0)
    medians = np.median(pairs[rng.integers(0, len(pairs), (RESAMPLES, len(pairs)))], axis=1)
    low, high = np.percentile(medians, [2.5, 97.5])
    values = {"ratio": np.median(pairs), "low": low, "high": high}
    return {f"{name}_{key}": float(value) for key, value in values.items()}


def line(row: dict[str, Any], faults: list[str]) -> str:
    """What one implementation did on one task; what fails the session goes to `faults`."""
    name = f"{row['framework']}:{row['mode']} {row['task']}"
    if "unsupported" in row:
        return f"{name:32} unsupported: {row['unsupported']}"
    if "failed" in row:
        faults.append(f"{name} failed")
        return f"{name:32} failed: {row['failed']}"
    parts = []
    for kind in ("train", "infer"):
        ratio = row[f"{kind}_ratio"]
        interval = f"{row[f'{kind}_low']:.3f} to {row[f'{kind}_high']:.3f}"
        first = row.get(f"{kind}_first_ratio")
        pooled = "" if first is None else f", pooled with a first reading of {first:.3f}"
        parts.append(f"{kind} {ratio:.3f} ({interval}{pooled})")
        if not ratio >= BOUND:
            faults.append(f"{name} {kind} {ratio:.3f}")
    return f"{name:32} bare / suite time: {', '.join(parts)}"


def flat(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a ratio, in words and numbers for a file."""
    rows = []
    for row, kind in ((row, kind) for row in found for kind in ("train", "infer")):
        about = {"implementation": f"{row['framework']}:{row['mode']}", "task": row["task"]}
        numbers = {
            key: format(row[f"{kind}_{key}"], ".3f") if f"{kind}_{key}" in row else ""
            for key in ("ratio", "low", "high", "first_ratio")
        }
        pairs = len(row.get(f"suite_{kind}_seconds", ()))
        reason = row.get("unsupported") or row.get("failed") or ""
        rows.append(about | {"kind": kind} | numbers | {"pairs": pairs, "reason": reason})
    return rows


def write(rows: list[dict[str, Any]], verdict: str, out: Path) -> None:
    """overhead.csv, and overhead.md with the rule, the verdict and the machine."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / "overhead.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    lines = [
        "# What the suite costs", "",
        "Time of a bare hand-written loop (tests/bare) over the suite's, median over interleaved "
        "pairs and its 95 % bootstrap interval: 1 when the suite costs nothing.", "",
        "| implementation | task | train | infer |", "|---|---|---|---|",
    ]  # fmt: skip
    for train, infer in zip(rows[::2], rows[1::2], strict=True):
        cells = (train["reason"], "") if train["reason"] else map(_cell, (train, infer))
        lines.append("| " + " | ".join((train["implementation"], train["task"], *cells)) + " |")
    cores = f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}"
    lines += ["", f"- rule: {RULE}", f"- verdict: {verdict}", f"- machine: {cores}"]
    (out / "overhead.md").write_text("\n".join(lines) + "\n")


def _cell(row: dict[str, Any]) -> str:
    first = f", first reading {row['first_ratio']}" if row["first_ratio"] else ""
    return f"{row['ratio']} ({row['low']} to {row['high']}{first})"


def main(folder: Path, out: Path | None = None) -> int:
    """Print the ratios; 1 when one is under the bound, broke, or nothing was measured."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    faults: list[str] = []
    for row in found:
        print(line(row, faults))
    measured = sum("train_ratio" in row for row in found)
    print(f"overhead: {RULE}")
    if faults:
        verdict = f"FAILED (bound {BOUND}): {'; '.join(faults)}"
    elif not measured:
        verdict = "nothing was measured"
    else:
        verdict = f"all {measured} pairs of implementation and task at or above {BOUND}"
    print(f"overhead: {verdict}")
    if out and found:
        write(flat(found), verdict, out)
    return 1 if faults or not measured else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:3])))
