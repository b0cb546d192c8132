"""The last step of ``nox -s overhead``: one row an implementation, the verdict on the last line.

``python -m tests.overhead_summary FOLDER`` reads FOLDER/*.json as written by tests.overhead.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

BOUND = 0.97


def main(folder: Path) -> int:
    """Print the ratios; 1 when one is under the bound or nothing was measured."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    low = []
    for row in found:
        name = f"{row['framework']}:{row['mode']} {row['task']}"
        parts = []
        for kind in ("train", "infer"):
            ratio = row[f"{kind}_ratio"]
            interval = f"{row[f'{kind}_low']:.3f} to {row[f'{kind}_high']:.3f}"
            parts.append(f"{kind} {ratio:.3f} ({interval})")
            if not ratio >= BOUND:
                low.append(f"{name} {kind} {ratio:.3f}")
        print(f"{name:32} bare / suite time: {', '.join(parts)}")
    if not found:
        print("overhead: nothing was measured")
    elif low:
        print(f"overhead: FAILED, under {BOUND}: {'; '.join(low)}")
    else:
        print(f"overhead: all {len(found)} pairs of implementation and task at or above {BOUND}")
    return 1 if low or not found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
