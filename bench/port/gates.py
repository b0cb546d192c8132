"""Whether an LSTM's gates are read in another order."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from bench.port.ask import Numbers, PortArrays
from bench.port.stage import OUTPUTS, distance

GATES = ("input", "forget", "cell", "output")  # as Keras and PyTorch store them


def hint(a: Numbers, b: Numbers, group: str, key: str, before: str, theirs: np.ndarray) -> str:
    """In words, the order that explains `theirs`, b's outputs of the layer `key`; else nothing."""
    x, ours = np.asarray(a.group(group)[before], float), np.asarray(a.group(group)[key], float)
    parts = _parts(a.group("start"), key, x, theirs)
    if parts is None:
        return ""
    if distance(ours, _read(parts, x, theirs, range(4))) > OUTPUTS:
        return ""  # no plain LSTM
    for order in permutations(range(4)):
        if distance(_read(parts, x, theirs, order), theirs) <= OUTPUTS:
            moved = [f"the {GATES[g]} gate's weights as the {GATES[k]} gate's"
                     for k, g in enumerate(order) if k != g]  # fmt: skip
            return f"{b.name} takes {', '.join(moved)}"
    return ""


def _parts(
    weights: PortArrays, key: str, x: np.ndarray, states: np.ndarray
) -> tuple[np.ndarray, ...] | None:
    """Kernel (d, 4h), recurrent kernel (h, 4h) and bias (4h) of the layer, if it has them."""
    own = [np.asarray(v, float) for name, v in weights.items() if name.startswith(f"{key}/")]
    if x.ndim != 3 or states.ndim not in (2, 3):
        return None
    units = states.shape[-1]
    for shape in ((x.shape[-1], 4 * units), (units, 4 * units), (4 * units,)):
        if sum(v.shape == shape for v in own) != (2 if shape[0] == x.shape[-1] == units else 1):
            return None
    kernels = [v for v in own if v.ndim == 2]
    first, second = kernels if kernels[0].shape[0] == x.shape[-1] else kernels[::-1]
    return first, second, next(v for v in own if v.ndim == 1)


def _read(
    parts: tuple[np.ndarray, ...], x: np.ndarray, like: np.ndarray, order: range | tuple[int, ...]
) -> np.ndarray:
    """An LSTM whose gate k is computed from the weights of gate order[k]."""
    kernel, recurrent, bias = (
        np.concatenate([np.split(part, 4, -1)[g] for g in order], -1) for part in parts
    )
    h = c = np.zeros((len(x), recurrent.shape[0]))
    states = []
    for time in range(x.shape[1]):
        i, f, g, o = np.split(x[:, time] @ kernel + h @ recurrent + bias, 4, -1)
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
        h = _sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.stack(states, 1) if like.ndim == 3 else h


def _sigmoid(v: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * (1 + np.tanh(v / 2)))
