"""results/record.schema.json is what the types say, and names every key that real files have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from bench.audit import record_schema
from bench.records.beside import CeilingFile, written
from bench.records.door import read
from bench.records.schema import Launch, RunFile
from bench.run.environments import PROJECT

PUBLISHED = PROJECT / "results" / "cpu-modes"
REAL: dict[str, tuple[str, type[BaseModel]]] = {
    "run.json": ("run.json", RunFile),
    "ceiling.json": ("ceiling.json", CeilingFile),
    "launch": ("launches/b000~fnn-mnist~jax-jit~cpu~fp32.json", Launch),
    "certificate": ("launches/certify~fnn-mnist~jax-jit~cpu~fp32.json", Launch),
}


def strange(found: Any, rule: dict[str, Any], schema: dict[str, Any], place: str) -> list[str]:
    """Where a file has a key that its part of the schema does not allow, or lacks one it needs."""
    if "$ref" in rule:
        rule = schema["$defs"][rule["$ref"].rsplit("/", 1)[1]]
    if isinstance(found, list):
        items = rule.get("items", {})
        return [w for i, x in enumerate(found) for w in strange(x, items, schema, f"{place}[{i}]")]
    if not isinstance(found, dict) or "properties" not in rule:
        return []
    known = rule["properties"]
    wrong = [f"{place}.{key}" for key in rule.get("required", []) if key not in found]
    for key, value in found.items():
        if key in known:
            wrong += strange(value, known[key], schema, f"{place}.{key}")
        elif rule.get("additionalProperties") is False:
            wrong.append(f"{place}.{key}")
    return wrong


def test_the_committed_file_is_what_the_command_writes() -> None:
    committed = record_schema.PATH.read_text(encoding="utf-8")
    assert committed == record_schema.text(), "python -m bench.audit.record_schema writes it"


@pytest.mark.parametrize("name", REAL)
def test_a_published_file_has_the_keys_of_its_type(name: str) -> None:
    place, model = REAL[name]
    found = written(read(PUBLISHED / place, model))  # type: ignore[arg-type]
    schema = record_schema.schema()
    rule = schema["$defs"][model.__name__]
    assert strange(found, rule, schema, name) == []
    assert strange(found | {"foreign": 1}, rule, schema, name) == [f"{name}.foreign"]
    first = rule["required"][0]
    assert strange({k: v for k, v in found.items() if k != first}, rule, schema, name)


def test_every_kind_of_file_is_in_it() -> None:
    made = json.loads(record_schema.PATH.read_text(encoding="utf-8"))
    kinds = [kind["$ref"].rsplit("/", 1)[1] for kind in made["anyOf"]]
    assert kinds == [model.__name__ for model in record_schema.FILES.values()]
    assert set(kinds) <= made["$defs"].keys()
