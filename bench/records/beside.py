"""The files beside a run's records, and a history's entries, as types (see schema.py)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue, model_validator

from adapters.base import Device, Precision
from bench.records.parts import Count, Moment, Positive, Strict
from bench.records.record import Budget, Cell, Status
from bench.records.schema import Machine
from tasks.spec.training import Score


class Rate(Strict):
    """Operations a second of a large matrix product, or the reason why there is none."""

    flops: Positive | None = None
    reason: str = ""


class CopyRate(Strict):
    """Bytes a second read and written by a copy, or the reason why there is none."""

    bytes_per_second: Positive | None = None
    reason: str = ""


class CeilingAnswer(Strict):
    """What one environment reached: a rate a precision, and a copy."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Rate]

    copy_: CopyRate = Field(default=CopyRate(), alias="copy")
    reason: str = ""

    @property
    def rates(self) -> Mapping[str, Rate]:
        """Precision → rate."""
        return self.__pydantic_extra__ or {}


class CeilingFile(Strict):
    """RUN/ceiling.json."""

    schema_: Literal[2] = Field(alias="schema")
    device: Device
    threads: Annotated[int, Field(gt=0)]
    precisions: tuple[Precision, ...]
    answers: dict[str, CeilingAnswer]


class EvidenceRequest(Strict):
    """What was asked: a part, of a framework. The rest is the probe's own; a curve's point names
    its task, its threads and which launch it was."""

    model_config = ConfigDict(extra="allow")

    part: str
    framework: str
    task: str = ""
    threads: Annotated[int, Field(gt=0)] | None = None
    launch: Count | None = None


class EvidenceEntry(Strict):
    """One question and its answer. An answer with a "reason" is none."""

    request: dict[str, JsonValue]
    answer: dict[str, JsonValue]

    @model_validator(mode="after")
    def _checked(self) -> EvidenceEntry:
        if self.asked.part == "curve" and None in (self.asked.threads, self.asked.launch):
            raise ValueError("a curve's request names no threads or no launch")
        _ = self.measured
        return self

    @cached_property
    def asked(self) -> EvidenceRequest:
        """The request as its type."""
        return EvidenceRequest.model_validate_json(json.dumps(self.request))

    @cached_property
    def measured(self) -> Strict | None:
        """The answer as its type; None where it is a reason, or of a part not known here."""
        if "reason" in self.answer or self.asked.part not in _ANSWERS:
            return None
        return _ANSWERS[self.asked.part].model_validate_json(json.dumps(self.answer))


class EvidenceFile(Strict):
    """RUN/evidence.json."""

    schema_: Literal[2] = Field(alias="schema")
    created: Moment
    machine: Machine
    threads: Annotated[int, Field(gt=0)]
    answers: dict[str, EvidenceEntry]


class PackageAnswer(Strict):
    """What the installed package says of itself."""

    distribution: str
    version: str
    requires_python: str
    pythons: tuple[str, ...]
    numpy: str


class ShapeAnswer(Strict):
    """The error for rows of a wrong length; `raised` is its type, empty where none came."""

    raised: str
    message: str
    characters: Annotated[int, Field(ge=0)]
    names_both: bool


class LengthSeconds(Strict):
    """Seconds of a step at each length, the first call and a later one; or why there are none."""

    lengths: tuple[Annotated[int, Field(gt=0)], ...] = ()
    first_seconds: tuple[Positive, ...] = ()
    again_seconds: tuple[Positive, ...] = ()
    reason: str = ""

    @model_validator(mode="after")
    def _paired(self) -> LengthSeconds:
        if len(self.first_seconds) != len(self.again_seconds):
            raise ValueError("first_seconds and again_seconds differ in length")
        if not self.reason and len(self.first_seconds) < 2:
            raise ValueError("holds neither a reason nor two lengths")
        return self


class DynamicAnswer(Strict):
    """How a condition on the data is written, and what each mode did; the usual mode first."""

    branch: str
    modes: Annotated[dict[str, LengthSeconds], Field(min_length=1)]


class RoundTrip(Strict):
    """A model written in a format and read again, or why it was not."""

    error: Annotated[float, Field(ge=0)] | None = None
    same: bool = False
    reason: str = ""


class ExportsAnswer(Strict):
    """Each format that the framework's package knows."""

    formats: dict[str, RoundTrip]


class StepPairs(Strict):
    """Seconds of epochs measured in turns."""

    easy: Annotated[tuple[Positive, ...], Field(min_length=1)]
    custom: Annotated[tuple[Positive, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _paired(self) -> StepPairs:
        if len(self.easy) != len(self.custom):
            raise ValueError("easy and custom differ in length")
        return self


class CustomStepAnswer(Strict):
    """Epochs of fit with its own training step, and with one of the user's."""

    seconds: StepPairs


class CurveAnswer(Strict):
    """Batch size → training throughput."""

    samples_per_second: dict[str, Positive]


class OldCeilingAnswer(Strict):
    """What schema 1 kept of a ceiling here; ceiling.json holds it now."""

    flops: Positive
    copy_bytes_per_second: Positive


_ANSWERS: dict[str, type[Strict]] = {
    "package": PackageAnswer,
    "shape": ShapeAnswer,
    "dynamic": DynamicAnswer,
    "exports": ExportsAnswer,
    "custom_step": CustomStepAnswer,
    "curve": CurveAnswer,
    "ceiling": OldCeilingAnswer,
}


class KeptValue(Strict):
    """A metric of a cell as a history keeps it: its value, and each launch's by block."""

    value: float
    launches: dict[str, float]


class KeptCell(Strict):
    """One cell of a run in a history."""

    cell: Cell
    dataset: str
    task: str
    """The task's digest; empty in schema 1, which kept none."""
    score: Score
    status: Status
    reason: str
    packages: dict[str, str]
    values: dict[str, KeptValue]


class HistoryEntry(Strict):
    """One run as a history keeps it."""

    schema_: Literal[2] = Field(alias="schema")
    id: str
    created: Moment
    revision: str
    command: str
    machine: Machine
    budget: Budget
    measurement: Count
    floors: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict, exclude=True)
    """Written until November 2026, no longer read."""
    cells: tuple[KeptCell, ...]


def written(model: Strict) -> dict[str, Any]:
    """A typed file as plain JSON, under the names it has on disk."""
    return model.model_dump(mode="json", by_alias=True)


def old_ceiling(evidence: EvidenceFile) -> CeilingFile | None:
    """The ceiling of a run from before there was a ceiling.json: float32's, in its evidence."""
    answers = {
        str(entry.request["framework"]): {
            "fp32": {"flops": entry.answer["flops"]},
            "copy": {"bytes_per_second": entry.answer["copy_bytes_per_second"]},
        }
        for entry in evidence.answers.values()
        if entry.request.get("part") == "ceiling" and "flops" in entry.answer
    }
    if not answers:
        return None
    asked = {"schema": 2, "device": "cpu", "threads": evidence.threads, "precisions": ["fp32"]}
    return CeilingFile.model_validate_json(json.dumps(asked | {"answers": answers}))
