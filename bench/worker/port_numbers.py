"""What both programs of a port are given: rows, weights that are far from special, samples.

Freshly made weights hide faults: a bias of zeros may be missing, a scale of ones may be swapped
with another. So the suite draws its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Named = dict[str, np.ndarray]

ROWS, BATCHES = 16, 8
# Sizes of the batches' rows, one after the other: gradients that swing show an optimizer's memory.
SIZES = (3.0, 1.0, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3)
LARGE = 40.0  # times rows of size 1: limits and clips inside a network are met
TINY = 1e-5  # times the last matrix: gradients of all before it become as small as an epsilon
SAMPLE = 512  # values kept of an array at each step


@dataclass(frozen=True)
class PortRows:
    """x and y of every batch, one below the other, (BATCHES * ROWS, ...); `scaled`: x are
    numbers of the suite's own making, which may be made larger."""

    x: np.ndarray
    y: np.ndarray
    scaled: bool

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows of a step, counted from 0."""
        at = slice((step % BATCHES) * ROWS, (step % BATCHES + 1) * ROWS)
        return self.x[at], self.y[at]

    def plain(self) -> np.ndarray:
        """The second batch: rows of ordinary size."""
        return self.batch(1)[0]


def made(module: Any, seed: int) -> PortRows:
    """From what a program says of its rows; `ValueError` with a sentence where that is wrong.

    INPUT: shape of one row. WORDS: rows are integers below it, else normal numbers. TARGET: a
    count of classes, or the shape of one row's numbers. Or `examples(rng, count) -> (x, y)`.
    """
    rng = np.random.default_rng(seed)
    count = ROWS * BATCHES
    if hasattr(module, "examples"):
        x, y = (np.asarray(part) for part in module.examples(rng, count))
        return given(x, y)
    shape = _shape(module, "INPUT")
    if hasattr(module, "WORDS"):
        x = rng.integers(0, int(module.WORDS), (count, *shape)).astype(np.int32)
        x[::2, -max(1, x.shape[-1] // 4) :] = 0  # ends as padded sentences do
        return PortRows(x, _targets(module, rng, count), scaled=False)
    x = rng.standard_normal((count, *shape)).astype(np.float32)
    sizes = np.repeat(np.array(SIZES, np.float32), ROWS)
    x *= sizes.reshape(-1, *(1 for _ in shape))
    return PortRows(x, _targets(module, rng, count), scaled=True)


def given(x: np.ndarray, y: np.ndarray) -> PortRows:
    """A user's own rows, from the first on, again and again where there are too few."""
    if x.ndim < 1 or y.ndim < 1 or len(x) != len(y) or not len(x):
        raise ValueError(f"x and y must have equally many rows; they have {x.shape} and {y.shape}")
    order = np.resize(np.arange(len(x)), ROWS * BATCHES)
    return PortRows(x[order], y[order], scaled=False)


def _shape(module: Any, name: str) -> tuple[int, ...]:
    value = getattr(module, name, None)
    if not isinstance(value, tuple) or not all(isinstance(n, int) and n > 0 for n in value):
        raise ValueError(f"{name} must be the shape of one row, such as (28, 28, 1)")
    return value


def _targets(module: Any, rng: np.random.Generator, count: int) -> np.ndarray:
    target = getattr(module, "TARGET", None)
    if isinstance(target, int) and target > 1:
        return rng.integers(0, target, count)
    if isinstance(target, tuple):
        shape = _shape(module, "TARGET") if target else ()
        return rng.standard_normal((count, *shape)).astype(np.float32)
    raise ValueError("TARGET must be a count of classes, such as 10, or a shape, such as (1,)")


def moved(weights: Mapping[str, np.ndarray], seed: int) -> Named:
    """Weights of the size of a program's own, none of them zero, one or like its neighbour; the
    same ones every time, however a program draws its first.

    What is nowhere negative and not all zero (variances, scales) stays so. Integers stay.
    """
    rng = np.random.default_rng(seed)
    found = {}
    for name, value in weights.items():
        if value.dtype.kind != "f":
            found[name] = value
            continue
        noise = rng.standard_normal(value.shape)
        if not value.any():
            new = 0.1 * noise
        elif (value >= 0).all():
            new = value * rng.uniform(0.5, 1.5, value.shape) + 0.1 * np.abs(noise)
        else:
            new = float(f"{np.sqrt(np.mean(np.square(value))):.0e}") * noise
        found[name] = new.astype(value.dtype)
    return found


def nudged(weights: Mapping[str, np.ndarray], seed: int) -> Named:
    """The same weights but for what float32 rounds away: how far honest programs may part."""
    rng = np.random.default_rng(seed)
    return {
        name: (value * (1 + rng.choice((-1, 1), value.shape) * 2.0**-23)).astype(value.dtype)
        if value.dtype.kind == "f"
        else value
        for name, value in weights.items()
    }


def calmed(weights: Mapping[str, np.ndarray]) -> Named:
    """With the last matrix so small that all gradients behind it are tiny."""
    matrices = [name for name, value in weights.items() if value.ndim > 1]
    last = matrices[-1] if len(matrices) > 1 else None
    return {
        name: (value * TINY).astype(value.dtype) if name == last else value
        for name, value in weights.items()
    }


def sampled(arrays: Mapping[str, np.ndarray]) -> Named:
    """The same values of arrays of the same size, in float64, flat."""
    found = {}
    for name, value in arrays.items():
        flat = np.asarray(value, np.float64).ravel()
        if flat.size > SAMPLE:
            flat = flat[np.random.default_rng(flat.size).choice(flat.size, SAMPLE, replace=False)]
        found[name] = flat
    return found
