"""An entry: what of a run is kept, under which id, with which floors."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from bench.history import store
from bench.history.entries import entry_of
from bench.judge import questions
from bench.judge.questions import Side
from bench.records.metrics import metric
from bench.records.record import Outcome, failure_record
from bench.records.results import Results
from bench.records.store import Run
from bench.run.environments import PROJECT
from tasks.errors import UserError
from tests.bench.history.made import about, entry, kept, launches
from tests.support import records
from tests.support.records import job, record

PUBLISHED = PROJECT / "results" / "cpu-quick"


def test_an_entry_keeps_values_launches_floor_and_versions() -> None:
    made = entry(3)
    (cell,) = made.cells
    speeds = cell.values["train_throughput"]
    assert sorted(speeds.launches) == ["0", "1"]
    assert speeds.value == pytest.approx(np.sqrt(speeds.launches["0"] * speeds.launches["1"]))
    assert made.floors["train_throughput"] > 0.005
    assert cell.packages == {"numpy": "2"}
    assert cell.task == about(3)["tasks"]["fnn-mnist"]["digest"]
    assert made.measurement == 1


def test_the_floor_is_the_judges_own_as_a_share_of_the_value() -> None:
    scored = launches(spread=0.03)
    for number, each in enumerate(scored):
        each["launch"]["readings"]["test_score"] = 0.9 + 0.01 * number
    results = records.results(scored, about(0))
    (original, copy) = results.twins()[0]
    floors, own = entry_of(results).floors, questions.floors(results)
    assert floors.keys() == own.keys()
    speed = metric("train_throughput")
    asked = questions.question(
        "fnn-mnist", speed, Side("", original), Side("", copy), math.nan, True, "higher"
    )
    assert asked is not None
    ends = [abs(end) for end in asked.effect.interval()]
    assert floors["train_throughput"] == pytest.approx(math.expm1(max(ends)))
    mean = np.mean([r["launch"]["readings"]["test_score"] for r in scored[::2]])
    assert floors["test_score"] == pytest.approx(own["test_score"] / mean)


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
    assert made.floors["train_throughput"] == pytest.approx(0.312, abs=0.001)
    store.append(tmp_path, made)
    assert store.load(tmp_path) == [made]
