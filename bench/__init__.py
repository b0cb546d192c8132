"""The runner: plan, launch, record, judge, report.

``from bench import load_run`` gives a run as a tidy pandas DataFrame. pandas is imported on
first use only, because workers import this package in environments without it.
"""

from __future__ import annotations

from typing import Any

__all__ = ["load_run"]


def __getattr__(name: str) -> Any:
    if name == "load_run":
        from bench.records.tidy import load_run

        return load_run
    raise AttributeError(f"module 'bench' has no attribute {name!r}")
