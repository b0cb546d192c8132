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


def test_a_launch_of_an_edited_task_is_refused(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", run_file(about()))
    made = record()
    made["launch"]["job"]["work"]["layers"][1]["units"] = 129
    run.add(made["launch"]["job"]["id"], made)
    with pytest.raises(UserError, match=r"launch\.job\.work "):
        Results.read(run)


def test_a_task_whose_digest_is_of_another_is_refused() -> None:
    raw = about()
    raw["tasks"]["fnn-mnist"]["definition"]["layers"][1]["units"] = 129
    with pytest.raises(UserError, match=r"tasks\.fnn-mnist: digest is of another definition"):
        run_file(raw)
