"""Every trial of a run's searches as a table."""

from __future__ import annotations

import pandas as pd

from bench.records import searches
from bench.records.results import Results
from bench.records.searches import PHASES
from bench.report.sections.searches import NAMES, ran

COLUMNS = (
    "task", "implementation", "trial", "units", "learning_rate", "weights", "status", "reason",
    "validation_accuracy", "best_so_far", "seconds", *PHASES, "rss_bytes", "start",
)  # fmt: skip


def frame(results: Results) -> pd.DataFrame:
    """One row a trial of every search, columns `COLUMNS`; seconds and bytes as in the records."""
    rows = []
    for name in NAMES:
        for implementation, (_, search) in ran(results, name).items():
            curve = searches.curve(search)
            for trial, so_far in zip(search.trials, curve, strict=True):
                facts = {"task": name, "implementation": implementation, "best_so_far": so_far}
                measured = trial.model_dump()
                rows.append(facts | measured | measured["phases"] | {"trial": trial.index})
    return pd.DataFrame(rows, columns=list(COLUMNS))
