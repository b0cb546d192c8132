"""The last step of ``nox -s overhead``: one row an implementation, the verdict on the last line.

``python -m bench.audit.overhead_summary FOLDER [OUT]`` reads FOLDER/*.json as written by
bench.audit.overhead, one a launch; of several launches of one cell the median counts, shown with
the least and the most. A task that an adapter refuses has a row saying so and does not fail; a
measurement that broke does. With OUT the ratios are also written to OUT/overhead.csv and, as a
table, OUT/overhead.md.
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

KINDS = ("train", "infer")
BOUND = 0.97
RESAMPLES = 10_000
LAUNCHES = 5
RULE = (
    f"a cell with a ratio under {BOUND} is measured in {LAUNCHES} launches (fresh processes) in "
    "all; the median over them counts, shown with the least and the most of them"
)


def ratio(name: str, seconds: dict[str, list[float]]) -> dict[str, float]:
    """Median over pairs of bare / suite, and the 95 % bootstrap interval of that median."""
    pairs = np.divide(seconds[f"bare_{name}_seconds"], seconds[f"suite_{name}_seconds"])
    rng = np.random.default_rng(0)
    medians = np.median(pairs[rng.integers(0, len(pairs), (RESAMPLES, len(pairs)))], axis=1)
    low, high = np.percentile(medians, [2.5, 97.5])
    values = {"ratio": np.median(pairs), "low": low, "high": high}
    return {f"{name}_{key}": float(value) for key, value in values.items()}


def cells(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row an implementation and task, of all its launches; one that broke breaks the row."""
    grouped: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for answer in answers:
        key = answer["framework"], answer["mode"], answer["task"]
        grouped.setdefault(key, []).append(answer)
    return [_judged(launches) for launches in grouped.values()]


def _judged(launches: list[dict[str, Any]]) -> dict[str, Any]:
    told = [one for one in launches if "train_ratio" not in one]
    if told or len(launches) == 1:
        return {**(told or launches)[0], "launches": len(launches)}
    row: dict[str, Any] = {**launches[0], "launches": len(launches)}
    for kind in KINDS:
        values = [one[f"{kind}_ratio"] for one in launches]
        row |= {f"{kind}_ratio": float(np.median(values))}
        row |= {f"{kind}_low": min(values), f"{kind}_high": max(values)}
        row[f"suite_{kind}_seconds"] = [s for one in launches for s in one[f"suite_{kind}_seconds"]]
    return row


def line(row: dict[str, Any], faults: list[str]) -> str:
    """What one implementation did on one task; what fails the session goes to `faults`."""
    name = f"{row['framework']}:{row['mode']} {row['task']}"
    if "unsupported" in row:
        return f"{name:32} unsupported: {row['unsupported']}"
    if "failed" in row:
        faults.append(f"{name} failed")
        return f"{name:32} failed: {row['failed']}"
    for kind in KINDS:
        if not row[f"{kind}_ratio"] >= BOUND:
            faults.append(f"{name} {kind} {row[f'{kind}_ratio']:.3f}")
    train, infer = flat([row])
    return f"{name:32} bare / suite time: train {_cell(train)}, infer {_cell(infer)}"


def flat(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a ratio, in words and numbers for a file."""
    rows = []
    for row, kind in ((row, kind) for row in found for kind in KINDS):
        about = {"implementation": f"{row['framework']}:{row['mode']}", "task": row["task"]}
        numbers = {
            key: format(row[f"{kind}_{key}"], ".3f") if f"{kind}_{key}" in row else ""
            for key in ("ratio", "low", "high")
        }
        pairs = len(row.get(f"suite_{kind}_seconds", ()))
        reason = row.get("unsupported") or row.get("failed") or ""
        counts = {"pairs": pairs, "launches": row["launches"]}
        rows.append(about | {"kind": kind} | numbers | counts | {"reason": reason})
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
        "pairs of one launch and its 95 % bootstrap interval: 1 when the suite costs nothing.", "",
        "| implementation | task | train | infer |", "|---|---|---|---|",
    ]  # fmt: skip
    for train, infer in zip(rows[::2], rows[1::2], strict=True):
        cells = (train["reason"], "") if train["reason"] else map(_cell, (train, infer))
        lines.append("| " + " | ".join((train["implementation"], train["task"], *cells)) + " |")
    cores = f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}"
    lines += ["", f"- rule: {RULE}", f"- verdict: {verdict}", f"- machine: {cores}"]
    (out / "overhead.md").write_text("\n".join(lines) + "\n")


def _cell(row: dict[str, Any]) -> str:
    several = f", {row['launches']} launches" if row["launches"] > 1 else ""
    return f"{row['ratio']} ({row['low']} to {row['high']}{several})"


def main(folder: Path, out: Path | None = None) -> int:
    """Print the ratios; 1 when one is under the bound, broke, or nothing was measured."""
    found = cells([json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))])
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
