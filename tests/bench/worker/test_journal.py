"""What a search's journal is refused for, and a search that dies before its trials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from adapters.base import Implementation
from bench.records.record import DIED, Outcome, Request
from bench.run.launches import run_jobs
from bench.worker.journal import SPACE, Damaged, death_of, entries, open_study
from tasks.spec.network import Task
from tasks.weights import Weights
from tests.support.fakes import known
from tests.support.plans import READY, begin, plan_of


class Contender(known.Contender):
    """Has no memory for any model."""

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        raise MemoryError("Unable to allocate 9 TiB")


def entry(units: int, learning_rate: float) -> dict[str, Any]:
    """As a trial of the search writes it."""
    phases = {"tuner": 0.5, "build": 0.25, "compile": 0.0, "train": 1.5, "evaluate": 0.125}
    return {
        "index": 0, "number": 0, "start": 1, "units": units, "learning_rate": learning_rate,
        "weights": "w", "status": "ok", "reason": "", "validation_accuracy": 0.875,
        "epoch_accuracies": [0.75, 0.875], "epoch_losses": [0.5, 0.25], "seconds": 2.5,
        "phases": phases, "rss_bytes": 4096,
    }  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The journal of a search with one trial."""
    study = open_study(tmp_path / "job")
    study.set_user_attr("starts", 1)
    trial = study.ask(SPACE)
    trial.report(0.75, 0)
    study.set_user_attr("trial 0", entry(**trial.params))
    study.tell(trial, 0.875)
    study.set_user_attr("tell 0", 0.0625)
    return tmp_path / "job" / "journal.log"


def test_a_whole_journal_is_read(journal: Path) -> None:
    (trial,) = entries(open_study(journal.parent))
    assert (trial["seconds"], trial["phases"]["tuner"]) == (2.5625, 0.5625)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"tell 0": 0.0625', '"tell 0": -0.0625', "its telling is below 0"),
        ('"tell 0": 0.0625', '"tell 0": "0.0625"', "its telling is no number"),
        ('"seconds": 2.5', '"seconds": "2.5"', "seconds is of another type"),
        ('"seconds": 2.5', '"seconds": -2.5', "seconds is below 0"),
        ('"train": 1.5', '"train": -1.5', "phases.train is below 0"),
        ('"epoch_losses": [0.5', '"epoch_losses": [-0.5', "epoch_losses is below 0"),
        ('"validation_accuracy": 0.875', '"validation_accuracy": 0.5', "not its last epoch's"),
        ('"compile": 0.0, ', "", "not the phases of a trial"),
        ('"status": "ok"', '"status": "well"', "status is none of a trial"),
        ('"rss_bytes": 4096', '"rss_bytes": 0', "has a zero"),
        ('"epoch_accuracies": [0.75', '"epoch_accuracies": [7.5', "a score is above 1"),
        ('"rss_bytes"', '"rss"', "not the fields of a trial"),
        ('"values": [0.875]', '"values": [0.5]', "another value than its entry"),
        ('"intermediate_value": 0.75', '"intermediate_value": 0.5', "other scores than its entry"),
        ('"units": ', '"units": 1', "other parameters than its entry"),
        ('"trial 0"', '"trial 1"', "a trial before the last has no entry"),
        ('"trial 0"', '"trails"', "has no entry"),
        ('"starts": 1', '"starts": 0', "a start that never was"),
        ('"directions": [2]', '"directions": [1]', "looks for the least accuracy"),
        ('"study_name": "search"', '"study_name": "other"', "does not hold one study"),
        ('"op_code": 0', '"op_code": 99', "cannot be read"),
    ],
)
def test_a_journal_that_disagrees_with_itself_is_refused(
    journal: Path, old: str, new: str, fault: str
) -> None:
    lines = map(json.loads, journal.read_text().splitlines())
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    assert old in text
    journal.write_text(text.replace(old, new))
    with pytest.raises(Damaged, match=fault) as refused:
        open_study(journal.parent)
    assert str(refused.value).startswith("searches/job/journal.log: ")
    assert str(refused.value).endswith("remove searches/job to begin the search anew")


def test_a_study_that_was_deleted_is_not_begun_anew_in_silence(journal: Path) -> None:
    with journal.open("a") as lines:
        lines.write('{"op_code": true, "worker_id": "other", "study_id": 0}\n')
    with pytest.raises(Damaged, match="does not hold one study"):
        open_study(journal.parent)


def test_a_trial_under_way_needs_no_entry(journal: Path) -> None:
    study = open_study(journal.parent)
    study.ask(SPACE)
    states = [trial.state for trial in open_study(journal.parent).trials]
    assert states == [TrialState.COMPLETE, TrialState.RUNNING]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"status": "crash"}', '{"status": "ok", "reason": ""}', "[" * 10**5]
)
def test_a_note_of_no_death_is_refused(tmp_path: Path, text: str) -> None:
    assert death_of(tmp_path) is None
    (tmp_path / DIED).write_text('{"status": "crash", "reason": "SIGSEGV"}')
    assert death_of(tmp_path) == Outcome("crash", "SIGSEGV")
    (tmp_path / DIED).write_text(text)
    with pytest.raises(Damaged, match=DIED):
        death_of(tmp_path)


def test_a_search_that_dies_before_its_trials_is_started_twice_at_most(
    tmp_path: Path, data: Path
) -> None:
    contender = Implementation("fake", "null", __name__, "numpy", "has no memory")
    request = Request("quick", ("tune-random",), ("fake:null",))
    run, jobs = begin(tmp_path / "run", plan_of(request, [contender], data))
    (job,) = (job for job in jobs if job.kind == "search")
    run_jobs(run, [job], READY)
    (launch,) = run.records().values()
    assert (launch.status, launch.reason) == (
        "out-of-memory", "MemoryError: Unable to allocate 9 TiB",
    )  # fmt: skip
    assert not (run.searches / job.id / DIED).exists()
