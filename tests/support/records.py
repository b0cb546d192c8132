"""Made-up launch records, and what the real door makes of them, for tests of readers."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from adapters.base import Division
from bench.plan.request import PROFILES
from bench.records.door import parse
from bench.records.record import (
    Cell,
    Job,
    Outcome,
    Record,
    Request,
    failure_record,
    finite,
    launch_entry,
)
from bench.records.results import Results
from bench.records.schema import Launch, RunFile
from bench.records.store import Run
from tasks.catalogue.every import CATALOGUE
from tasks.spec.form import definition, digest

PHASES = {"learn": 4000, "train": 20000, "step": 32, "infer": 2048, "latency": 1}


def job(
    implementation: str = "pytorch:eager",
    block: int = 0,
    kind: Any = "measure",
    label: str = "",
    task: str = "fnn-mnist",
) -> Job:
    """A job of the quick profile."""
    cell = Cell(task, implementation, "cpu", "fp32", 2, label)
    name = f"{kind}{block}~{task}~{implementation.replace(':', '-')}{label.replace('/', '')}"
    framework = implementation.split(":")[0]
    budget = PROFILES["quick"].budget
    work = next((definition(work) for work in CATALOGUE if work.name == task), {})
    return Job(name, kind, cell, block, 0, block, framework, "m", "p", "data", budget, work=work)


def record(
    implementation: str = "pytorch:eager",
    block: int = 0,
    seconds: float = 0.1,
    label: str = "",
    task: str = "fnn-mnist",
) -> Record:
    """A good measuring launch whose training rounds take `seconds`, with 1 % spread."""
    rng = np.random.default_rng(block)
    made = failure_record(job(implementation, block, "measure", label, task), Outcome("ok"))
    made["benchmarks"] = [
        {
            "name": f"{task} {phase}",
            "extra_info": {"phase": phase, "samples_per_round": samples},
            "stats": {"data": (seconds * (1 + 0.01 * rng.random(20))).tolist()},
        }
        for phase, samples in PHASES.items()
    ]
    made["launch"] = launch_entry(
        job(implementation, block, "measure", label, task),
        Outcome("ok"),
        seconds={
            "import": 1.0,
            "build": 0.1,
            "stage": 0.01,
            "first_step": 0.2,
            "first_round": seconds,
        },
        readings={
            "test_score": 0.9,
            "final_loss": 0.1,
            "epoch_scores": [0.8, 0.9],
            "target": 0.9,
            "time_to_target": 0.5,
            "learn_seconds": 2.0,
        },
        peak_rss_bytes=2**28,
        peak_rss_from="VmHWM",
        cpu_seconds=3.0,
        disturbance={},
        device_use={"peak_memory_bytes": 2**30, "joules": 40.0},
        settings={"version": "1", "threads": 2},
        packages={"numpy": "2"},
    )
    return made


def turned(made: Record) -> Record:
    """The same record as part of a sitting: two rounds a turn, the second turn not counted."""
    made, turns = copy.deepcopy(made), list[dict[str, Any]]()
    for benchmark in made["benchmarks"]:
        rounds = len(benchmark["stats"]["data"])
        first, phase = len(turns), benchmark["extra_info"]["phase"]
        benchmark["extra_info"]["turns"] = [first + at // 2 for at in range(rounds)]
        turns += [_turn(first + at, phase, at != 1) for at in range(-(-rounds // 2))]
    made["launch"]["turns"] = turns
    return made


def _turn(number: int, phase: str, counts: bool) -> dict[str, Any]:
    cause = "" if counts else "others used 0.3 s of CPU time"
    return {
        "number": number, "phase": phase, "seconds": 0.5, "others_seconds": 0.01,
        "steal_seconds": 0.0, "counts": counts, "cause": cause,
    }  # fmt: skip


def search(implementation: str, task: str = "tune-random", trials: int = 4) -> Record:
    """A search of `trials` good trials, the last of them the best."""
    made = failure_record(job(implementation, 0, "search", task=task), Outcome("ok"))
    phases = {"tuner": 0.1, "build": 0.2, "compile": 0.3, "train": 0.5, "evaluate": 0.15}
    entries = [
        {
            "index": index, "number": index, "start": 1, "units": 32 * (1 + index),
            "learning_rate": 1e-3, "weights": f"w{index}", "status": "ok", "reason": "",
            "validation_accuracy": 0.9 + 0.01 * index, "epoch_losses": [0.2, 0.1],
            "epoch_accuracies": [0.8, 0.9 + 0.01 * index], "seconds": 1.3, "phases": phases,
            "rss_bytes": 2**28 + index * 2**20,
        }
        for index in range(trials)
    ]  # fmt: skip
    best = ("index", "units", "learning_rate", "validation_accuracy")
    made["launch"] |= {
        "peak_rss_bytes": 2**29,
        "search": {
            "sampler": "random", "trials_wanted": trials, "rows": 3200, "optuna": "4",
            "open_seconds": 0.1, "loop_seconds": 1.0, "resumed_trials": 0, "starts": 1,
            "trials": entries, "prune": False, "epochs": 2,
            "best": {key: entries[-1][key] for key in best},
            "retrained": {
                "rows": 4000, "epoch_losses": [0.1], "test_accuracy": 0.93, "seconds": 1.0,
            },
        },
    }  # fmt: skip
    return made


def of_division(made: Record, division: Division) -> Record:
    """The same record, its job of that division."""
    made["launch"]["job"]["division"] = division
    return made


def certificate(implementation: str = "pytorch:eager", passed: bool = True) -> Record:
    """A certifying launch."""
    outcome = (
        Outcome("ok") if passed else Outcome("unverified", "outputs: error 1 over bound 1e-05")
    )
    made = failure_record(job(implementation, 0, "certify"), outcome)
    check = {"name": "outputs", "error": 1e-7 if passed else 1.0, "bound": 1e-5, "passed": passed}
    made["launch"]["certificate"] = {
        "passed": passed, "reason": outcome.reason, "adam_form": "epsilon", "checks": [check],
    }  # fmt: skip
    return made


def about(
    tasks: Iterable[str] = ("fnn-mnist",),
    implementations: Iterable[str] = ("pytorch:eager", "mxnet:hybrid"),
    **changes: Any,
) -> dict[str, Any]:
    """A run.json of these tasks; `changes` are fields of the request."""
    request = Request("quick", tuple(tasks), tuple(implementations), threads=2, launches=4)
    works = {work.name: work for work in CATALOGUE}
    return {
        "schema": 2,
        "created": "2026-11-20T12:00:00+00:00",
        "command": "bench run",
        "suite": {"version": "1", "revision": "abc", "measurement": 1},
        "request": asdict(request) | changes,
        "budget": asdict(PROFILES["quick"].budget),
        "machine": {
            "cpu": "a CPU", "cores": 2, "memory_gib": 24, "architecture": "x86_64",
            "os": "Linux 6.1", "python": "3.11.7",
        },
        "datasets": {task: dataset(task) for task in tasks},
        "tasks": {
            name: {"digest": digest(works[name]), "definition": definition(works[name])}
            for name in tasks
            if name in works
        },
    }  # fmt: skip


def dataset(task: str) -> dict[str, Any]:
    """What run.json says of a task's data."""
    error = task in ("rnn-sequence", "lstm-forecast")
    return {
        "id": "digits-5000", "family": "digits", "folder": "digits/digits-5000-0",
        "sha256": "0" * 64, "source": "made up", "licence": "none", "rows": [4000, 1000],
        "embedded": True, "note": "", "size_bytes": 1000, "metric": "rmse" if error else "accuracy",
        "target": 0.2 if error else 0.9,
    }  # fmt: skip


def run_file(raw: dict[str, Any] | None = None) -> RunFile:
    """run.json as the door reads it."""
    return parse(json.dumps(about() if raw is None else raw), RunFile, "run.json")


def launch(made: Record) -> Launch:
    """A record as the door reads it."""
    return parse(json.dumps(finite(made), allow_nan=False), Launch, "record")


def results(records: Iterable[Record], raw: dict[str, Any] | None = None) -> Results:
    """A run of these records, through the real door. Its tasks are theirs unless `raw` says."""
    launches = [launch(made) for made in records]
    if raw is None:
        tasks = list(dict.fromkeys(x.cell.task for x in launches)) or ["fnn-mnist"]
        names = list(dict.fromkeys(x.cell.implementation for x in launches)) or ["pytorch:eager"]
        raw = about(tasks, names)
    return Results.of(run_file(raw), launches)


def stored(run: Run, records: Iterable[Record]) -> Results:
    """The same, written into a run directory and read again."""
    for made in records:
        run.add(made["launch"]["job"]["id"], made)
    return Results.read(run)
