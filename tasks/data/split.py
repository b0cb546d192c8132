"""Splits into training and test rows, the same on every machine."""

from __future__ import annotations

import numpy as np


def stratified(y: np.ndarray, fraction: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers (training, test), shuffled; `fraction` of every class is for testing.

    y (N,): class numbers.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        parts.append(rows[: round(fraction * len(rows))])
    test = rng.permutation(np.concatenate(parts))
    return rng.permutation(np.setdiff1d(np.arange(len(y)), test)), test
