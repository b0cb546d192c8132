"""The files beside a run's records, and a history's entries, as types (see schema.py)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue, model_validator

from adapters.base import Device, Precision
from bench.records.record import Budget, Cell, Status
from bench.records.schema import Machine, Model, Moment, Positive


class Rate(Model):
    """Operations a second of a large matrix product, or the reason why there is none."""

    flops: Positive | None = None
    reason: str = ""


class CopyRate(Model):
    """Bytes a second read and written by a copy, or the reason why there is none."""

    bytes_per_second: Positive | None = None
    reason: str = ""


class CeilingAnswer(Model):
    """What one environment reached: a rate a precision, and a copy."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Rate]

    copy_: CopyRate = Field(default=CopyRate(), alias="copy")
    reason: str = ""

    @property
    def rates(self) -> Mapping[str, Rate]:
        """Precision → rate."""
        return self.__pydantic_extra__ or {}


class CeilingFile(Model):
    """RUN/ceiling.json."""

    schema_: Literal[2] = Field(alias="schema")
    device: Device
    threads: Annotated[int, Field(gt=0)]
    precisions: tuple[Precision, ...]
    answers: dict[str, CeilingAnswer]


class EvidenceEntry(Model):
    """One question and its answer. An answer with a "reason" is none."""

    request: dict[str, JsonValue]
    answer: dict[str, JsonValue]

    @model_validator(mode="after")
    def _checked(self) -> EvidenceEntry:
        part = self.request.get("part")
        if "reason" not in self.answer and part in _ANSWERS:
            _ANSWERS[str(part)].model_validate_json(json.dumps(self.answer))
        return self


class EvidenceFile(Model):
    """RUN/evidence.json."""

    schema_: Literal[2] = Field(alias="schema")
    created: Moment
    machine: Machine
    threads: Annotated[int, Field(gt=0)]
    answers: dict[str, EvidenceEntry]


class _Package(Model):
    distribution: str
    version: str
    requires_python: str
    pythons: tuple[str, ...]
    numpy: str


class _Shape(Model):
    raised: str
    message: str
    characters: Annotated[int, Field(ge=0)]
    names_both: bool


class _Lengths(Model):
    lengths: tuple[Annotated[int, Field(gt=0)], ...] = ()
    first_seconds: tuple[Positive, ...] = ()
    again_seconds: tuple[Positive, ...] = ()
    reason: str = ""


class _Dynamic(Model):
    branch: str
    modes: dict[str, _Lengths]


class _Format(Model):
    error: Annotated[float, Field(ge=0)] | None = None
    same: bool = False
    reason: str = ""


class _Exports(Model):
    formats: dict[str, _Format]


class _Steps(Model):
    seconds: dict[str, tuple[Positive, ...]]


class _Curve(Model):
    samples_per_second: dict[str, Positive]


class _OldCeiling(Model):
    flops: Positive
    copy_bytes_per_second: Positive


_ANSWERS: dict[str, type[Model]] = {
    "package": _Package,
    "shape": _Shape,
    "dynamic": _Dynamic,
    "exports": _Exports,
    "custom_step": _Steps,
    "curve": _Curve,
    "ceiling": _OldCeiling,
}


class KeptValue(Model):
    """A metric of a cell as a history keeps it: its value, and each launch's by block."""

    value: float
    launches: dict[str, float]


class KeptCell(Model):
    """One cell of a run in a history."""

    cell: Cell
    dataset: str
    task: str = ""
    score: Literal["accuracy", "rmse"]
    status: Status
    reason: str
    packages: dict[str, str]
    values: dict[str, KeptValue]


class HistoryEntry(Model):
    """One run as a history keeps it."""

    schema_: Literal[2] = Field(alias="schema")
    id: str
    created: Moment
    revision: str
    command: str
    machine: Machine
    budget: Budget
    measurement: Annotated[int, Field(ge=0)] = 0
    floors: dict[str, Annotated[float, Field(ge=0)]]
    cells: tuple[KeptCell, ...]


def written(model: Model) -> dict[str, Any]:
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
