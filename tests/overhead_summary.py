"""The last step of ``nox -s overhead``: one row an implementation, the verdict on the last line.

``python -m tests.overhead_summary FOLDER`` reads FOLDER/*.json as written by tests.overhead. A
task that an adapter refuses has a row saying so and does not fail; a measurement that broke does.
"""

from __future__ import annotations

import json
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


def main(folder: Path) -> int:
    """Print the ratios; 1 when one is under the bound, broke, or nothing was measured."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    faults: list[str] = []
    for row in found:
        print(line(row, faults))
    measured = sum("train_ratio" in row for row in found)
    print(f"overhead: {RULE}")
    if faults:
        print(f"overhead: FAILED (bound {BOUND}): {'; '.join(faults)}")
    elif not measured:
        print("overhead: nothing was measured")
    else:
        print(f"overhead: all {measured} pairs of implementation and task at or above {BOUND}")
    return 1 if faults or not measured else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
