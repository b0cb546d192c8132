"""What one comparison found, and how two arrays are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.proof.bounds import relative, typical

# Two programs in float32, against one another: each is within 1e-5 of the true outputs and within
# 1e-4 of the true gradients (bench.proof.bounds), several times as far after many layers.
OUTPUTS, GRADIENTS = 1e-4, 1e-3
# A unit within rounding of relu's kink passes its gradient in one program and not in the other: the
# norm may be off by this where the typical value is not.
KINKS, TYPICAL = 2e-2, 1e-4


@dataclass(frozen=True)
class Stage:
    """One comparison. place: where they part, in a few words. said: one sentence: how they part,
    what agrees, or why nothing was compared. remarks: what is different and may be."""

    name: str
    status: Literal["same", "part", "not compared"]
    said: str = ""
    place: str = ""
    remarks: tuple[str, ...] = ()


def same(name: str, said: str, remarks: Sequence[str] = ()) -> Stage:
    return Stage(name, "same", said, remarks=tuple(remarks))


def part(name: str, place: str, said: str) -> Stage:
    return Stage(name, "part", said, place)


def untold(name: str, why: str) -> Stage:
    return Stage(name, "not compared", why)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """||a - b|| / ||a||; what is no number counts as equal where both have it."""
    if a.shape != b.shape:
        return float("inf")
    a, b = np.asarray(a, float), np.asarray(b, float)
    odd = ~np.isfinite(a) | ~np.isfinite(b)
    if not odd.any():
        return relative(b, a)
    if not np.array_equal(a[odd], b[odd], equal_nan=True):
        return float("inf")
    return relative(b[~odd], a[~odd])


def gradients_part(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two gradients differ by more than rounding and a few units at their kinks."""
    far = distance(a, b)
    return not (far <= GRADIENTS or (far <= KINKS and typical(b, a) <= TYPICAL))


def ratio(a: np.ndarray, b: np.ndarray) -> float | None:
    """r where b is r times a throughout, else None."""
    a, b = np.ravel(a).astype(float), np.ravel(b).astype(float)
    if a.shape != b.shape or not a.any() or not np.isfinite(a).all() or not np.isfinite(b).all():
        return None
    r = float(a @ b / (a @ a))
    return r if r and distance(r * a, b) <= OUTPUTS else None


def times(r: float) -> str:
    """ "16 times", "1/16 of", "-1 times"."""
    inverse = 1 / r
    if abs(r) < 1 and abs(inverse - round(inverse)) < 1e-3 * abs(inverse):
        return f"1/{round(inverse)} of"
    return f"{r:.4g} times"


def listed(names: Sequence[str], most: int = 4) -> str:
    """ "`a`, `b` and 3 more"."""
    shown = [f"`{name}`" for name in names[:most]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def noisy(gradients: Mapping[str, np.ndarray]) -> set[str]:
    """Arrays whose gradient is zero but for rounding, such as that of a bias before batch norm."""
    sizes = {n: float(np.sqrt(np.mean(np.square(g, dtype=float)))) for n, g in gradients.items()}
    largest = max(sizes.values(), default=0.0)
    return {name for name, size in sizes.items() if 0 < size < 1e-6 * largest}
