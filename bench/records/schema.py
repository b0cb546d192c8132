"""Every file of a run as a type: what a reader may rely on, checked once, at the door.

`results/record.schema.json` is generated from these types and those of parts.py.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, ConfigDict, Field, JsonValue, model_validator

from adapters.base import Setting
from bench.records.parts import (
    CertificateRecord,
    Count,
    DeviceUse,
    DisturbanceRecord,
    LaunchReadings,
    Moment,
    Phase,
    Positive,
    SearchRecord,
    Seconds,
    StartSeconds,
    Strict,
    TurnRecord,
)
from bench.records.record import Budget, Cell, Job, JobKind, Request, Status
from tasks.spec.form import digest, restored
from tasks.spec.network import Task
from tasks.spec.search import Search
from tasks.spec.training import Score


class Machine(Strict):
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


class Place(Strict):
    """Where a launch of a run on several machines was measured: the node, the machine that it is,
    and the block that it was part of, which has one node and is new where a node was lost."""

    block: str
    node: str
    machine: Machine


class LaunchFacts(Strict):
    """The `launch` key: the job, how it ended, and whatever the worker measured beside rounds."""

    schema_: Literal[2] = Field(alias="schema")
    status: Status
    reason: str
    job: Job
    seconds: StartSeconds = StartSeconds()
    readings: LaunchReadings = LaunchReadings()
    peak_rss_bytes: Annotated[int, Field(gt=0)] | None = None
    peak_rss_from: str = ""
    cpu_seconds: Seconds | None = None
    disturbance: DisturbanceRecord = DisturbanceRecord()
    device_use: DeviceUse = DeviceUse()
    settings: dict[str, Setting] = Field(default_factory=dict)
    packages: dict[str, str] = Field(default_factory=dict)
    environment: dict[str, str] = Field(default_factory=dict)
    certificate: CertificateRecord | None = None
    search: SearchRecord | None = None
    turns: tuple[TurnRecord, ...] = ()
    """Of the sitting it was part of; empty in a launch that was measured alone."""
    place: Place | None = None


class Samples(Strict):
    """pytest-benchmark's statistics, of which only the raw seconds are read."""

    model_config = ConfigDict(extra="allow")

    data: tuple[Positive, ...]


class Extra(Strict):
    """What the worker says of a phase. turns: the turn of each round, where it sat in turns."""

    phase: Phase
    samples_per_round: Annotated[int, Field(gt=0)]
    turns: tuple[Count, ...] = ()


class Benchmark(Strict):
    """The rounds of one phase."""

    model_config = ConfigDict(extra="allow")

    extra_info: Extra
    stats: Samples

    @model_validator(mode="after")
    def _one_turn_a_round(self) -> Benchmark:
        if self.extra_info.turns and len(self.extra_info.turns) != len(self.stats.data):
            raise ValueError("has not one turn a round")
        return self


def _moment_or_none(text: str) -> str:
    if text:  # a launch that gave no measurement has none
        datetime.fromisoformat(text)
    return text


class Launch(Strict):
    """One launch as read: pytest-benchmark's file and its `launch` key."""

    machine_info: dict[str, JsonValue]
    commit_info: dict[str, JsonValue]
    benchmarks: tuple[Benchmark, ...]
    datetime: Annotated[str, AfterValidator(_moment_or_none)]
    version: str
    launch: LaunchFacts

    @model_validator(mode="after")
    def _one_a_phase(self) -> Launch:
        phases = [b.extra_info.phase for b in self.benchmarks]
        if len(set(phases)) != len(phases):
            raise ValueError("a phase stands twice in it")
        return self

    @model_validator(mode="after")
    def _turns_are_listed(self) -> Launch:
        phases = {turn.number: turn.phase for turn in self.launch.turns}
        if len(phases) != len(self.launch.turns):
            raise ValueError("launch.turns has a number twice")
        for b in self.benchmarks:
            if any(phases.get(turn) != b.extra_info.phase for turn in b.extra_info.turns):
                raise ValueError(f"{b.extra_info.phase}: a round is of a turn that is not listed")
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
    def kind(self) -> JobKind:
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

    @cached_property
    def _counting(self) -> frozenset[int]:
        return frozenset(turn.number for turn in self.launch.turns if turn.counts)

    def rounds(self, phase: str) -> np.ndarray:
        """float64 (rounds,): raw seconds of a phase, of the turns that count; empty when it was
        not measured."""
        found = self._phases.get(phase)
        seconds = np.array(found.stats.data if found else (), dtype=np.float64)
        if found is None or not found.extra_info.turns:
            return seconds
        return seconds[[turn in self._counting for turn in found.extra_info.turns]]

    def slices(self, phase: str) -> dict[int, float]:
        """Turn that counts → median seconds of its rounds; empty when it did not sit in turns."""
        found = self._phases.get(phase)
        if found is None or not found.extra_info.turns:
            return {}
        rounds: dict[int, list[float]] = {}
        for turn, seconds in zip(found.extra_info.turns, found.stats.data, strict=True):
            if turn in self._counting:
                rounds.setdefault(turn, []).append(seconds)
        return {turn: float(np.median(seconds)) for turn, seconds in rounds.items()}

    def samples(self, phase: str) -> int:
        """Samples a round of a phase; 0 when it was not measured."""
        found = self._phases.get(phase)
        return found.extra_info.samples_per_round if found else 0


class Suite(Strict):
    """Whose code measured. `measurement` grows when the way of measuring changes."""

    version: str
    revision: str
    measurement: Count


class SourceFacts(Strict):
    """What a run was begun from, so that it is gone on with from the same. pins: requirements that
    replaced the checkout's. commit: of a revision that was unpacked; empty of the checkout itself.
    code: digest of what measures. environments: name → digest of interpreter and pins. locks: name
    → SHA-256 of the lock that it was installed from, of those that were."""

    pins: tuple[str, ...] = ()
    commit: str = ""
    code: str = ""
    environments: dict[str, str] = Field(default_factory=dict)
    locks: dict[str, str] = Field(default_factory=dict)


class DataSetFacts(Strict):
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
    metric: Score
    target: Positive | None = None


class TaskFacts(Strict):
    """What a task was when it was measured: `tasks.spec.form`'s definition and digest."""

    digest: str
    definition: dict[str, JsonValue]

    @model_validator(mode="after")
    def _is_one(self) -> TaskFacts:
        if digest(self.definition) != self.digest:
            raise ValueError("digest is of another definition")
        work = restored(self.definition)
        if not isinstance(work, Task | Search) or not isinstance(work.summary, str):
            raise ValueError("definition is no task")
        return self


class RunFile(Strict):
    """run.json: written once, when a run begins."""

    schema_: Literal[2] = Field(alias="schema")
    created: Moment
    command: str
    suite: Suite
    request: Request
    budget: Budget
    machine: Machine
    datasets: dict[str, DataSetFacts]
    tasks: dict[str, TaskFacts] = Field(default_factory=dict)
    bounds: dict[str, float] = Field(default_factory=dict)
    pairing: str = ""
    source: SourceFacts = SourceFacts()

    def digest(self, task: str) -> str:
        """The digest of a task as this run was given it; empty where the run did not keep it."""
        facts = self.tasks.get(task)
        return facts.digest if facts else ""

    def task(self, name: str) -> Task | None:
        """A task as the run was given it; None of a search, and where the run did not keep it."""
        work = restored(self.tasks[name].definition) if name in self.tasks else None
        return work if isinstance(work, Task) else None

    @model_validator(mode="after")
    def _every_task_has_data(self) -> RunFile:
        lacking = [task for task in self.request.tasks if task not in self.datasets]
        if lacking:
            raise ValueError(f"datasets lacks {', '.join(lacking)}")
        return self
