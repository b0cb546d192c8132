"""An entry: what of a run is kept, and under which id."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.history import store
from bench.history.entries import entry_of
from bench.records.record import Outcome, failure_record
from bench.records.results import Results
from bench.records.store import Run
from bench.run.environments import PROJECT
from tasks.errors import UserError
from tests.bench.history.made import about, entry, kept
from tests.support.records import job, record

PUBLISHED = PROJECT / "results" / "cpu-quick"


def test_an_entry_keeps_values_launches_and_versions() -> None:
    made = entry(3)
    (cell,) = made.cells
    speeds = cell.values["train_throughput"]
    assert sorted(speeds.launches) == ["0", "1"]
    assert speeds.value == pytest.approx(np.sqrt(speeds.launches["0"] * speeds.launches["1"]))
    assert cell.packages == {"numpy": "2"}
    assert cell.task == about(3)["tasks"]["fnn-mnist"]["digest"]
    assert made.measurement == 1


def test_floors_of_older_entries_are_read_over(tmp_path: Path) -> None:
    """Until November 2026 an entry also held what its A/A pair admitted."""
    made = entry(3)
    file = store.append(tmp_path, made)
    old = json.loads(file.read_text()) | {"floors": {"train_throughput": 0.03}}
    file.write_text(json.dumps(old))
    (read,) = store.load(tmp_path)
    assert read.cells == made.cells
    assert "floors" not in json.loads(store.append(tmp_path / "again", read).read_text())


def test_an_id_is_the_same_after_a_resume_and_another_for_a_twin() -> None:
    """Two CI jobs can begin the same command in the same second."""
    early, late = record("pytorch:eager", 0), record("mxnet:hybrid", 0)
    early["datetime"], late["datetime"] = "2026-01-01T00:00:01", "2026-01-01T00:00:02"
    begun, resumed = kept(about(0), [early]), kept(about(0), [late, early])
    assert begun.id == resumed.id
    twin = kept(about(0), [{**early, "datetime": "2026-01-01T00:00:01.5"}])
    assert twin.id != begun.id


def test_a_block_measured_anew_leaves_the_id() -> None:
    first = record("pytorch:eager", 0)
    anew = json.loads(json.dumps(record("pytorch:eager", 0, 0.2)))
    anew["datetime"] = "2026-01-02T00:00:00"
    anew["launch"]["job"] |= {"repeat": 1, "id": first["launch"]["job"]["id"] + "~again"}
    assert kept(about(0), [first]).id == kept(about(0), [first, anew]).id


def test_a_run_without_a_measurement_is_refused() -> None:
    broken = failure_record(job("pytorch:eager", 0), Outcome("crash", "x"))
    with pytest.raises(UserError, match="nothing was measured"):
        kept(about(0), [broken])


def test_the_published_run_can_be_kept(tmp_path: Path) -> None:
    made = entry_of(Results.read(Run.open(PUBLISHED)))
    assert {c.cell.implementation for c in made.cells} == {
        "keras:tensorflow", "mxnet:hybrid", "pytorch:eager", "tensorflow:graph",
    }  # fmt: skip
    store.append(tmp_path, made)
    assert store.load(tmp_path) == [made]
