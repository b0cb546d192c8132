"""What `bench deploy` writes, as types: RUN/deploy/<id>.json, one file a process that has ended.

A *route* is framework, format, runtime, and what the runtime computes in. Of a task, an export is
made once a framework and format; then each route is loaded in a fresh process, once a launch.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from adapters.base import Setting
from adapters.deployment import Width
from bench.records.parts import CheckRecord, Count, Moment, Positive, Seconds, Strict
from bench.records.record import Status

Micros = Annotated[float, Field(gt=0)]
Bytes = Annotated[int, Field(gt=0)]
DeployStage = Literal["export", "serve", "network"]


class RouteFacts(Strict):
    """framework:format:runtime, and :width where that is not float32. runtime "" in an export."""

    framework: str
    format: str
    runtime: str = ""
    width: Width = "fp32"

    @staticmethod
    def of(name: str) -> RouteFacts:
        """The route of a name. ValueError for what is none."""
        parts = name.split(":")
        known = dict(zip(("framework", "format", "runtime", "width"), parts, strict=False))
        return RouteFacts.model_validate(known)

    @property
    def name(self) -> str:
        """As it is asked for."""
        parts = [self.framework, self.format, self.runtime]
        return ":".join([*parts, *([self.width] if self.width != "fp32" else [])]).rstrip(":")


class ArtefactProof(Strict):
    """The certificate of a file in a runtime: its answers beside the oracle's."""

    passed: bool
    reason: str
    checks: tuple[CheckRecord, ...]

    @model_validator(mode="after")
    def _agrees(self) -> ArtefactProof:
        if self.passed != (bool(self.checks) and all(check.passed for check in self.checks)):
            raise ValueError("says another verdict than its checks")
        return self


class ExportFacts(Strict):
    """What was written. batch, length: the only ones that it takes; words: why."""

    seconds: Positive
    bytes: Bytes
    layout: str
    dtype: str
    batch: Count | None = None
    length: Count | None = None
    words: str = ""


class Latency(Strict):
    """Of single rows, one after the other: microseconds."""

    count: Annotated[int, Field(gt=0)]
    p50: Micros
    p90: Micros
    p99: Micros


class LoadScenario(Strict):
    """One scenario of MLPerf's load generator. cost: the median of its own part in a query, taken
    with a model that does nothing. rate: offline and server, queries a second. bound: of the 99th
    percentile, server."""

    scenario: Literal["single stream", "offline", "server"]
    valid: bool
    queries: Count
    p50: Micros | None = None
    p90: Micros | None = None
    p99: Micros | None = None
    rate: Positive | None = None
    bound: Micros | None = None
    cost: Annotated[float, Field(ge=0)] | None = None


class Served(Strict):
    """One process that loaded a file. Seconds of importing the runtime, reading the file, and the
    first answer; installed: bytes of the runtime and all it needs, as pip has installed it."""

    import_: Seconds = Field(alias="import")
    load: Seconds
    first: Seconds
    peak_rss_bytes: Bytes
    installed_bytes: Bytes
    settings: dict[str, Setting]
    score: float | None = None
    full_score: float | None = None
    latency: Latency | None = None
    rows_per_second: Positive | None = None
    load_generator: tuple[LoadScenario, ...] = ()


class RatePoint(Strict):
    """What clients saw at one rate, open loop: they send when it is time, whether or not answers
    are there, and a latency begins when a request was due. Milliseconds."""

    asked: Positive
    sent: Count
    answered: Count
    rejected: Count
    failed: Count
    p50: Positive | None = None
    p90: Positive | None = None
    p99: Positive | None = None


class Network(Strict):
    """A server over loopback. closed: latency with one client that waits for each answer."""

    server: str
    closed: RatePoint
    points: tuple[RatePoint, ...]


class DeployRecord(Strict):
    """One file."""

    schema_: Literal[2] = Field(alias="schema")
    id: str
    stage: DeployStage
    task: str
    route: RouteFacts
    launch: Count = 0
    status: Status
    reason: str
    made: Moment
    packages: dict[str, str] = Field(default_factory=dict)
    proof: ArtefactProof | None = None
    export: ExportFacts | None = None
    served: Served | None = None
    network: Network | None = None

    @model_validator(mode="after")
    def _holds_what_it_says(self) -> DeployRecord:
        part = {"export": self.export, "serve": self.served, "network": self.network}[self.stage]
        if self.status == "ok" and part is None:
            raise ValueError(f"is ok and holds no {self.stage}")
        return self


def identity(stage: DeployStage, task: str, route: RouteFacts, launch: int = 0) -> str:
    """The name of a record's file."""
    name = route.name.replace(":", "-")
    return "~".join([stage, task, name, *([str(launch)] if stage == "serve" else [])])
