"""Rows that differ from each other, as many as are asked for."""

from __future__ import annotations

import numpy as np

SHRINK = 2.0**-6  # each further copy of real values is so much smaller


def distinct_rows(x: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(count, ...) rows of `x` in random order, no two the same.

    Where x has too few, further copies are changed: real values shrink by 1/64 a copy, word numbers
    are turned along the sequence by one word a copy. Repeated rows could be answered once for all.
    """
    order = np.random.default_rng((seed, 0xD1)).permutation(len(x))
    copies = []
    for copy in range(-(-count // len(x))):
        rows = x[order[: count - copy * len(x)]]
        if copy and x.dtype.kind == "f":
            rows = rows * x.dtype.type(1 - SHRINK * copy)
        elif copy:
            rows = np.roll(rows, copy, axis=1)
        copies.append(rows)
    return np.ascontiguousarray(np.concatenate(copies))
