"""Run directories: whole records only, clear words for everything that is not a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.records.record import SCHEMA
from bench.records.store import Run
from tasks.errors import UserError
from tests.support.records import job, record, run_file


def test_records_come_back_as_written(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", run_file())
    made = record("keras:tensorflow", block=3)
    kept = run.add(made["launch"]["job"]["id"], made)
    again = Run.open(tmp_path / "run")
    assert again.records() == {made["launch"]["job"]["id"]: kept}
    assert kept.rounds("train").tolist() == made["benchmarks"][1]["stats"]["data"]
    assert kept.job.as_dict() == made["launch"]["job"]
    assert again.about() == run_file()
    assert json.loads((run.path / "run.json").read_text())["schema"] == SCHEMA


def test_a_record_under_another_jobs_name_is_refused(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", run_file())
    run.add(job(block=1).id, record(block=2))
    with pytest.raises(UserError, match="answers another job") as caught:
        run.records()
    assert f"{job(block=1).id}.json" in str(caught.value)
    assert job(block=2).id in str(caught.value)


def test_a_half_written_record_is_never_seen(tmp_path: Path) -> None:
    """What a killed runner leaves has a temporary name; readers do not look at it."""
    run = Run.create(tmp_path / "run", run_file())
    (run.launches / ".b000~x.json.123").write_text('{"launch": {"st')
    assert Run.open(tmp_path / "run").records() == {}


def test_an_existing_run_is_not_overwritten(tmp_path: Path) -> None:
    Run.create(tmp_path / "run", run_file())
    with pytest.raises(UserError, match="--resume"):
        Run.create(tmp_path / "run", run_file())


def test_a_folder_with_other_things_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match="another --out"):
        Run.create(tmp_path, run_file())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        ("{", "cannot be read"),
        ("[1]", "not a JSON object"),
        ("{}", "names no schema"),
        (json.dumps({"schema": SCHEMA + 1}), "newer version"),
    ],
)
def test_what_is_no_run_is_said_in_one_line(
    tmp_path: Path, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(UserError, match=words) as caught:
        Run.open(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"launch": 3}'])
def test_a_spoiled_record_names_its_file(tmp_path: Path, content: str) -> None:
    run = Run.create(tmp_path / "run", run_file())
    (run.launches / "b000~spoiled.json").write_text(content)
    with pytest.raises(UserError, match="spoiled"):
        run.records()


def test_two_runners_do_not_share_a_run(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", run_file())
    with run.locked(), pytest.raises(UserError, match="another process"), run.locked():
        pass
