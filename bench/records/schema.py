"""Every file of a run as a type: what a reader may rely on, checked once, at the door.

Strict: no text is taken for a number, no number may be infinite, an unknown key is refused. What
pytest-benchmark writes beside its samples is left as it is; nothing here reads it.
`results/record.schema.json` is generated from these types.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from bench.records.record import Budget, Cell, Job, Kind, Request, Status

Seconds = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Loss = Annotated[float, Field(ge=0)] | None
"""None where it was not finite: a file holds no NaN."""
Setting = bool | int | float | str
Phase = Literal["learn", "train", "step", "infer", "latency"]


def _iso(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Moment = Annotated[str, AfterValidator(_iso)]


class Model(BaseModel):
    """Frozen, strict, and closed: what is not named here is refused."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, populate_by_name=True
    )


class Check(Model):
    """One check of a certificate. `error` None: it was not finite."""

    name: str
    error: Annotated[float, Field(ge=0)] | None
    bound: Annotated[float, Field(ge=0)]
    detail: str = ""
    passed: bool
    kind: str = ""
    unit: str = ""
    again_up_to: Annotated[float, Field(ge=0)] = 0.0


class Certificate(Model):
    """The proof of equal work, as `bench.proof` gave it."""

    passed: bool
    reason: str
    adam_form: Literal["epsilon", "epsilon-hat"]
    seed: Count = 0
    checks: tuple[Check, ...]

    @model_validator(mode="after")
    def _agrees(self) -> Certificate:
        if self.passed != (bool(self.checks) and all(c.passed for c in self.checks)):
            raise ValueError("says another verdict than its checks")
        return self


class Disturbance(Model):
    """What others did while a launch ran (bench.machine.readings)."""

    steal_seconds: Seconds = 0.0
    others_cpu_seconds: Seconds = 0.0
    involuntary_switches: float = Field(default=0, ge=0)


class DeviceUse(Model):
    """What the runner saw of the device (bench.machine.devices)."""

    peak_memory_bytes: Positive | None = None
    mean_busy_percent: Annotated[float, Field(ge=0)] | None = None
    joules: Seconds | None = None
    other_processes: Count = 0


class StartSeconds(Model):
    """Parts of the start, in seconds; a search has no first step."""

    import_: Seconds | None = Field(default=None, alias="import")
    build: Seconds | None = None
    stage: Seconds | None = None
    first_step: Seconds | None = None


class Readings(Model):
    """What the worker read of the training and around the rounds."""

    first_loss: Loss = None
    epoch_losses: tuple[Loss, ...] = ()
    epoch_scores: tuple[Loss, ...] = ()
    validation_losses: tuple[Loss, ...] = ()
    final_loss: Loss = None
    test_score: Loss = None
    best_epoch: Annotated[int, Field(ge=1)] | None = None
    target: Positive | None = None
    epochs_to_target: Annotated[int, Field(ge=1)] | None = None
    time_to_target: Seconds | None = None
    learn_seconds: Seconds | None = None
    work_after_wait_seconds: float | dict[str, float] | None = None


class Phases(Model):
    """Seconds of a trial by phase."""

    tuner: Seconds
    build: Seconds
    compile: Seconds
    train: Seconds
    evaluate: Seconds


class Trial(Model):
    """One trial of a search; see results/README.md."""

    index: Count
    number: Count
    start: Count
    units: Annotated[int, Field(ge=1)]
    learning_rate: Positive
    weights: str
    status: Status | Literal["pruned"]
    reason: str
    validation_accuracy: Share | None
    epoch_accuracies: tuple[Share, ...]
    epoch_losses: tuple[Loss, ...]
    seconds: Seconds
    """0 of a trial that took its process with it."""
    phases: Phases
    rss_bytes: Annotated[int, Field(gt=0)]


class Best(Model):
    """The trial with the best validation accuracy."""

    index: Count
    units: Annotated[int, Field(ge=1)]
    learning_rate: Positive
    validation_accuracy: Share


class Retrained(Model):
    """The best configuration trained on all rows and scored on the test rows once."""

    rows: Annotated[int, Field(ge=1)]
    epoch_losses: tuple[Loss, ...]
    test_accuracy: Share
    seconds: Positive


class Search(Model):
    """One hyper-parameter search."""

    sampler: Literal["random", "grid", "tpe"]
    trials_wanted: Count
    prune: bool
    epochs: Annotated[int, Field(ge=1)]
    rows: Annotated[int, Field(ge=1)]
    optuna: str
    open_seconds: Seconds
    loop_seconds: Seconds
    resumed_trials: Count
    starts: Count
    trials: tuple[Trial, ...]
    best: Best | None = None
    retrained: Retrained | None = None


class Facts(Model):
    """The `launch` key: the job, how it ended, and whatever the worker measured beside rounds."""

    schema_: Literal[2] = Field(alias="schema")
    status: Status
    reason: str
    job: Job
    seconds: StartSeconds = StartSeconds()
    readings: Readings = Readings()
    peak_rss_bytes: Annotated[int, Field(gt=0)] | None = None
    peak_rss_from: str = ""
    cpu_seconds: Seconds | None = None
    disturbance: Disturbance = Disturbance()
    device_use: DeviceUse = DeviceUse()
    settings: dict[str, Setting] = {}
    packages: dict[str, str] = {}
    environment: dict[str, str] = {}
    certificate: Certificate | None = None
    search: Search | None = None


class Samples(Model):
    """pytest-benchmark's statistics, of which only the raw seconds are read."""

    model_config = ConfigDict(extra="allow")

    data: tuple[Positive, ...]


class Extra(Model):
    """What the worker says of a phase."""

    phase: Phase
    samples_per_round: Annotated[int, Field(gt=0)]


class Benchmark(Model):
    """The rounds of one phase."""

    model_config = ConfigDict(extra="allow")

    extra_info: Extra
    stats: Samples


class Launch(Model):
    """One launch as read: pytest-benchmark's file and its `launch` key."""

    machine_info: dict[str, JsonValue]
    commit_info: dict[str, JsonValue]
    benchmarks: tuple[Benchmark, ...]
    datetime: str
    version: str
    launch: Facts

    @model_validator(mode="after")
    def _one_a_phase(self) -> Launch:
        phases = [b.extra_info.phase for b in self.benchmarks]
        if len(set(phases)) != len(phases):
            raise ValueError("a phase stands twice in it")
        return self

    @property
    def job(self) -> Job:
        """The job it answers."""
        return self.launch.job

    @property
    def cell(self) -> Cell:
        """What was measured."""
        return self.launch.job.cell

    @property
    def kind(self) -> Kind:
        """certify, measure or search."""
        return self.launch.job.kind

    @property
    def status(self) -> Status:
        """How it ended."""
        return self.launch.status

    @property
    def reason(self) -> str:
        """Why, unless "ok"."""
        return self.launch.reason

    @cached_property
    def _phases(self) -> dict[str, Benchmark]:
        return {b.extra_info.phase: b for b in self.benchmarks}

    def rounds(self, phase: str) -> np.ndarray:
        """float64 (rounds,): raw seconds of a phase; empty when it was not measured."""
        found = self._phases.get(phase)
        return np.array(found.stats.data if found else (), dtype=np.float64)

    def samples(self, phase: str) -> int:
        """Samples a round of a phase; 0 when it was not measured."""
        found = self._phases.get(phase)
        return found.extra_info.samples_per_round if found else 0


class Suite(Model):
    """Whose code measured. `measurement` grows when the way of measuring changes."""

    version: str
    revision: str
    measurement: Count


class Machine(Model):
    """The machine's part of a run's fingerprint; memory and kernel are rounded.

    A device's own facts (bench.machine.devices) stand under its name: cuda_name, cuda_driver.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Setting | None]

    cpu: str
    cores: Annotated[int, Field(gt=0)]
    memory_gib: Count
    architecture: str
    os: str
    python: str


class DataSetFacts(Model):
    """Which rows a task was given, and what counts as learned on them."""

    id: str
    family: str
    folder: str
    sha256: str
    source: str
    licence: str
    rows: tuple[Count, Count]
    embedded: bool
    note: str
    size_bytes: Count
    metric: Literal["accuracy", "rmse"]
    target: Positive | None = None


class TaskFacts(Model):
    """What a task was when it was measured: `tasks.spec.form`'s definition and digest."""

    digest: str
    definition: dict[str, JsonValue]


class RunFile(Model):
    """run.json: written once, when a run begins."""

    schema_: Literal[2] = Field(alias="schema")
    created: Moment
    command: str
    suite: Suite
    request: Request
    budget: Budget
    machine: Machine
    datasets: dict[str, DataSetFacts]
    tasks: dict[str, TaskFacts] = {}
    bounds: dict[str, float] = {}
    pairing: str = ""

    def digest(self, task: str) -> str:
        """The digest of a task as this run was given it; empty where the run did not keep it."""
        facts = self.tasks.get(task)
        return facts.digest if facts else ""

    @model_validator(mode="after")
    def _every_task_has_data(self) -> RunFile:
        lacking = [task for task in self.request.tasks if task not in self.datasets]
        if lacking:
            raise ValueError(f"datasets lacks {', '.join(lacking)}")
        return self
