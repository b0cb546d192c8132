"""A task as JSON and back, and its digest: what a record keeps, and what a worker is given.

Every dataclass of the vocabulary becomes an object with its class's name under "type" and all its
fields, defaults too, so that a record tells the whole task even when a default changes later. Only
a field that is younger than published results is left out at its default (`LATER` in
tasks.spec.layers), which then must never change: tasks that do without it keep their digest.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

from tasks.spec import graph, layers, network, normalization, search, sequence, training, vision

Definition = dict[str, Any]
"""A task or a search as plain JSON."""

# Words for people: changing them changes no work.
_PROSE = frozenset({"summary", "reason"})


def _classes(*modules: ModuleType) -> dict[str, type]:
    found = [thing for module in modules for thing in vars(module).values()]
    return {c.__name__: c for c in found if isinstance(c, type) and is_dataclass(c)}


_VOCABULARY = _classes(layers, vision, sequence, normalization, graph, training, network, search)


def definition(work: Any) -> Any:
    """A task, a search or any part of one as plain JSON."""
    if is_dataclass(work) and not isinstance(work, type):
        values = {
            field.name: definition(getattr(work, field.name))
            for field in fields(work)
            if not (field.metadata.get("later") and getattr(work, field.name) == field.default)
        }
        return {"type": type(work).__name__} | values
    if isinstance(work, tuple | list):
        return [definition(part) for part in work]
    return work


def restored(raw: Any) -> Any:
    """Inverse of `definition`. ValueError for what is not in the vocabulary."""
    if isinstance(raw, list):
        return tuple(restored(part) for part in raw)
    if not isinstance(raw, dict):
        return raw
    name = raw.get("type")
    if name not in _VOCABULARY:
        raise ValueError(f"a task has no part of type {name!r}")
    parts = {key: restored(value) for key, value in raw.items() if key != "type"}
    try:
        return _VOCABULARY[name](**parts)
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from None


@lru_cache(maxsize=512)
def restored_text(text: str) -> Any:
    """`restored` of JSON text, remembered: a run's launches all carry the same few works."""
    return restored(json.loads(text))


def digest(work: Any) -> str:
    """The first 16 hexadecimal digits of SHA-256 over a task's definition, without its prose."""
    raw = work if isinstance(work, dict) else definition(work)
    text = json.dumps(_without_prose(raw), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _without_prose(raw: Any) -> Any:
    if isinstance(raw, dict):
        return {key: _without_prose(value) for key, value in raw.items() if key not in _PROSE}
    return [_without_prose(part) for part in raw] if isinstance(raw, list) else raw
