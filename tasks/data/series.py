"""Windows over a real series: predict the next value, or whether it will rise.

x float32 (N, length, 1), oldest value first; y float32 (N,): the value after the window, or 1
where it is above the window's last value, else 0. In units of the standard deviation of the
training part, whose mean is 0. Split by time: the targets of the test rows are the last fifth
of the series; their windows may reach back before it, as a forecaster's would.

"series": length 12, next value. "sequence": length 10, next value. "sequence-binary": length 10,
rise. The default is the weekly CO2 record of Mauna Loa, not the yearly sunspots: those are 309
values, fewer rows than a certificate's 20 steps take. A CSV under --data-dir replaces it.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tasks.data.arrays import Arrays
from tasks.data.family import About, DataFamily, Decoded
from tasks.errors import UserError

CO2 = About(
    "co2-mauna-loa-weekly",
    "weekly CO2 at Mauna Loa, 1958-2001 (Keeling & Whorf 2004), shipped with statsmodels, "
    "less the mean of the 52 weeks before",
    "public domain, as statsmodels states",
)
_TEST_SHARE = 0.2
_FEWEST = 100
_WEEKS = 52


def find(folder: Path) -> list[Path]:
    """The CSV files in `folder`/series, else in `folder` itself."""
    return sorted((folder / "series").glob("*.csv")) or sorted(folder.glob("*.csv"))


def decode(files: Sequence[Path], length: int, rises: bool) -> Decoded:
    """The last column of one CSV, a value a line, a heading allowed."""
    if len(files) > 1:
        names = ", ".join(path.name for path in files)
        raise UserError(f"{files[0].parent} holds several CSV files ({names}); leave one there")
    path = files[0]
    values = _column(path)
    if len(values) < _FEWEST or np.ptp(values) == 0:
        raise UserError(
            f"{path} holds {len(values)} values; a series needs {_FEWEST} or more, not all equal"
        )
    id_ = "csv-" + re.sub(r"[^A-Za-z0-9._]+", "-", path.stem)
    about = About(id_, f"{path.name}, {len(values)} values", "the user's own file")
    return Decoded(about, windows(values, length, rises), embedded=False)


def make(length: int, rises: bool) -> Decoded:
    """Weekly CO2 without its trend: each value less the mean of the 52 weeks before it, in ppm.

    59 of the 2,284 weeks are missing and are filled linearly. Without its trend, because the
    levels of the last years lie outside everything a network has seen in training.
    """
    from statsmodels.datasets import co2

    raw = co2.load_pandas().data["co2"].to_numpy(np.float64)
    known = np.flatnonzero(np.isfinite(raw))
    filled = np.interp(np.arange(len(raw)), known, raw[known])
    before = np.lib.stride_tricks.sliding_window_view(filled, _WEEKS)[:-1].mean(axis=1)
    values = filled[_WEEKS:] - before
    return Decoded(CO2, windows(values, length, rises), embedded=True)


def windows(values: np.ndarray, length: int, rises: bool) -> Arrays:
    """values (T,) → every window of `length` with the value after it; see the module's text."""
    first_test = round(len(values) * (1 - _TEST_SHARE))
    known = values[:first_test]
    scaled = ((values - known.mean()) / known.std()).astype(np.float32)
    all_ = np.lib.stride_tricks.sliding_window_view(scaled, length + 1)
    x, y = all_[:, :length, None].copy(), all_[:, length].copy()
    if rises:
        y = (y > x[:, -1, 0]).astype(np.float32)
    cut = first_test - length
    return Arrays(x[:cut], y[:cut], x[cut:], y[cut:])


def _column(path: Path) -> np.ndarray:
    values = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for number, row in enumerate(csv.reader(file), start=1):
                if row and not (number == 1 and _is_heading(row[-1])):
                    values.append(_number(row[-1], f"{path} line {number}"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as CSV: {error}; save it as UTF-8 CSV") from None
    return np.array(values)


def _is_heading(text: str) -> bool:
    """Whether the first line names a column: words, but not a missing value."""
    try:
        float(text)
    except ValueError:
        return bool(text.strip()) and text.strip().lower() not in ("na", "n/a", "null", "none")
    return False


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{where}: {text.strip()!r} is no number; fill in or remove that line")
    return value


def _family(name: str, length: int, rises: bool) -> DataFamily:
    read: Callable[[Sequence[Path]], Decoded] = partial(decode, length=length, rises=rises)
    return DataFamily(
        name, CO2, partial(make, length, rises), find=find, decode=read,
        wanted="one CSV of a series (in series/ or beside it; the last column is used)",
    )  # fmt: skip


FAMILIES = (
    _family("series", 12, rises=False),
    _family("sequence", 10, rises=False),
    _family("sequence-binary", 10, rises=True),
)
