"""Files of schema 1 are read as today's and stay as they are; later and spoiled ones are not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench import load_run
from bench.records.door import parse
from bench.records.fingerprint import differences
from bench.records.record import SCHEMA
from bench.records.results import Results
from bench.records.schema import Launch, RunFile
from bench.records.store import Run
from tasks.errors import UserError
from tests.support.command import bench
from tests.support.noise import RECORDED
from tests.support.records import job, launch, record, run_file

KEYS = ["task", "implementation", "label", "metric"]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The records of a published run of schema 1, without what was made from them."""
    shutil.copytree(RECORDED / "launches", tmp_path / "old" / "launches")
    shutil.copy(RECORDED / "run.json", tmp_path / "old")
    return tmp_path / "old"


def raw_run(path: Path, **machine: Any) -> dict[str, Any]:
    """Its run.json as it is on disk, with another machine."""
    raw: dict[str, Any] = json.loads((path / "run.json").read_text())
    assert raw["schema"] == 1
    return raw | {"machine": raw["machine"] | machine}


def test_an_old_run_is_upgraded_and_its_files_stay_as_they_are(old: Path) -> None:
    before = {path: path.read_bytes() for path in old.rglob("*.json")}
    results = Results.read(Run.open(old))
    about = results.about
    assert about.schema_ == SCHEMA
    assert (about.machine.memory_gib, about.machine.os) == (24, "Linux 6.18")
    assert (about.suite.measurement, about.suite.revision, about.tasks) == (0, "", {})
    assert about.datasets["fnn-mnist"].metric == "accuracy"
    assert {x.launch.schema_ for x in results.launches} == {SCHEMA}
    assert {path: path.read_bytes() for path in old.rglob("*.json")} == before


def test_an_old_run_is_reported_with_the_numbers_it_was_published_with(
    old: Path, tmp_path: Path
) -> None:
    done = bench("report", "old", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made, published = (
        pd.read_csv(path / "table.csv", keep_default_na=False, na_values={"value": [""]})
        for path in (tmp_path / "out", RECORDED)
    )
    both = published.merge(made, on=KEYS, suffixes=("", "_now"))
    assert len(both) == len(published) == 5 * 18  # contenders and metrics
    pd.testing.assert_series_equal(both["value"], both["value_now"], check_names=False)
    assert (tmp_path / "out" / "index.html").exists()
    assert len(made) == len(load_run(old))


def test_memory_by_some_kib_and_a_kernels_patch_are_one_machine(old: Path) -> None:
    memory = raw_run(old)["machine"]["memory_bytes"]
    same = raw_run(old, memory_bytes=memory - 700 * 1024, os="Linux 6.18.45-fc-v700")
    other = raw_run(old, memory_bytes=memory // 2, os="Linux 6.19.1")
    first, again, another = (
        parse(json.dumps(raw), RunFile, "run.json") for raw in (raw_run(old), same, other)
    )
    assert differences(first, again) == []
    assert differences(first, another) == [
        "machine memory_gib: 24 against 12", "machine os: Linux 6.18 against Linux 6.19",
    ]  # fmt: skip


def test_an_old_run_is_no_equal_of_a_new_one(old: Path) -> None:
    """What it did not keep equals nothing."""
    found = " ".join(differences(Run.open(old).about(), run_file()))
    assert "measurement version: 0 against 1" in found
    assert "task fnn-mnist:  against " in found


@pytest.mark.parametrize("name", ["run.json", f"launches/{job().id}.json"])
def test_a_file_of_a_later_schema_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    run = Run.create(tmp_path / "run", run_file())
    run.add(job().id, record())
    path = run.path / name
    raw = json.loads(path.read_text())
    raw.get("launch", raw)["schema"] = 3
    path.write_text(json.dumps(raw))
    done = bench("report", "run", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"bench: run/{name} was written by a newer version (schema 3, this one reads 2); "
        "update this suite to read it\n"
    )


def spoiled(schema: int) -> str:
    """A launch whose final loss is NaN, as Python's json writes it."""
    made = record()
    made["launch"]["schema"] = schema
    if schema == 1:
        budget = made["launch"]["job"]["budget"]
        budget |= {
            "train_rounds": budget.pop("turns"),
            "phase_seconds": budget.pop("slice_seconds"),
        }
    made["launch"]["readings"]["final_loss"] = float("nan")
    return json.dumps(made)


def test_nan_is_refused_but_in_what_schema_1_wrote() -> None:
    with pytest.raises(UserError, match="x cannot be read as a launch: NaN is no JSON"):
        parse(spoiled(SCHEMA), Launch, "x")
    read = parse(spoiled(1), Launch, "x")
    assert read.launch.readings.final_loss is None
    assert read.launch.readings.test_score == launch(record()).launch.readings.test_score
