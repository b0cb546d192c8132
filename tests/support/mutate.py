"""Damaged and foreign JSON files, for tests of readers: one mutation of a good file at a time."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**40, -1.5, 1e308, "", "x", "-1", "nan", "../../etc/passwd",
    "<script>alert(1)</script>", "\x1b[31m", "é" * 300, [], {}, [1], {"a": 1}, [[[[]]]],
)  # fmt: skip

KINDS = ("delete", "rename", "strange", "strange", "sign", "text", "bytes")


@dataclass(frozen=True)
class Mutant:
    """The damaged file, and what was done to it. `alters`: a number changed its type or sign."""

    data: bytes
    how: str
    alters: bool = False


def paths(raw: Any, at: Path = ()) -> Iterator[Path]:
    """Every place in a JSON value, the whole first."""
    yield at
    if isinstance(raw, dict):
        for key, value in raw.items():
            yield from paths(value, (*at, key))
    elif isinstance(raw, list):
        for number, value in enumerate(raw):
            yield from paths(value, (*at, number))


def _at(raw: Any, path: Path) -> Any:
    for part in path:
        raw = raw[part]
    return raw


def _changed(raw: Any, path: Path, change: Callable[[Any, Any], None]) -> Any:
    new = copy.deepcopy(raw)
    change(_at(new, path[:-1]), path[-1])
    return new


def _put(value: Any) -> Callable[[Any, Any], None]:
    def change(parent: Any, key: Any) -> None:
        parent[key] = value

    return change


def _delete(parent: Any, key: Any) -> None:
    del parent[key]


def _rename(parent: Any, key: Any) -> None:
    if isinstance(parent, dict):
        parent[f"{key}_"] = parent.pop(key)
    else:
        parent.append(parent[key])


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@st.composite
def mutants(draw: st.DrawFn, raw: Any) -> Mutant:
    """One mutation of a good JSON file."""
    where = draw(st.sampled_from([p for p in paths(raw) if p]))
    value = _at(raw, where)
    kind = draw(
        st.sampled_from(("delete", "rename", "strange", "strange", "sign", "text", "bytes"))
    )
    name = ".".join(map(str, where))
    if kind == "bytes":
        return _spoiled(draw, json.dumps(raw).encode(), name)
    if kind == "delete":
        return _made(_changed(raw, where, _delete), f"without {name}")
    if kind == "rename":
        return _made(_changed(raw, where, _rename), f"{name} renamed")
    if kind == "sign" and _number(value) and value:
        return _made(_changed(raw, where, _put(-value)), f"{name} negated", True)
    if kind == "text" and _number(value):
        return _made(_changed(raw, where, _put(str(value))), f"{name} as text", True)
    strange = draw(st.sampled_from(STRANGE))
    same = type(strange) is type(value) or (_number(strange) and _number(value))
    flipped = (
        _number(value) and _number(strange) and math.copysign(1, strange) != math.copysign(1, value)
    )
    alters = _number(value) and (not same or flipped)
    return _made(_changed(raw, where, _put(strange)), f"{name} = {strange!r:.40}", alters)


def _made(raw: Any, how: str, alters: bool = False) -> Mutant:
    return Mutant(json.dumps(raw).encode(), how, alters)


def _spoiled(draw: st.DrawFn, data: bytes, name: str) -> Mutant:
    at = draw(st.integers(0, len(data) - 1))
    kind = draw(st.sampled_from(("cut", "flip", "not utf-8", "nan", "deep", "empty", "list")))
    spoiled = {
        "cut": data[:at],
        "flip": data[:at] + bytes([data[at] ^ 0x15]) + data[at + 1 :],
        "not utf-8": data[:at] + b"\xff\xfe" + data[at:],
        "nan": data.replace(b"0.", b"NaN, 0.", 1),
        "deep": b"[" * 100_000 + data,
        "empty": b"",
        "list": b"[" + data + b"]",
    }[kind]
    return Mutant(spoiled, f"{kind} at {at} ({name})")
