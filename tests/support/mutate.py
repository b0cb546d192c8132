"""Damaged and foreign files, for tests of readers: one mutation of a good file at a time.

`tries` says how many: 2,000 in all of `nox -s tests`, 50,000 in `nox -s hostile` (BENCH_EXAMPLES).
"""

from __future__ import annotations

import copy
import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("BENCH_EXAMPLES", "2000"))

Path = tuple[str | int, ...]
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**40, -1.5, 1e308, "", "x", "-1", "nan", "../../etc/passwd",
    "<script>alert(1)</script>", "\x1b[31m", "é" * 300, [], {}, [1], {"a": 1}, [[[[]]]],
)  # fmt: skip

KINDS = ("delete", "rename", "strange", "strange", "near", "near", "near", "sign", "text", "bytes")


@dataclass(frozen=True)
class Mutant:
    """The damaged file, and what was done to it. `alters`: a number changed its type or sign."""

    data: bytes = field(repr=False)
    how: str
    alters: bool = False


def tries(part: float) -> settings:
    """This part of all examples, the same ones each time. A mutant is a single change already:
    nothing is made smaller."""
    return settings(
        max_examples=max(1, round(EXAMPLES * part)), deadline=None, database=None,
        derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip


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


def _near(value: Any) -> list[Any]:
    """Other values of the same type: what a door has no reason to refuse, readers must bear."""
    if isinstance(value, bool):
        return [not value]
    if _number(value):
        return [value + 1, value * 2, value * 1000, value - value, 1e-9 if value % 1 else 10**6]
    if isinstance(value, str):
        return [f"{value} ", value.upper(), value[:-1], *(x for x in STRANGE if type(x) is str)]
    if isinstance(value, list):
        return [value[::-1], value * 2, value[1:], []]
    return [{}, {**value, "added": 1}] if isinstance(value, dict) else ["", 0, 0.5, [], {}]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def mutants(raw: Any) -> st.SearchStrategy[Mutant]:
    """One mutation of a good JSON file."""
    return _mutants(raw, [path for path in paths(raw) if path])


@st.composite
def line_mutants(draw: st.DrawFn, data: bytes) -> Mutant:
    """One mutation of a file that has a JSON value a line, as Optuna's journal."""
    lines = data.splitlines(keepends=True)
    at = draw(st.integers(0, len(lines) - 1))
    other = draw(st.integers(0, len(lines) - 1))
    kind = draw(st.sampled_from(("field", "field", "field", "file", "without", "again", "moved")))
    if kind == "file":
        return _spoiled(draw, data, "journal")
    if kind == "field":
        within = draw(mutants(json.loads(lines[at])))
        how = f"line {at}: {within.how}"
        return replace(within, data=b"".join(_with(lines, at, within.data + b"\n")), how=how)
    left = [*lines[:at], *lines[at + 1 :]]
    if kind == "again":
        left = lines
    if kind != "without":
        left = [*left[:other], lines[at], *left[other:]]
    return Mutant(b"".join(left), f"line {at} {kind} ({other})")


def _with(lines: list[bytes], at: int, line: bytes) -> list[bytes]:
    return [*lines[:at], line, *lines[at + 1 :]]


@st.composite
def _mutants(draw: st.DrawFn, raw: Any, places: list[Path]) -> Mutant:
    where = draw(st.sampled_from(places))
    value = _at(raw, where)
    kind = draw(st.sampled_from(KINDS))
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
    strange = draw(st.sampled_from(_near(value) if kind == "near" else STRANGE))
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
