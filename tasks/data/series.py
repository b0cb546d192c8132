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

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tasks.data.arrays import Arrays
from tasks.data.family import About, DataFamily, Decoded
from tasks.data.files import series_file
from tasks.errors import UserError

CO2 = About(
    "co2-mauna-loa-weekly",
    "weekly CO2 at Mauna Loa, 1958-2001 (Keeling & Whorf 2004), shipped with statsmodels, "
    "less the mean of the 52 weeks before",
    "public domain, as statsmodels states",
)
_TEST_SHARE = 0.2
_FEWEST = 100
_MOST_DEVIATIONS = 1e4  # squared errors of float32 lose their meaning beyond
_WEEKS = 52


def find(folder: Path) -> list[Path]:
    """The CSV files in `folder`/series, else in `folder` itself."""
    return sorted((folder / "series").glob("*.csv")) or sorted(folder.glob("*.csv"))


def decode(files: Sequence[Path], length: int, rises: bool) -> Decoded:
    """The last column of one CSV, a value a line, a heading allowed; in the order of its times."""
    if len(files) > 1:
        names = ", ".join(path.name for path in files)
        raise UserError(f"{files[0].parent} holds several CSV files ({names}); leave one there")
    path = files[0]
    read = series_file.read(path)
    values = read.values
    if len(values) < _FEWEST or np.ptp(values) == 0:
        raise UserError(
            f"{path} holds {len(values)} values; a series needs {_FEWEST} or more, not all equal"
        )
    id_ = "csv-" + re.sub(r"[^A-Za-z0-9._]+", "-", path.stem)
    about = About(id_, f"{path.name}, {len(values)} values", "the user's own file")
    _check_range(path, values)
    return Decoded(about, windows(values, length, rises), embedded=False, note=read.how)


def _check_range(path: Path, values: np.ndarray) -> None:
    """`UserError` for values that no framework could learn from, before one is blamed."""
    known = values[: _first_test(values)]
    with np.errstate(all="ignore"):
        spread = known.std()
        steady = not spread > 1e-9 * np.abs(known).max()
        largest = np.abs((values - known.mean()) / spread).max() if not steady else 0.0
    if steady:
        raise UserError(
            f"{path}: the first {1 - _TEST_SHARE:.0%} of the values, which are trained on, never "
            "change; a series must move there too"
        )
    if not largest < _MOST_DEVIATIONS:
        raise UserError(
            f"{path}: a value lies more than {_MOST_DEVIATIONS:.0f} standard deviations of the "
            "training part from its mean; correct it, or take logarithms"
        )


def _first_test(values: np.ndarray) -> int:
    return round(len(values) * (1 - _TEST_SHARE))


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
    first_test = _first_test(values)
    known = values[:first_test]
    scaled = ((values - known.mean()) / known.std()).astype(np.float32)
    all_ = np.lib.stride_tricks.sliding_window_view(scaled, length + 1)
    x, y = all_[:, :length, None].copy(), all_[:, length].copy()
    if rises:
        y = (y > x[:, -1, 0]).astype(np.float32)
    cut = first_test - length
    return Arrays(x[:cut], y[:cut], x[cut:], y[cut:])


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
