"""The files of a run as JSON Schema, for readers that are not this suite.

``python -m bench.audit.record_schema`` writes results/record.schema.json from the types in
bench/records/schema.py, beside.py and groups.py; a test holds the committed file to them. What a
type checks beyond its fields (that two lists have one length) has no word in JSON Schema.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from bench.records.beside import CeilingFile, EvidenceFile, HistoryEntry
from bench.records.groups import DistributedFile
from bench.records.schema import Launch, RunFile

PATH = Path(__file__).resolve().parents[2] / "results" / "record.schema.json"
FILES = {
    "run.json": RunFile,
    "launches/JOB.json": Launch,
    "ceiling.json": CeilingFile,
    "evidence.json": EvidenceFile,
    "distributed.json": DistributedFile,
    "an entry of a history": HistoryEntry,
}


def schema() -> dict[str, Any]:
    """Draft 2020-12: any of the files is valid, each by its definition under "$defs"."""
    modes = [(model, "validation") for model in FILES.values()]
    _, made = models_json_schema(modes, by_alias=True)  # type: ignore[arg-type]
    kinds = [{"title": name, "$ref": f"#/$defs/{model.__name__}"} for name, model in FILES.items()]
    head = {"$schema": GenerateJsonSchema.schema_dialect, "title": "The files of a run, schema 2"}
    return head | {"anyOf": kinds} | made


def text() -> str:
    """The file's text; the same types give the same bytes."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
