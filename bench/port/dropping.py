"""Dropout, read from the layers' outputs in training: where, how much, in what pattern."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bench.port.ask import Numbers
from bench.port.forward import nearest
from bench.port.stage import OUTPUTS, Stage, distance, part, same, untold

STANDARD_ERRORS = 5.0
SCALE = 2e-3  # of what is kept
SEEN = 40  # values below which a mask tells nothing


@dataclass(frozen=True)
class LayerMask:
    """kept: 1, 0, or NaN where the input was zero. scale: by which what is kept is multiplied."""

    kept: np.ndarray
    scale: float

    @property
    def rate(self) -> float:
        return float(1 - np.nanmean(self.kept))

    @property
    def seen(self) -> int:
        return int(np.isfinite(self.kept).sum())

    def constant(self, axis: int) -> float:
        """Share of the lines along an axis in which all or nothing is kept."""
        with np.errstate(all="ignore"):
            lines = np.moveaxis(self.kept, axis, -1)
            lines = lines.reshape(-1, lines.shape[-1])
            lines = lines[np.isfinite(lines).sum(1) > 1]
        if not len(lines):
            return 0.0
        return float(np.mean(np.nanmax(lines, 1) == np.nanmin(lines, 1)))


def mask(before: np.ndarray, after: np.ndarray) -> LayerMask | None:
    """What a layer drops, if it does nothing but drop and scale."""
    if before.shape != after.shape:
        return None
    used = before != 0
    share = np.divide(after, before, out=np.full(before.shape, np.nan), where=used)
    kept = share[used & (after != 0)]
    if used.sum() < SEEN or not len(kept) or len(kept) == used.sum():
        return None
    scale = float(np.median(kept))
    if np.max(np.abs(kept / scale - 1)) > SCALE:
        return None
    return LayerMask(np.where(used, (share != 0).astype(float), np.nan), scale)


def dropout(a: Numbers, b: Numbers) -> Stage:
    """Both programs' masks, layer after layer."""
    name = "dropout"
    if not a.group("dropped") or not b.group("dropped"):
        return untold(name, "no `layers` in both")
    common = [n for n in a.group("dropped") if n in b.group("dropped")]
    count = 0
    for before, key in pairwise(common):
        ours, theirs = (_mask(one, a, before, key) for one in (a, b))
        if ours is None and theirs is None:
            continue
        count += 1
        if ours is None or theirs is None:
            drops, other = (a, b) if theirs is None else (b, a)
            said = f"{drops.name} drops values there, {other.name} does not"
            return part(name, f"dropout `{key}`", said)
        for said in _differences(a, b, key, before, ours, theirs):
            return part(name, f"dropout `{key}`", said)
    unlike = _random(a, b, common)
    if unlike:
        return unlike
    return same(name, f"{count} layers drop alike" if count else "no layer drops anything")


def _mask(one: Numbers, like: Numbers, before: str, key: str) -> LayerMask | None:
    group = one.group("dropped")
    return mask(nearest(like.group("dropped")[before], group[before]),
                nearest(like.group("dropped")[key], group[key]))  # fmt: skip


def _differences(
    a: Numbers, b: Numbers, key: str, before: str, ours: LayerMask, theirs: LayerMask
) -> Iterator[str]:
    for one in (a, b):
        again = mask(one.group("dropped again")[before], one.group("dropped again")[key])
        first = mask(one.group("dropped")[before], one.group("dropped")[key])
        if again and first and np.array_equal(again.kept, first.kept, equal_nan=True):
            yield f"{one.name} drops the same values in every call"
    for axis in range(ours.kept.ndim):
        shares = ours.constant(axis), theirs.constant(axis)
        if max(shares) == 1 and min(shares) < 0.9:
            one = a if shares[0] == 1 else b
            words = "the same values in every row" if axis == 0 else f"whole lines of axis {axis}"
            yield f"{one.name} drops {words}, the other single values"
    error = np.sqrt(ours.rate * (1 - ours.rate) * (1 / ours.seen + 1 / theirs.seen))
    if abs(ours.rate - theirs.rate) > STANDARD_ERRORS * error:
        yield f"{a.name} drops {ours.rate:.0%} of the values, {b.name} {theirs.rate:.0%}"
    if abs(ours.scale / theirs.scale - 1) > SCALE:
        yield (
            f"{a.name} multiplies what is kept by {ours.scale:.4g}, {b.name} by {theirs.scale:.4g}"
        )


def _random(a: Numbers, b: Numbers, common: list[str]) -> Stage | None:
    """A layer that is another in each call of one program only."""
    for key in common:
        random = [
            distance(one.group("dropped")[key], one.group("dropped again")[key]) > OUTPUTS
            for one in (a, b)
        ]
        if random[0] != random[1]:
            one = a if random[0] else b
            said = f"in training {one.name} has other values there in each call, the other has not"
            return part("dropout", f"dropout at `{key}`", said)
    return None
