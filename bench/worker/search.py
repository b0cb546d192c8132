"""One search, in the worker: Optuna's ask-and-tell around the adapter, or the framework's tuner.

Everything that is known of a search lies in its Optuna study, in a journal file of the run
directory: Optuna's own trials, and each trial's entry as a study attribute. An entry is written
before the trial is told, so a search killed at any instant goes on after its last entry. The
sampler is made anew for each trial, seeded by (seed, trial), and reads only finished trials:
the trial that was under way is suggested again exactly, and the result is the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler, PartialFixedSampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from adapters.base import Unsupported
from adapters.tuner import Tuner
from bench.records.record import DIED, Job, Outcome
from bench.worker.journal import SPACE, STATES, death_of, entries, open_study
from bench.worker.trial import Ground, RunningTrial
from tasks.spec.search import GRID, Point, Search

STARTUP_TRIALS = 3  # random ones before TPE suggests, and before the pruner has a median to use


def run(launch: Any, search: Search, folder: Path) -> tuple[Outcome, dict[str, Any]]:
    """Do, or go on with, the search of a job. folder: its own place in the run directory.

    Returns how it ended and the record's ``search`` key.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    job = launch.job
    started = perf_counter()
    study = open_study(folder)
    opened = perf_counter() - started
    ground = Ground(launch, search)
    settle(study, folder, ground)
    resumed = len(entries(study))
    starts = study.user_attrs.get("starts", 0) + 1
    study.set_user_attr("starts", starts)
    started = perf_counter()
    _loop(study, ground, job, folder)
    facts = {
        "sampler": search.sampler,
        "trials_wanted": job.trials,
        "prune": job.prune,
        "epochs": search.epochs,
        "rows": ground.rows,
        "optuna": optuna.__version__,
        "open_seconds": opened,
        "loop_seconds": perf_counter() - started,
        "resumed_trials": resumed,
        "starts": starts,
    }
    return _result(ground, entries(study), facts)


def _loop(study: optuna.Study, ground: Ground, job: Job, folder: Path) -> None:
    """The trials that are left."""
    if isinstance(ground.adapter, Tuner):
        if job.prune:
            raise Unsupported("the framework's own tuner has no median pruner")
        _native(ground.adapter, study, ground, job.trials, folder)
        return
    while (index := len(entries(study))) < job.trials:
        _say(index, job.trials)
        _ask_and_tell(study, ground, index, job.prune)


def _result(
    ground: Ground, found: list[dict[str, Any]], facts: dict[str, Any]
) -> tuple[Outcome, dict[str, Any]]:
    """The finished search: its trials, the best of them, and that one retrained."""
    result = facts | {"trials": found}
    best = best_of(found)
    if best is None:
        reason = f"every trial failed; the first: {found[0]['status']}: {found[0]['reason']}"
        return Outcome("error", reason), result
    kept = ("index", "units", "learning_rate", "validation_accuracy")
    result["best"] = {key: best[key] for key in kept}
    result["retrained"] = _retrain(ground, Point(best["units"], best["learning_rate"]))
    return Outcome("ok"), result


def settle(study: optuna.Study, folder: Path, ground: Ground) -> None:
    """Close what an earlier process left open, by how that process ended.

    With an entry the trial was done: it is told. Without: it is run again, unless the runner
    noted that the process died of it. Then it is a failed trial.
    """
    death = death_of(folder)
    known = {entry["number"]: entry for entry in entries(study)}
    for frozen in study.get_trials(states=[TrialState.RUNNING]):
        entry = known.get(frozen.number)
        if entry is None and death is not None and frozen.params.keys() == SPACE.keys():
            trial = RunningTrial(ground, len(entries(study)))
            trial.point = Point(**frozen.params)
            trial.status, trial.reason = death.status, death.reason
            entry = _keep(study, trial, frozen.number)
            death = None
        state = STATES.get(entry["status"], TrialState.FAIL) if entry else TrialState.FAIL
        value = entry["validation_accuracy"] if entry else None
        study.tell(frozen.number, value, state=state)
    if death is not None:  # its note stays: the runner does not start it once more
        raise RuntimeError(f"died outside any trial: {death.reason}")
    (folder / DIED).unlink(missing_ok=True)


def sampler(search: Search, seed: int, index: int) -> BaseSampler:
    """The sampler of one trial; the same arguments and finished trials suggest the same point."""
    own = int(np.random.SeedSequence((seed, index)).generate_state(1)[0])
    if search.sampler == "tpe":
        return TPESampler(seed=own, n_startup_trials=STARTUP_TRIALS)
    if search.sampler == "grid":
        point = {"units": GRID[index].units, "learning_rate": GRID[index].learning_rate}
        return PartialFixedSampler(point, RandomSampler(seed=own))
    return RandomSampler(seed=own)


def listed_points(search: Search, seed: int, trials: int) -> list[Point]:
    """The trials of a random or grid search, which no result changes."""
    study = optuna.create_study()
    points = []
    for index in range(trials):
        study.sampler = sampler(search, seed, index)
        points.append(Point(**study.ask(SPACE).params))
    return points


def best_of(found: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first of the trials with the highest validation accuracy; None when all failed."""
    good = [entry for entry in found if entry["status"] == "ok"]
    return max(good, key=lambda entry: float(entry["validation_accuracy"]), default=None)


def _ask_and_tell(study: optuna.Study, ground: Ground, index: int, prune: bool) -> None:
    trial = RunningTrial(ground, index)
    with trial.clock.lap("tuner"):
        study.sampler = sampler(ground.search, ground.seed, index)
        study.pruner = optuna.pruners.MedianPruner(STARTUP_TRIALS, n_warmup_steps=1)
        asked = study.ask(SPACE)

    def after_epoch(number: int, accuracy: float) -> bool:
        if not prune or number == ground.search.epochs - 1:
            return False
        with trial.clock.lap("tuner"):
            asked.report(accuracy, number)
            return bool(asked.should_prune())  # NumPy's, where it comes from a median

    _attempt(lambda: trial.build(Point(**asked.params)), lambda: trial.learn(after_epoch))
    trial.clock.split("other")
    entry = _keep(study, trial, asked.number)
    started = perf_counter()
    study.tell(
        asked.number,
        entry["validation_accuracy"],
        state=STATES.get(entry["status"], TrialState.FAIL),
    )
    study.set_user_attr(f"tell {index}", perf_counter() - started)


def _attempt(*steps: Callable[[], object]) -> None:
    """The steps of a trial up to the first that fails; the trial has noted why."""
    try:
        for step in steps:
            step()
    except Exception as error:
        print(f"trial failed: {error!r}", flush=True)


def _keep(study: optuna.Study, trial: RunningTrial, number: int) -> dict[str, Any]:
    """Write a trial's entry: from now on it is finished. number: Optuna's."""
    entry = trial.entry() | {"number": number, "start": study.user_attrs.get("starts", 0)}
    study.set_user_attr(f"trial {trial.index}", entry)
    return entry


class _Steps:
    """What a framework's own tuner asks of the suite; its own time is the rest of the clock."""

    def __init__(self, study: optuna.Study, ground: Ground, points: list[Point]) -> None:
        self.study = study
        self.ground = ground
        self.points = points
        self.trial: RunningTrial | None = None

    def begin(self) -> None:
        index = len(entries(self.study))
        _say(index, len(self.points))
        self.trial = RunningTrial(self.ground, index, rest="tuner")
        self.trial.point = self.points[index]

    def build(self, point: Point) -> None:
        if self.trial is None:
            self.ground.build(point)
        else:
            self.trial.build(point)

    def learn(self, after_epoch: Callable[[int, float], None]) -> float:
        assert self.trial is not None
        return self.trial.learn(after_epoch)

    def end(self, failure: str) -> None:
        assert self.trial is not None
        self.trial.clock.split("other")
        if failure and self.trial.status == "ok":
            self.trial.status, self.trial.reason = "error", failure[:300]
        _keep(self.study, self.trial, self.trial.index)
        self.trial = None


def _native(tuner: Tuner, study: optuna.Study, ground: Ground, trials: int, folder: Path) -> None:
    """The trials that are left, driven by the framework's tuner, which begins afresh."""
    own = folder / "native"
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    points = listed_points(ground.search, ground.seed, trials)
    if left := points[len(entries(study)) :]:
        tuner.search(ground.search, left, _Steps(study, ground, points), own)
    shutil.rmtree(own)


def _retrain(ground: Ground, point: Point) -> dict[str, Any]:
    """The best configuration on training and validation rows; scored on the test rows once."""
    started = perf_counter()
    ground.build(point)
    losses = [ground.epoch(n, ground.all_rows) for n in range(ground.search.epochs)]
    accuracy = ground.accuracy(ground.test, ground.launch.arrays.y_test)
    return {
        "rows": ground.all_rows,
        "epoch_losses": losses,
        "test_accuracy": accuracy,
        "seconds": perf_counter() - started,
    }


def _say(index: int, trials: int) -> None:
    print(f"trial {index + 1} of {trials}", flush=True)
