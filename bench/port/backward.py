"""Loss, gradients and running statistics of the first step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.port.ask import Numbers
from bench.port.stage import (
    GRADIENTS,
    Stage,
    distance,
    gradients_part,
    listed,
    noisy,
    part,
    ratio,
    same,
    times,
    untold,
)

LOSS = 1e-4
STATISTICS = 1e-3


def loss(a: Numbers, b: Numbers) -> Stage:
    """The first step's loss, from the same weights and rows."""
    ours, theirs = a.losses["steps"][0], b.losses["steps"][0]
    if abs(theirs - ours) <= LOSS * abs(ours):
        return same("loss", f"{ours:.6g} and {theirs:.6g}")
    said = f"{a.name} {ours:.6g}, {b.name} {theirs:.6g}"
    r = theirs / ours if ours else 0.0
    whole = max(abs(r), 1 / abs(r)) if r else 0.0
    if whole > 1.5 and abs(whole - round(whole)) < 1e-3 * whole:
        said += f": {times(r)} the other: a sum where the other has a mean?"
    else:
        said += ": the outputs agree, so it is the loss (softmax twice, smoothing, a penalty?)"
    return part("loss", "the loss", said)


def gradients(a: Numbers, b: Numbers) -> Stage:
    """The gradients of the first batch. They are read from the outputs backwards, as they arise."""
    name = "gradients"
    ours, theirs = a.group("gradients"), b.group("gradients")
    if not ours or not theirs:
        return untold(name, "no `gradients` in both")
    order = [n for n in reversed(a.group("start")) if n in ours or n in theirs]
    for key in order:
        for one, other, own in ((a, b, theirs), (b, a, ours)):
            if key not in own:
                said = f"{other.name} has none; {one.name} trains it"
                return part(name, f"the gradient of `{key}`", said)
    quiet = noisy(ours) & noisy(theirs)
    parted = [n for n in order if n not in quiet and gradients_part(ours[n], theirs[n])]
    if not parted:
        worst = max(distance(ours[n], theirs[n]) for n in order if n not in quiet)
        return same(name, f"{len(order)} agree; largest difference {worst:.0e}")
    key = parted[0]
    agree = [n for n in order if n not in parted and n not in quiet]
    said = _how(a, b, parted, order)
    if agree:
        said += f"; that of {listed(agree)} agrees"
    return part(name, f"the gradient of `{key}`", said)


def _how(a: Numbers, b: Numbers, parted: Sequence[str], order: Sequence[str]) -> str:
    ours, theirs = a.group("gradients"), b.group("gradients")
    key = parted[0]
    x, y = np.asarray(ours[key], float), np.asarray(theirs[key], float)
    for one, values in ((a, x), (b, y)):
        if not values.any():
            return f"{one.name} has zero there: it is cut off, or frozen"
    whole = [np.concatenate([np.ravel(g[n]).astype(float) for n in order]) for g in (ours, theirs)]
    if (r := ratio(whole[0], whole[1])) is not None:
        return f"all of {b.name}'s are {times(r)} {a.name}'s: sum for mean, or clipped?"
    decays = [_decay(y - x, a.group("start")[key]), _decay(x - y, a.group("start")[key])]
    for one, decay in zip((b, a), decays, strict=True):
        if decay:
            return f"{one.name}'s has {decay:.3g} times the weights added: a penalty on weights"
    if (r := ratio(x, y)) is not None:
        return f"{b.name}'s is {times(r)} {a.name}'s"
    if x.ndim == 2 and (rows := _zero_rows(x, y)):
        one = b if not y[rows].any() else a
        return f"rows {', '.join(map(str, rows[:4]))} are zero in {one.name}: padding not trained?"
    return f"they differ by {distance(x, y):.1e} of their size"


def _decay(difference: np.ndarray, weights: np.ndarray) -> float:
    """λ where the difference is λ times the weights, λ > 0; else 0."""
    r = ratio(np.asarray(weights, float), difference)
    return r if r is not None and r > 0 else 0.0


def _zero_rows(x: np.ndarray, y: np.ndarray) -> list[int]:
    """Rows that are zero in one alone, where all others agree."""
    odd = [i for i in range(len(x)) if bool(x[i].any()) != bool(y[i].any())]
    others = np.delete(x, odd, 0), np.delete(y, odd, 0)
    return odd if odd and distance(*others) <= GRADIENTS else []


def statistics(a: Numbers, b: Numbers) -> Stage:
    """What a step moves without a gradient: the running statistics of batch norm."""
    name = "running statistics"
    if not a.group("gradients") or not b.group("gradients"):
        return untold(name, "no `gradients` in both tell which weights are trained")
    start = a.group("start")
    keys = [n for n, v in start.items() if n not in a.group("gradients") and v.dtype.kind == "f"]
    if not keys:
        return same(name, "there are none")
    remarks = []
    for key in keys:
        ours, theirs = (np.asarray(one.group("first")[key], float) - start[key] for one in (a, b))
        if distance(ours, theirs) <= STATISTICS:
            continue
        said, allowed = _moves(a, b, ours, theirs, start[key])
        if not allowed:
            return part(name, f"running statistic `{key}`", said)
        remarks.append(f"`{key}`: {said}")
    return same(name, f"{len(keys)} move alike", remarks)


def _moves(
    a: Numbers, b: Numbers, ours: np.ndarray, theirs: np.ndarray, start: np.ndarray
) -> tuple[str, bool]:
    """In words how two moves of one statistic differ, and whether they may.

    A variance moves by (1 - m) (v - old). With v over n - 1 values for v over n, k = 1 / (n - 1),
    the move becomes (1 + k) times itself, and (1 - m) k old more.
    """
    for one, moved in ((a, ours), (b, theirs)):
        if not moved.any():
            return f"{one.name} never moves it", False
    (slope, rest), *_ = np.linalg.lstsq(np.stack([ours, start], 1), theirs, rcond=None)
    fits = distance(theirs, slope * ours + rest * start) <= STATISTICS
    for one, k in ((b, slope - 1), (a, 1 / slope - 1)):
        n = 1 / k + 1 if k > 0 else 0.0
        if fits and n > 2 and abs(n - round(n)) < 0.02 * n and 0 < abs(rest) < k:
            said = f"{one.name} takes the variance over n - 1 values, not n"
            return f"{said}; no setting of the frameworks changes that", True
    if fits:
        return (
            f"{b.name}'s moves {times(float(slope))} as far as {a.name}'s: the momentum of batch "
            "norm (0.99 in Keras is 0.01 in PyTorch)"
        ), False
    return f"the moves differ by {distance(ours, theirs):.1e} of their size", False
