"""A run as read: whose launches it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.records.results import Results
from bench.records.store import Run
from tasks.errors import UserError
from tests.support.records import about, record, run_file


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task", ""),
        ("task", "lstm-imdb"),
        ("implementation", "keras:fit"),
        ("device", "cuda"),
        ("precision", "bf16"),
        ("threads", 16),
    ],
)
def test_a_launch_that_the_run_never_asked_for_is_refused(
    tmp_path: Path, field: str, value: object
) -> None:
    run = Run.create(tmp_path / "run", run_file(about()))
    made = record()
    run.add(made["launch"]["job"]["id"], made)
    assert Results.read(run).measured
    made["launch"]["job"]["cell"][field] = value
    run.add(made["launch"]["job"]["id"], made)
    with pytest.raises(UserError, match=rf"no launch of this run: launch\.job\.cell\.{field} "):
        Results.read(run)
