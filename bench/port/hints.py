"""How one layer's outputs differ, in words that lead to the line."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.port import gates
from bench.port.ask import Numbers
from bench.port.stage import OUTPUTS, distance, ratio, times

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda v: np.maximum(v, 0),
    "softmax": lambda v: (
        np.exp(v - v.max(-1, keepdims=True))
        / np.exp(v - v.max(-1, keepdims=True)).sum(-1, keepdims=True)
    ),
    "log-softmax": lambda v: (
        v
        - v.max(-1, keepdims=True)
        - np.log(np.exp(v - v.max(-1, keepdims=True)).sum(-1, keepdims=True))
    ),
    "sigmoid": lambda v: 0.5 * (1 + np.tanh(v / 2)),
    "tanh": np.tanh,
}


def hint(
    a: Numbers, b: Numbers, group: str, key: str, before: str | None, theirs: np.ndarray
) -> str:
    """The likeliest cause that the numbers themselves show. theirs: b's, its axes as a's."""
    ours = np.asarray(a.group(group)[key], float)
    theirs = np.asarray(theirs, float)
    if ours.shape != theirs.shape:
        return f"shapes {ours.shape} and {theirs.shape}"
    for one, values in ((a, ours), (b, theirs)):
        if not np.isfinite(values).all():
            return f"{one.name} has values there that are no numbers"
    found = _order(a, group, before, ours, theirs) or _values(a, b, ours, theirs)
    if not found and before is not None:
        found = gates.hint(a, b, group, key, before, theirs)
    if not found:
        found = _channels(ours, theirs)
    return found or f"they differ by {distance(ours, theirs):.1e} of their size"


def _order(a: Numbers, group: str, before: str | None, ours: np.ndarray, theirs: np.ndarray) -> str:
    """Whether they are the same numbers elsewhere."""
    for axis in range(1, ours.ndim):
        if distance(ours, np.flip(theirs, axis)) <= OUTPUTS:
            return f"axis {axis} runs the other way"
    rows = len(ours)
    mixed = np.sort(ours.reshape(rows, -1), 1), np.sort(theirs.reshape(rows, -1), 1)
    if distance(*mixed) > OUTPUTS:
        return ""
    if ours.ndim == 2 and before is not None and a.group(group)[before].ndim > 2:
        return (
            "the same numbers in another order: flattened channels first in one and channels "
            "last in the other"
        )
    return "the same numbers in another order"


def _values(a: Numbers, b: Numbers, ours: np.ndarray, theirs: np.ndarray) -> str:
    """Whether one is a function of the other."""
    for one, other, x, y in ((a, b, ours, theirs), (b, a, theirs, ours)):
        for word, function in FUNCTIONS.items():
            if distance(function(x), y) <= OUTPUTS:
                return f"{other.name} has the {word} of what {one.name} has"
        top = float(y.max())
        if 0 < top < x.max() and distance(np.minimum(x, top), y) <= OUTPUTS:
            return f"{other.name} cuts what is above {top:.4g}, as relu6 does"
    r = ratio(ours, theirs)
    return f"{b.name} has {times(r)} what {a.name} has" if r is not None else ""


def _channels(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Whether each channel is the other's, scaled and moved."""
    x, y = (v.reshape(-1, v.shape[-1]) for v in (ours, theirs))
    if len(x) < 8:
        return ""
    mean_x, mean_y = x.mean(0), y.mean(0)
    spread = np.sum((x - mean_x) ** 2, 0)
    slopes = np.sum((x - mean_x) * (y - mean_y), 0) / np.where(spread > 0, spread, 1)
    if distance(y, mean_y + slopes * (x - mean_x)) > OUTPUTS:
        return ""
    if np.allclose(slopes, 1, atol=1e-5):
        return "each channel is moved by a constant: a bias on one side only?"
    return (
        f"each channel is scaled on its own (by {slopes.min():.4g} to {slopes.max():.4g}): "
        "another epsilon, or other statistics, of a normalisation?"
    )
