"""A series in a text file: the last column's numbers in the order of time, and how it was read.

Separator, decimal mark, thousands, dates and their order are looked at; what can be read in two
ways is refused in one line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.data.files import number_texts, times
from tasks.data.files.number_texts import is_number
from tasks.errors import UserError

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}
_MOST_BYTES = 2**28
_MISSING = ("na", "n/a", "nan", "null", "none", "inf", "-inf", "")


@dataclass(frozen=True)
class ReadSeries:
    """values float64 (T,), oldest first. how: in words, how the file was read."""

    values: np.ndarray
    how: str


def read(path: Path) -> ReadSeries:
    """The series of a file. `UserError`, with the line, for what cannot be read rightly."""
    text = _text(path)
    separator = _separator(text)
    lines = _lines(path, text, separator)
    heading = lines[0][1] if lines and _is_heading(lines[0][1]) else []
    body = lines[1:] if heading else lines
    if not body:
        raise UserError(f"{path} holds no number; a series has one a line")

    def where(n: int) -> str:
        return f"{path} line {body[n][0]}"

    width = _check_widths(path, heading, body, where)
    if width < len(body[0][1]):  # one column, whose decimal commas the reader took for separators
        texts, how = [",".join(row) for _, row in body], "one column"
    else:
        texts, how = [row[-1] for _, row in body], _columns(separator, width)
    numbers = number_texts.column(texts, where)
    order = _order(heading, [row for _, row in body], where) if width > 1 else None
    named = f"column {heading[-1].strip()[:40]!r}" if heading and width > 1 else ""
    said = order.how if order else "in the order of its lines"
    values = numbers.values if order is None else numbers.values[order.rows]
    return ReadSeries(values, "read as " + ", ".join(filter(None, (how, named, numbers.how, said))))


def _columns(separator: str, width: int) -> str:
    return f"{width} columns between {_SEPARATORS[separator]}" if width > 1 else "one column"


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UserError(f"{path} has over {_MOST_BYTES >> 20} MiB, which is no series of ours")
        raw = path.read_bytes()
        marked = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = raw.decode("utf-16" if marked else "utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be opened: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} cannot be read as CSV: {error}; save it as UTF-8 CSV") from None
    if "\0" in text:
        raise UserError(f"{path} cannot be read as CSV: it holds zero bytes; save it as UTF-8 CSV")
    return text


def _separator(text: str) -> str:
    """The one that stands as often in (nearly) every line; a comma may be a decimal mark."""
    lines = [re.sub(r'"[^"]*"', "", line) for line in text.splitlines() if line.strip()][:1000]
    for mark in (";", "\t", "|"):
        counts = [line.count(mark) for line in lines]
        usual = int(np.median(counts)) if counts else 0
        if usual and sum(count == usual for count in counts) >= 0.9 * len(counts):
            return mark
    return ","


def _lines(path: Path, text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Rows that hold something, each with the number of the line where it ends."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    try:
        return [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise UserError(f"{path} cannot be read as CSV: {error}; save it as UTF-8 CSV") from None


def _is_heading(row: Sequence[str]) -> bool:
    """Whether the first line names columns: words, but not a missing value."""
    last = row[-1].strip()
    return not is_number(last) and last.lower() not in _MISSING


def _check_widths(
    path: Path,
    heading: Sequence[str],
    body: Sequence[tuple[int, list[str]]],
    where: Callable[[int], str],
) -> int:
    """How many columns there are. `UserError` where lines disagree, or a comma may be a decimal
    mark."""
    widths = [len(row) for _, row in body]
    width = len(heading) or widths[0]
    pairs = all(count in (1, 2) for count in widths) and 2 in widths
    if width == 1 and heading and pairs:
        return 1
    for n, count in enumerate(widths):
        if count != width:
            raise UserError(
                f"{where(n)} has {count} values, {'the heading' if heading else 'the first'} "
                f"{width}: a comma that is a decimal mark? Put ; between columns"
            )
    if not heading and width > 2:
        raise UserError(
            f"{path} has {width} columns and no heading: which is meant, and is a comma a decimal "
            "mark? Write a heading, or keep a time and a value"
        )
    if not heading and width == 2 and _could_be_decimals([row for _, row in body]):
        raise UserError(
            f"{path} has no heading, and its commas may stand between columns or in numbers; "
            "write a heading, or put ; between columns"
        )
    return width


def _could_be_decimals(rows: Sequence[Sequence[str]]) -> bool:
    """Of two columns of plain whole numbers, whether the first is no time: not in one direction."""
    if not all(re.fullmatch(r"[+-]?\d+", a) and re.fullmatch(r"\d+", b) for a, b in rows):
        return False
    steps = np.diff([float(a) for a, _ in rows])
    return not ((steps > 0).all() or (steps < 0).all())


def _order(
    heading: Sequence[str], rows: Sequence[Sequence[str]], where: Callable[[int], str]
) -> times.TimeOrder | None:
    """By the first column that holds times; None where none does."""
    for number in range(len(rows[0]) - 1):
        name = heading[number] if heading else ""
        found = times.order(name, [row[number] for row in rows], where)
        if found is not None:
            return found
    return None
