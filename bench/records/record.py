"""What is written down: cells, jobs, statuses and the launch record, with their JSON forms.

Plain dataclasses of the standard library, because workers import this module in environments that
hold nothing else; bench/records/schema.py reads the same types strictly, with pydantic.

A launch record is the pytest-benchmark JSON of one worker process (so that
``pytest-benchmark compare`` reads it) with one more key, ``launch``, described in
results/README.md. `SCHEMA` grows when a reader of older code could misread a record.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any, ClassVar, Literal

from adapters.base import Device, Division, Precision

SCHEMA = 2
MEASUREMENT = 2  # grows when the way of measuring changes: other times are then not comparable
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
JobKind = Literal["certify", "measure", "search"]


# How pydantic reads the dataclasses below: no coercion, no unknown key, no infinite number.
CLOSED = {"strict": True, "extra": "forbid", "allow_inf_nan": False}
MOST_LAUNCHES = 1000  # of a cell: more are a mistake, and a plan of millions fills the memory
MOST_SEED = 2**32 - 1  # NumPy and the frameworks take 32 bits


def _least(thing: object, **bounds: float) -> None:
    """ValueError for a field under its least value."""
    for name, least in bounds.items():
        if getattr(thing, name) < least:
            raise ValueError(f"{name} must be at least {least}")


def _fits_a_seed(value: int) -> None:
    if value > MOST_SEED:
        raise ValueError(f"seed must be under {MOST_SEED}")


def _is_implementation(name: str) -> bool:
    """framework:mode, both said."""
    framework, colon, mode = name.partition(":")
    return bool(framework and colon and mode) and ":" not in mode


@dataclass(frozen=True)
class Cell:
    """What is measured: task × implementation × device × precision × threads.

    `label` is "" or "A/A": the second copy of one implementation that shows the noise floor.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

    task: str
    implementation: str
    device: Device
    precision: Precision
    threads: int
    label: str = ""

    def __post_init__(self) -> None:
        _least(self, threads=1)
        if self.label not in ("", AA_LABEL):
            raise ValueError(f"label must be empty or {AA_LABEL}")
        if not _is_implementation(self.implementation):
            raise ValueError("implementation must be framework:mode")

    @property
    def framework(self) -> str:
        """The part before the colon."""
        return self.implementation.split(":")[0]

    @property
    def mode(self) -> str:
        """The part behind the colon."""
        return self.implementation.split(":")[1]

    @property
    def contender(self) -> str:
        """The implementation with its label, as printed."""
        return f"{self.implementation} ({self.label})" if self.label else self.implementation


@dataclass(frozen=True)
class Budget:
    """How long one measuring launch works; part of the profile, kept in the record.

    learn_epochs: epochs of the learning curve (None: the task's own). round_steps: at most so
    many optimizer steps in a training round (None: the task's own). infer_rows: at most so many
    rows in a pass at batch 256. turns: that count, of each timed phase of a sitting.
    slice_seconds: of one contender in a turn, one round at least. (Before measurement 2: training
    rounds, and the most seconds of a phase.)
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

    learn_epochs: int | None
    round_steps: int | None
    infer_rows: int
    turns: int
    slice_seconds: float
    timeout_seconds: float

    def __post_init__(self) -> None:
        _least(self, infer_rows=1, turns=1)
        for name in ("slice_seconds", "timeout_seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0")
        for name in ("learn_epochs", "round_steps"):
            if getattr(self, name) is not None:
                _least(self, **{name: 1})


# What frameworks and C libraries say when memory cannot be had.
MEMORY_WORDS = (
    "out of memory",
    "outofmemory",
    "resourceexhausted",
    "bad_alloc",
    "can't allocate memory",
    "cannot allocate memory",
    "unable to allocate",
    "memoryerror",
)
CHANNEL = "BENCH_TURNS"  # the variable that names the file descriptor of a sitting's socket
DIED = "died.json"  # in a search's folder: the runner's note that a trial killed its process


@dataclass(frozen=True)
class Job:
    """One process to start. `module` holds the adapter; `data` is a folder of decoded
    arrays, relative to the cache. `target` is the score whose time is taken, None without one.

    The same block holds one launch of each contender; `seed` follows the block, so that every
    contender of a block starts from the same weights and sees the same rows; since measurement 2
    a block is a sitting. `repeat` is 1 in the second measurement of a block that others disturbed
    (before measurement 2); it stands for the first one. `trials`
    and `prune` (the median pruner) are a search's. `work` is the whole task or search
    (tasks.spec.form): the worker looks nothing up.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

    id: str
    kind: JobKind
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
    division: Division = "tuned"
    work: dict[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        _least(self, block=0, position=0, seed=0, repeat=0, trials=0)
        _fits_a_seed(self.seed)
        if self.target is not None and not self.target > 0:
            raise ValueError("target must be above 0")

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


@dataclass(frozen=True)
class Request:
    """What the user asked for, after the globs were resolved; kept in run.json."""

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

    profile: str
    tasks: tuple[str, ...]
    implementations: tuple[str, ...]
    device: Device = "cpu"
    precision: Precision = "fp32"
    threads: int = 1
    launches: int = 1
    seed: int = 0
    measure: bool = True  # False: certificates only
    margin: float = 0.02  # relative difference that matters in the run's own verdicts
    budget_seconds: float | None = None  # sittings are added until then, where doubt is left
    prune: bool = False  # searches: stop trials that the median pruner gives up
    # Modules of adapters from outside of the suite, each with a digest of its file in its name.
    adapters: tuple[str, ...] = ()
    own: tuple[str, ...] = ()  # environments that are the user's, not the suite's
    memory_limit_bytes: int | None = None  # of a worker; None: what is free
    shard: int = 1  # of `shards` parts of a plan, the one that this run is
    shards: int = 1
    routes: tuple[str, ...] = ()  # of a deployment: framework:format:runtime

    def __post_init__(self) -> None:
        _least(self, threads=1, launches=1, seed=0, shard=1, shards=1)
        if self.shard > self.shards:
            raise ValueError("shard must be at most shards")
        if self.launches > MOST_LAUNCHES:
            raise ValueError(f"launches must be at most {MOST_LAUNCHES}")
        _fits_a_seed(self.seed + self.launches)
        for name in self.implementations:
            if not _is_implementation(name):
                raise ValueError(f"implementations: {name!r} is not framework:mode")
        if self.memory_limit_bytes is not None:
            _least(self, memory_limit_bytes=2**26)
        if not 0 < self.margin < 1:
            raise ValueError("margin must lie between 0 and 1")
        if self.budget_seconds is not None and not self.budget_seconds > 0:
            raise ValueError("budget_seconds must be above 0")


Record = dict[str, Any]
"""A launch record as a worker or the runner writes it; `bench.records.schema.Launch` is how it is
read."""


def failure_record(job: Job, outcome: Outcome, **parts: Any) -> Record:
    """The record of a launch that gave no measurement; readable by pytest-benchmark too."""
    return {
        "machine_info": {},
        "commit_info": {},
        "benchmarks": [],
        "datetime": "",
        "version": "",
        "launch": launch_entry(job, outcome, **parts),
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


def finite(raw: Any) -> Any:
    """The same JSON with None for what is not finite: strict JSON has no word for it."""
    if isinstance(raw, dict):
        return {key: finite(value) for key, value in raw.items()}
    if isinstance(raw, list | tuple):
        return [finite(value) for value in raw]
    return None if isinstance(raw, float) and not isfinite(raw) else raw
