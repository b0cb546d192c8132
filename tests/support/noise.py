"""The published run whose noise tests refer to."""

from __future__ import annotations

from pathlib import Path

RECORDED = Path(__file__).parents[2] / "results" / "cpu-quick"
