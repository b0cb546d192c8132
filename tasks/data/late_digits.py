"""The digits 5 to 9 of tasks/data/digits.py, as classes 0 to 4: what is learned after 0 to 4.

x uint8 (N, 28, 28, 1), scaled to 0…1 when loaded; y int32 (N,).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tasks.data import digits
from tasks.data.arrays import Arrays
from tasks.data.family import About, DataFamily, Decoded

FIRST = 5


def early(arrays: Arrays) -> Arrays:
    """The rows of the digits below `FIRST`."""
    return _those(arrays, arrays.y_train < FIRST, arrays.y_test < FIRST)


def late(arrays: Arrays) -> Arrays:
    """The rows of the others, their labels counted from 0."""
    found = _those(arrays, arrays.y_train >= FIRST, arrays.y_test >= FIRST)
    return replace(found, y_train=found.y_train - FIRST, y_test=found.y_test - FIRST)


def _those(arrays: Arrays, train: np.ndarray, test: np.ndarray) -> Arrays:
    """With an axis of one channel, as convolutions take images."""
    x_train, x_test = arrays.x_train[train][..., None], arrays.x_test[test][..., None]
    return Arrays(x_train, arrays.y_train[train], x_test, arrays.y_test[test])


def _about(known: About) -> About:
    return replace(known, id=f"{known.id}-late")


def _of(decoded: Decoded) -> Decoded:
    return replace(decoded, about=_about(decoded.about), arrays=late(decoded.arrays))


def decode(files: Sequence[Path]) -> Decoded:
    """Those of MNIST; `UserError` as `digits.decode`."""
    return _of(digits.decode(files))


FAMILY = DataFamily(
    name="digits-late",
    embedded=_about(digits.EMBEDDED),
    make=lambda: _of(digits.make()),
    canonical=_about(digits.MNIST).id,
    find=digits.find,
    decode=decode,
    wanted=digits.FAMILY.wanted,
)
