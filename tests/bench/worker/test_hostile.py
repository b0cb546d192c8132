"""Damaged journals of searches: one line that names the file, or the trials that were done.

A search of which three trials are done and one was under way is gone on with by the worker, from a
journal or a note of a death (died.json) that something else has altered. How many files:
tests/support/mutate.py.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import SupportsFloat

import numpy as np
import pytest
from hypothesis import given

from adapters.base import Data, Implementation
from bench.machine import readings
from bench.plan.jobs import make_jobs
from bench.records.door import parse
from bench.records.parts import TrialRecord
from bench.records.record import DIED, Job, Outcome, Request
from bench.records.schema import Launch
from bench.records.store import Run
from bench.run.launches import run_jobs
from bench.worker import search as worker
from bench.worker.journal import entries, open_study
from bench.worker.launch import LaunchState, answer
from bench.worker.trial import Ground
from tasks.spec.network import Task
from tasks.weights import Weights
from tests.support.fakes import known
from tests.support.hostile import Seen, tell
from tests.support.mutate import Mutant, line_mutants, mutants, tries
from tests.support.plans import READY, begin, plan_of

JOURNALS, DEATHS = 0.095, 0.005  # of all examples
DONE = 3
DEATH = Outcome("crash", "the worker died with signal SIGSEGV")


class Killed(BaseException):
    """As a kill: nothing catches it, and the trial under way stays open."""


class Contender(known.Contender):
    """Learns nothing, and scores otherwise in each trial; `mortal`: killed in the fourth."""

    mortal = False

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        super().build(task, weights, seed)
        self.builds = getattr(self, "builds", -1) + 1

    def train(
        self, data: Data, order: np.ndarray, warps: np.ndarray | None = None
    ) -> SupportsFloat:
        if self.mortal and self.builds > DONE:
            raise Killed
        return 1.0

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        outputs = np.zeros((len(data[0]), 10), np.float32)
        outputs[:, self.builds % 10] = 1
        return outputs


class KilledSearch:
    """Its folder as the kill left it, and the worker that goes on with it in this process."""

    def __init__(self, home: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.job = home, job
        self.folder = home / "searches" / job.id
        monkeypatch.setenv("BENCH_CACHE", str(home))
        monkeypatch.setenv("BENCH_SEARCHES", str(home / "searches"))
        monkeypatch.setattr(Contender, "mortal", True)
        with pytest.raises(Killed):
            answer(job, home / "answer")
        monkeypatch.setattr(Contender, "mortal", False)
        self.journal = (self.folder / "journal.log").read_bytes()
        state = LaunchState(job)
        assert state.search is not None
        ground = Ground(state, state.search)  # draws the weights of every size: once for all
        monkeypatch.setattr(worker, "Ground", lambda launch, search: ground)
        monkeypatch.setattr(readings, "packages", functools.cache(readings.packages))
        monkeypatch.setattr(os, "fsync", lambda _: None)

    def go_on(self, journal: bytes, death: bytes | None = None) -> Launch:
        """The record of the worker that finds these files, as it is read."""
        (self.folder / "journal.log").write_bytes(journal)
        (self.folder / DIED).unlink(missing_ok=True)
        if death is not None:
            (self.folder / DIED).write_bytes(death)
        with contextlib.redirect_stdout(io.StringIO()):  # it tells its trials
            made = answer(self.job, self.home / "answer")
        return parse(json.dumps(made, allow_nan=False), Launch, "record")

    def done(self) -> list[tuple[TrialRecord, TrialRecord]]:
        """The trials before the kill: with the time that telling Optuna took, and without it, as
        where the kill came in between."""
        study = open_study(self.folder)
        told = [TrialRecord.model_validate_json(json.dumps(e)) for e in entries(study)]
        kept = [study.user_attrs[f"trial {index}"] for index in range(len(told))]
        return [
            (with_it, TrialRecord.model_validate_json(json.dumps(without)))
            for with_it, without in zip(told, kept, strict=True)
        ]


@pytest.fixture
def search(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KilledSearch]:
    """A search of four trials with the pruner at work, killed in the last."""
    contender = Implementation("fake", "null", __name__, "numpy", "learns nothing")
    request = Request("quick", ("tune-bayes",), ("fake:null",), prune=True)
    (job,) = (j for j in make_jobs(plan_of(request, [contender], data)) if j.kind == "search")
    killed = KilledSearch(tmp_path, replace(job, trials=DONE + 1), monkeypatch)
    gc.freeze()  # a trial collects what a model leaves, and need not look at all of pytest
    yield killed
    gc.unfreeze()


def refused(launch: Launch, file: str, mutant: Mutant) -> bool:
    """Whether the worker refused a file, and then by its name and in one line."""
    if launch.status == "ok":
        return False
    assert launch.status == "error", mutant.how
    assert "\n" not in launch.reason, mutant.how
    assert f"/{file}" in launch.reason, (mutant.how, launch.reason)
    return True


def test_a_damaged_journal_is_refused_by_name_or_its_trials_are_those_that_were_done(
    search: KilledSearch,
) -> None:
    done = search.done()
    assert search.go_on(search.journal).status == "ok"
    assert len(done) == DONE
    seen = Seen()

    @tries(JOURNALS)
    @given(line_mutants(search.journal))
    def gone_on_with(mutant: Mutant) -> None:
        launch = search.go_on(mutant.data)
        is_refused = refused(launch, "journal.log", mutant)
        seen["worker", 2 * is_refused] += 1
        if is_refused:
            return
        found = launch.launch.search
        assert found is not None
        assert len(found.trials) == DONE + 1, mutant.how
        if mutant.alters:
            for trial, either in zip(found.trials, done, strict=False):
                assert trial in either, f"a number came from an altered field: {mutant.how}"

    gone_on_with()
    tell("journal.log", seen)
    assert seen["worker", 0] > 0 < seen["worker", 2]


def test_a_damaged_note_of_a_death_is_refused_by_name_or_is_of_a_death(
    search: KilledSearch,
) -> None:
    seen = Seen()

    @tries(DEATHS)
    @given(mutants(asdict(DEATH)))
    def gone_on_with(mutant: Mutant) -> None:
        launch = search.go_on(search.journal, mutant.data)
        is_refused = refused(launch, DIED, mutant)
        seen["worker", 2 * is_refused] += 1
        if not is_refused:
            assert launch.launch.search is not None
            last = launch.launch.search.trials[-1]
            assert (last.status, last.validation_accuracy) == ("crash", None), mutant.how

    gone_on_with()
    tell(DIED, seen)
    assert seen["worker", 0] > 0 < seen["worker", 2]


@pytest.mark.parametrize("file", ["journal.log", DIED])
def test_a_run_with_a_damaged_search_ends_with_its_reason(
    tmp_path: Path, data: Path, file: str
) -> None:
    """Through the real runner and a process of its own."""
    request = Request("quick", ("tune-grid",), ("fake:null",))
    run, jobs = begin(tmp_path / "run", plan_of(request, [known.implementation("null")], data))
    jobs = [job for job in jobs if job.kind == "search"]
    folder = Run(run.path).searches / jobs[0].id
    folder.mkdir(parents=True)
    (folder / file).write_text('{"op_code": 4, "study_id": -1, "status": "ok"}\n')
    run_jobs(run, jobs, READY)
    (launch,) = run.records().values()
    assert launch.status == "error"
    assert f"searches/{folder.name}/{file}" in launch.reason
