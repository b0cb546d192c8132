"""One launch, in its own process and its framework's own environment.

``python -m bench.worker.launch JOB.json ANSWER.json [PID]``: reads a job, does it, writes one
record. PID: its runner's, with which it ends.
Only this process holds the clock. It needs NumPy, pytest, pytest-benchmark and the framework.
Standard output is never read, so a framework may print what it likes. Nothing imports this module;
the runner starts it.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from adapters.base import Adapter
from bench.machine import readings
from bench.proof.certify import certify, certify_all
from bench.proof.settings import unlike_job
from bench.records.record import Job, Outcome, Record, failure_record, finite, launch_entry
from bench.worker.failures import outcome_of_error
from bench.worker.parent import die_with
from bench.worker.turns import Channel, channel
from tasks.data import arrays
from tasks.draws import draw_warps
from tasks.spec.form import restored
from tasks.spec.network import Task
from tasks.spec.search import CERTIFIED, Search
from tasks.weights import initial_weights


class LaunchState:
    """The state of one launch: the adapter, the data, and what was read so far."""

    def __init__(self, job: Job) -> None:
        self.job = job
        work = restored(job.work)
        self.search = work if isinstance(work, Search) else None
        self.task: Task = self.search.base if self.search else work
        self.seconds: dict[str, float] = {}
        self.readings: dict[str, Any] = {}
        self.channel: Channel | None = None  # of a launch that is part of a sitting
        self.arrays = arrays.load(Path(os.environ["BENCH_CACHE"]) / job.data)
        stopping = self.task.early_stopping
        held_out = stopping.validation_split if stopping else 0.0
        self.train_rows = round(len(self.arrays.y_train) * (1 - held_out))
        cell = job.cell
        # The adapter imports its framework: it may have to set something before.
        started = perf_counter()
        module = importlib.import_module(job.module)
        self.adapter: Adapter = module.Contender(
            cell.implementation.split(":")[1], cell.device, cell.precision, cell.threads
        )
        self.seconds["import"] = perf_counter() - started

    def unlike_job(self) -> str:
        """What the settings read back and the job differ in; empty when in nothing."""
        cell = self.job.cell
        return unlike_job(self.adapter.settings(), cell.device, cell.precision, cell.threads)

    def epoch(self, number: int) -> tuple[np.ndarray, np.ndarray | None]:
        """order int32 (steps, batch) of one epoch, and its warps where the task augments."""
        task, seed = self.task, self.job.seed
        order = epoch_order(self.train_rows, task.batch_size, seed, number)
        if task.augmentation is None:
            return order, None
        steps, batch = order.shape
        seed = seed * 1000 + number
        return order, draw_warps(task.augmentation, steps, batch, task.input_shape, seed)

    def steps(self, count: int) -> tuple[np.ndarray, np.ndarray | None]:
        """As `epoch`, for any number of steps: as many epochs as they take, cut to length."""
        epochs = [self.epoch(n) for n in range(-(-count // len(self.epoch(0)[0])))]
        order = np.concatenate([e[0] for e in epochs])[:count]
        warps = [e[1] for e in epochs if e[1] is not None]
        return order, np.concatenate(warps)[:count] if warps else None

    @property
    def round_steps(self) -> int:
        """Optimizer steps of a timed training round."""
        return min(self.job.budget.round_steps or self.task.round_steps, self.task.round_steps)

    def cold_start(self) -> None:
        """Build, stage, the first step, and the first round in the form that is timed, for which
        some frameworks compile another program: what a user waits for before it runs as it will."""
        weights = initial_weights(self.task, self.job.seed)
        started = perf_counter()
        self.adapter.build(self.task, weights, self.job.seed)
        self.seconds["build"] = perf_counter() - started
        started = perf_counter()
        self.train_data = self.adapter.stage(self.arrays.x_train, self.arrays.y_train)
        self.adapter.wait()
        self.seconds["stage"] = perf_counter() - started
        order, warps = self.epoch(0)
        warps = None if warps is None else warps[:1]
        started = perf_counter()
        loss = self.adapter.train(self.train_data, order[:1], warps)
        self.adapter.wait()
        self.seconds["first_step"] = perf_counter() - started
        self.readings["first_loss"] = float(loss)
        order, warps = self.steps(self.round_steps)
        started = perf_counter()
        self.adapter.train(self.train_data, order, warps)
        self.adapter.wait()
        self.seconds["first_round"] = perf_counter() - started


def epoch_order(rows: int, batch: int, seed: int, epoch: int) -> np.ndarray:
    """int32 (rows // batch, batch): a permutation of the rows, the remainder dropped."""
    rng = np.random.default_rng((seed, epoch))
    steps = rows // batch
    return rng.permutation(rows)[: steps * batch].reshape(steps, batch).astype(np.int32)


def answer(job: Job, path: Path) -> Record:
    """Do the job; every way it can end is a record."""
    try:
        launch = LaunchState(job)
        if reason := launch.unlike_job():
            return failure_record(job, Outcome("unverified", reason))
        if job.kind == "certify":
            return _certify(launch)
        if job.kind == "search":
            return _search(launch)
        return _measure(launch, path)
    except Exception as error:  # whatever the framework raised is a result with a reason
        return failure_record(job, outcome_of_error(error))


def _certify(launch: LaunchState) -> Record:
    a, adapter, seed = launch.arrays, launch.adapter, launch.job.seed
    precision = launch.job.cell.precision
    rows = (a.x_train, a.y_train, seed, precision, a.x_test)
    kept = Path(os.environ["BENCH_CACHE"]) / "oracle"
    if launch.search is None:
        certificate = certify(adapter, launch.task, *rows, kept)
    else:
        tasks = {f"{point.units} units": launch.search.task(point) for point in CERTIFIED}
        certificate = certify_all(adapter, tasks, *rows, kept)
    outcome = Outcome("ok") if certificate.passed else Outcome("unverified", certificate.reason())
    record = failure_record(launch.job, outcome)
    record["launch"]["certificate"] = certificate.as_dict()
    record["launch"]["settings"] = launch.adapter.settings()
    return record


def _measure(launch: LaunchState, path: Path) -> Record:
    """Cold start here, then the timed rounds of bench/worker/rounds.py under pytest-benchmark."""
    launch.channel = channel(launch.job.budget)
    before = readings.Disturbance.now()
    launch.cold_start()
    import pytest  # after the cold start, so that its imports are not charged to a framework

    plugin = _Plugin(launch)
    raw = path.with_suffix(".rounds")
    arguments = ["-q", "-x", "--noconftest", "--import-mode=importlib", "-p", "no:cacheprovider"]
    arguments += ["-c", os.devnull, "--rootdir", str(path.parent)]
    # By its name as a module: pytest takes a bracket in a path for a parameter of a test.
    arguments += ["--benchmark-json", str(raw), "--pyargs", "bench.worker.rounds"]
    code = pytest.main(arguments, plugins=[plugin])
    if plugin.error is not None:
        raise plugin.error
    if code != 0:
        return failure_record(
            launch.job, Outcome("error", f"the rounds ended with pytest code {code}")
        )
    record: Record = json.loads(raw.read_text(encoding="utf-8"))
    raw.unlink()
    outcome = Outcome(*launch.readings.pop("outcome", ("ok", "")))
    if outcome.status == "ok" and (reason := launch.unlike_job()):
        outcome = Outcome("unverified", reason)
    record["launch"] = _entry(launch, outcome, before)
    return record


def _search(launch: LaunchState) -> Record:
    from bench.worker import search  # Optuna is needed for a search only

    assert launch.search is not None
    before = readings.Disturbance.now()
    folder = Path(os.environ["BENCH_SEARCHES"]) / launch.job.id
    outcome, found = search.run(launch, launch.search, folder)
    record = failure_record(launch.job, outcome)
    record["launch"] = _entry(launch, outcome, before) | {"search": found}
    return record


def _entry(launch: LaunchState, outcome: Outcome, before: readings.Disturbance) -> dict[str, Any]:
    """The `launch` key of a launch that did its work. before: a reading from its start."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return launch_entry(
        launch.job,
        outcome,
        seconds=launch.seconds,
        readings=launch.readings,
        peak_rss_bytes=readings.peak_rss_bytes(),
        peak_rss_from=readings.PEAK_RSS_FROM,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        disturbance=readings.Disturbance.now().since(before),
        settings=launch.adapter.settings(),
        packages=readings.packages(),
        environment=readings.environment(),
    )


class _Plugin:
    """Gives the rounds their launch, and pytest-benchmark the facts it would look up slowly."""

    def __init__(self, launch: LaunchState) -> None:
        self.launch = launch
        self.error: BaseException | None = None

    def pytest_generate_tests(self, metafunc: Any) -> None:
        if "launch" in metafunc.fixturenames:
            metafunc.parametrize("launch", [self.launch], ids=[self.launch.job.cell.contender])

    def pytest_exception_interact(self, call: Any) -> None:
        self.error = call.excinfo.value

    def pytest_benchmark_generate_machine_info(self, config: Any) -> dict[str, Any]:
        return readings.machine()

    def pytest_benchmark_generate_commit_info(self, config: Any) -> dict[str, Any]:
        return {}


def main(arguments: list[str]) -> int:
    """Entry point; exit status 0 whenever a record was written."""
    parent = int(arguments[2]) if arguments[2:] else os.getppid()
    if not die_with(parent):
        return 1  # the runner was killed before this process could say so
    if carried := os.environ.get("BENCH_CARRIED"):
        sys.path.append(carried)  # behind all that the user's environment has itself
    job = Job.from_dict(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    path = Path(arguments[1])
    record = answer(job, path)
    path.write_text(json.dumps(finite(record), allow_nan=False), encoding="utf-8")
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    # Frameworks' thread pools can hang at interpreter exit; the record is already written.
    os._exit(status)
