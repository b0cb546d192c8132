"""What is written down: cells, jobs, statuses and the launch record, with their JSON forms.

A launch record is the pytest-benchmark JSON of one worker process (so that
``pytest-benchmark compare`` reads it) with one more key, ``launch``, described in
results/README.md. `SCHEMA` grows when a reader of older code could misread a record.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from adapters.base import Device, Precision

SCHEMA = 1
AA_LABEL = "A/A"

Status = Literal[
    "ok",  # ran and was verified
    "uninstallable",  # the framework's environment could not be made or imported
    "unsupported",  # the framework says it cannot do this work
    "unverified",  # ran, but the certificate or a sanity check refused it
    "diverged",  # a loss was not finite
    "timeout",  # killed at its time limit
    "out-of-memory",  # ran out of, or was stopped for, memory
    "crash",  # the process died without an answer
    "error",  # the adapter raised
]
Kind = Literal["certify", "measure", "search"]


@dataclass(frozen=True)
class Cell:
    """What is measured: task × implementation × device × precision × threads.

    `label` is "" or "A/A": the second copy of one implementation that shows the noise floor.
    """

    task: str
    implementation: str
    device: Device
    precision: Precision
    threads: int
    label: str = ""

    @property
    def contender(self) -> str:
        """The implementation with its label, as printed."""
        return f"{self.implementation} ({self.label})" if self.label else self.implementation


@dataclass(frozen=True)
class Budget:
    """How long one measuring launch works; part of the profile, kept in the record.

    learn_epochs: epochs of the learning curve (None: the task's own). round_steps: at most so
    many optimizer steps in a training round (None: the task's own). train_rounds: timed rounds.
    step_rounds: single steps. infer_rounds: passes of at most `infer_rows` rows at batch 256.
    latency_rounds: single rows. The timed phases take fewer rounds where more would last over
    `phase_seconds`, but never fewer than `MIN_ROUNDS`.
    """

    learn_epochs: int | None
    round_steps: int | None
    train_rounds: int
    step_rounds: int
    infer_rounds: int
    latency_rounds: int
    infer_rows: int
    phase_seconds: float
    timeout_seconds: float


MIN_ROUNDS = 5
DIED = "died.json"  # in a search's folder: the runner's note that a trial killed its process


@dataclass(frozen=True)
class Job:
    """One process to start. `module` holds the adapter; `data` is a folder of decoded
    arrays, relative to the cache. `target` is the score whose time is taken, None without one.

    The same block holds one launch of each contender; `seed` follows the block, so that every
    contender of a block starts from the same weights and sees the same rows. `repeat` is 1 in
    the second measurement of a block that others disturbed; it stands for the first one. `trials`
    and `prune` (the median pruner) are a search's.
    """

    id: str
    kind: Kind
    cell: Cell
    block: int
    position: int
    seed: int
    framework: str
    module: str
    package: str
    data: str
    budget: Budget
    target: float | None = None
    repeat: int = 0
    trials: int = 0
    prune: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)

    @staticmethod
    def from_dict(raw: dict[str, Any]) -> Job:
        """Inverse of `as_dict`."""
        return Job(**{**raw, "cell": Cell(**raw["cell"]), "budget": Budget(**raw["budget"])})


@dataclass(frozen=True)
class Outcome:
    """How a launch ended: its status and, unless "ok", the reason in one line."""

    status: Status
    reason: str = ""


Record = dict[str, Any]
"""A launch record as JSON: pytest-benchmark's keys and ``launch``."""


def failure_record(job: Job, outcome: Outcome) -> Record:
    """The record of a launch that gave no measurement; readable by pytest-benchmark too."""
    return {
        "machine_info": {},
        "commit_info": {},
        "benchmarks": [],
        "datetime": "",
        "version": "",
        "launch": launch_entry(job, outcome),
    }


def launch_entry(job: Job, outcome: Outcome, **parts: Any) -> dict[str, Any]:
    """The ``launch`` key: schema, job, outcome and whatever the worker measured."""
    return {
        "schema": SCHEMA,
        "status": outcome.status,
        "reason": outcome.reason,
        "job": job.as_dict(),
        **parts,
    }


def job_of(record: Record) -> Job:
    """The job a record answers."""
    return Job.from_dict(record["launch"]["job"])


def outcome_of(record: Record) -> Outcome:
    """How that job ended."""
    return Outcome(record["launch"]["status"], record["launch"]["reason"])
