"""Numbers as people write them: which mark is the decimal one is asked of a whole column.

"1.234,5" and "1,234.5" are read; a column that can be read in two ways that differ is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.errors import UserError

_SPACES = re.compile(r"(?<=\d)[ \u00a0\u202f'\u2019](?=\d{3}(\D|$))")  # thousands in some countries
_EXPONENT = r"([eE][+-]?\d+)?"


@dataclass(frozen=True)
class ReadColumn:
    """A column read: float64 (lines,), and in words how."""

    values: np.ndarray
    how: str


def column(texts: Sequence[str], where: Callable[[int], str]) -> ReadColumn:
    """The numbers of a column. where: a line's place in the file, for what is said.

    `UserError` names the first text that is no number, or says that the marks are ambiguous.
    """
    plain = [_SPACES.sub("", text.strip().replace("\u2212", "-")) for text in texts]
    ways = [way for way in (_read(plain, "."), _read(plain, ",")) if way is not None]
    if not ways:
        _refuse(plain, texts, where)
    commas = any("," in text for text in plain)
    if len(ways) == 2 and commas and not np.array_equal(ways[0].values, ways[1].values):
        place = next(n for n, text in enumerate(plain) if "," in text)
        raise UserError(
            f"{where(place)}: {texts[place].strip()!r} can be read in two ways, as all of its "
            "column can: is the comma a decimal mark? Write numbers with a decimal point and "
            "without marks between thousands"
        )
    found = ways[0]
    bad = np.flatnonzero(~np.isfinite(found.values))
    if len(bad):
        raise _no_number(texts[bad[0]], where(int(bad[0])))
    return found


def _read(texts: Sequence[str], decimal: str) -> ReadColumn | None:
    """As numbers with this decimal mark, the other one between thousands; None where a text is no
    such number."""
    other = "," if decimal == "." else "."
    plain = re.compile(rf"[+-]?(\d+(\{decimal}\d*)?|\{decimal}\d+){_EXPONENT}")
    grouped = re.compile(rf"[+-]?\d{{1,3}}(\{other}\d{{3}})+(\{decimal}\d*)?{_EXPONENT}")
    values = np.empty(len(texts))
    thousands = False
    for n, text in enumerate(texts):
        if plain.fullmatch(text) is None:
            if grouped.fullmatch(text) is None:
                return None
            thousands = True
        values[n] = float(text.replace(other, "").replace(decimal, "."))
    marks = f"decimal {'point' if decimal == '.' else 'comma'}"
    if thousands:
        marks += f", {other!r} between thousands"
    return ReadColumn(values, marks)


def _refuse(plain: Sequence[str], texts: Sequence[str], where: Callable[[int], str]) -> None:
    """Raises for the first text that is no number in any way, or that disagrees with others."""
    possible = {".", ","}
    for n, text in enumerate(plain):
        ways = {mark for mark in possible if _read([text], mark) is not None}
        if not ways and not is_number(text):
            raise _no_number(texts[n], where(n))
        if not ways:
            raise UserError(
                f"{where(n)}: {texts[n].strip()!r} has other marks than the lines before it; write "
                "all numbers in one way"
            )
        possible = ways


def _no_number(text: str, where: str) -> UserError:
    said = text.strip()[:40]
    return UserError(f"{where}: {said!r} is no number; fill in or remove that line")


def is_number(text: str) -> bool:
    """Whether a text is a number by itself, in either way; NaN and infinities are words."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        pass
    plain = _SPACES.sub("", text.strip())
    return _read([plain], ".") is not None or _read([plain], ",") is not None
