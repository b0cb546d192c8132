"""The one door through which files come in: whole and typed, or one line that says what is wrong.

`UserError` names the file and the field. A file of an older schema is upgraded, one of a newer
schema is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bench.records.beside import CeilingFile, EvidenceFile, HistoryEntry
from bench.records.deployment import DeployRecord
from bench.records.groups import DistributedFile
from bench.records.record import SCHEMA
from bench.records.schema import Launch, RunFile
from bench.records.upgrade import UPGRADES
from tasks.errors import UserError

T = TypeVar("T", bound=BaseModel)
MOST_BYTES = 2**28  # no file of ours is larger: a bomb is not read into memory

_WORDS: dict[type[BaseModel], str] = {
    RunFile: "run",
    Launch: "launch",
    CeilingFile: "ceiling",
    EvidenceFile: "evidence",
    HistoryEntry: "history",
    DistributedFile: "distributed training",
    DeployRecord: "deployment",
}


def read(path: Path, model: type[T]) -> T:
    """A file as its type."""
    return parse(text_of(path, model), model, str(path))


def text_of(path: Path, model: type[BaseModel]) -> str:
    """The file's text; `UserError` where there is none that could be read."""
    what = _WORDS[model]
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{path} is no {what} of this suite: over {MOST_BYTES >> 20} MiB")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: not a {what} of this suite") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(f"{path} cannot be read as a {what}: {why}") from None


def parse(text: str, model: type[T], name: str) -> T:
    """`read` of a text; `name` stands for the file in what is said."""
    what = _WORDS[model]
    try:
        raw = _upgraded(_json(text), what, name)
        return model.model_validate_json(json.dumps(raw, allow_nan=False))
    except ValidationError as error:
        raise UserError(f"{name} is no {what} of this suite: {_first(error)}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name} cannot be read as a {what}: {error}") from None


def _json(text: str) -> dict[str, Any]:
    """JSON, with None where schema 1 wrote NaN or an infinity; newer files hold none."""
    strange: list[str] = []

    def constant(word: str) -> None:
        strange.append(word)

    raw = json.loads(text, parse_constant=constant)
    if not isinstance(raw, dict):
        raise ValueError("not a JSON object")
    if strange and _schema(raw) != 1:
        raise ValueError(f"{strange[0]} is no JSON")
    return raw


def _schema(raw: dict[str, Any]) -> Any:
    place = raw["launch"] if isinstance(raw.get("launch"), dict) else raw
    return place.get("schema")


def _upgraded(raw: dict[str, Any], what: str, name: str) -> dict[str, Any]:
    schema = _schema(raw)
    if type(schema) is not int:
        raise UserError(f"{name} names no schema: not a {what} of this suite")
    if schema > SCHEMA:
        raise UserError(
            f"{name} was written by a newer version (schema {schema}, this one reads "
            f"{SCHEMA}); update this suite to read it"
        )
    if schema == SCHEMA:
        return raw
    if schema != 1:
        raise UserError(f"{name} names a schema that never was: {schema}")
    try:
        return UPGRADES[what](raw)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it lacks {error}") from None


def _first(error: ValidationError) -> str:
    """The first thing wrong, as "field.path: what"; how many more."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    place = ".".join(str(part) for part in faults[0]["loc"]) or "the whole"
    message = faults[0]["msg"].removeprefix("Value error, ")
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{place}: {message}{more}"
