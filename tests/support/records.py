"""Made-up launch records, for tests of readers."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.plan.request import PROFILES
from bench.records.record import Cell, Job, Outcome, Record, failure_record, launch_entry

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
    return Job(name, kind, cell, block, 0, block, framework, "m", "p", "/data", budget)


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
        seconds={"import": 1.0, "build": 0.1, "stage": 0.01, "first_step": 0.2},
        readings={
            "test_score": 0.9,
            "final_loss": 0.1,
            "epoch_scores": [0.8, 0.9],
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
