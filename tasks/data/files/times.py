"""The times of a series: which way its dates are written, their order, gaps and doubles."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from tasks.data.files.number_texts import is_number
from tasks.errors import UserError

_DAY = 86400.0
_FORMATS = (
    "%Y-%m", "%Y/%m/%d", "%Y/%m", "%Y.%m.%d", "%d.%m.%Y", "%m.%Y", "%m/%Y", "%b %Y", "%B %Y",
    "%b-%Y", "%Y-%b", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y", "%b-%y",
    "%d-%b-%y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S",
    "%d.%m.%y",
)  # fmt: skip
# Day and month may stand either way round: the file decides, or nobody.
_EITHER = (
    ("%d/%m/%Y", "%m/%d/%Y"), ("%d-%m-%Y", "%m-%d-%Y"), ("%d/%m/%y", "%m/%d/%y"),
    ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"), ("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"),
)  # fmt: skip
_WORDS = re.compile(r"date|time|day|week|month|year|quarter|index|datum|jahr|monat|tag", re.I)
_LIKE_A_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{4}-\d{2}")


@dataclass(frozen=True)
class TimeOrder:
    """rows: line numbers, oldest first. how: in words, what the order was and is; gaps too."""

    rows: np.ndarray
    how: str


def order(heading: str, texts: Sequence[str], where: Callable[[int], str]) -> TimeOrder | None:
    """The order of lines that this column tells; None where it holds no times.

    `UserError` for a date that is none, one that can be read in two ways, and for doubles.
    """
    keys = _numbers(heading, texts) if all(map(is_number, texts)) else _dates(texts, where)
    if keys is None:
        return None
    rows = np.argsort(keys, kind="stable")
    steps = np.diff(keys[rows])
    if len(steps) and steps.min() == 0:
        at = int(np.argmin(steps))
        first, second = sorted((int(rows[at]), int(rows[at + 1])))
        raise UserError(
            f"{where(second)}: {texts[second].strip()!r} stands there twice, first in "
            f"{where(first).rpartition(' ')[2]}; keep one value a time"
        )
    return TimeOrder(rows, f"{_was(keys)}{_gaps(steps)}")


def _was(keys: np.ndarray) -> str:
    steps = np.diff(keys)
    if (steps > 0).all():
        return "oldest first"
    return "newest first, turned round" if (steps < 0).all() else "in no order, sorted"


def _gaps(steps: np.ndarray) -> str:
    """Steps far longer than the usual one: windows run over them as over any other."""
    if len(steps) < 3:
        return ""
    usual = float(np.median(steps))
    # A month has 28 to 31 days, and a week's trading five.
    long = int((steps > (3.5 if usual == _DAY else 1.6) * usual).sum())
    return f", {long} {'gap' if long == 1 else 'gaps'} in it" if long else ""


def _numbers(heading: str, texts: Sequence[str]) -> np.ndarray | None:
    """Years, an index or seconds; None of numbers that are in no order and have no such heading."""
    try:
        keys = np.array([float(text) for text in texts])
    except ValueError:
        return None
    steps = np.diff(keys)
    if (steps > 0).all() or (steps < 0).all():
        return keys
    return keys if _WORDS.search(heading) else None


def _dates(texts: Sequence[str], where: Callable[[int], str]) -> np.ndarray | None:
    words = [text.strip() for text in texts]
    ways = [keys for one in _FORMATS if (keys := _all(words, _by(one))) is not None]
    iso = _all(words, datetime.fromisoformat)
    if iso is not None:
        return iso
    if ways:
        return ways[0]
    for both in _EITHER:
        either = [k for one in both if (k := _all(words, _by(one))) is not None]
        if either:
            return _the_one(either, words, where)
    if sum(_LIKE_A_DATE.match(word) is not None for word in words) < 0.9 * len(words):
        return None
    for n, word in enumerate(words):
        if not _is_date(word):
            raise UserError(f"{where(n)}: {word[:40]!r} is no date; correct it")
    raise UserError(f"{where(0)}: dates are not all written in one way; use 2026-01-31")


def _is_date(word: str) -> bool:
    every = [*_FORMATS, *(one for both in _EITHER for one in both)]
    return any(_all([word], _by(one)) is not None for one in every) or (
        _all([word], datetime.fromisoformat) is not None
    )


def _the_one(
    ways: list[np.ndarray], words: Sequence[str], where: Callable[[int], str]
) -> np.ndarray:
    """Of two ways to read day and month the only one, or the only one in which time runs evenly in
    one direction."""
    if len(ways) == 1 or np.array_equal(ways[0], ways[1]):
        return ways[0]
    running = [keys for keys in ways if (np.diff(keys) > 0).all() or (np.diff(keys) < 0).all()]
    if len(running) == 2:
        even = [float(np.std(np.diff(keys))) for keys in running]
        return running[int(np.argmin(even))]
    if len(running) == 1:
        return running[0]
    raise UserError(
        f"{where(0)}: in {words[0]!r} and all others day and month can be changed; write 2026-01-31"
    )


def _by(form: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, form)


def _all(words: Sequence[str], parse: Callable[[str], datetime]) -> np.ndarray | None:
    """Seconds of every text, None where one is not of this form; a time without zone is UTC."""
    found = np.empty(len(words))
    try:
        for n, word in enumerate(words):
            time = parse(word)
            found[n] = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return found
