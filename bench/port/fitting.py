"""Which rule, with which values, explains a program's moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from bench.port.rules import Trace, UpdateRule, directions, explained

KINDS = ("SGD", "Adam", "Adam-hat", "RMSprop", "RMSprop-inside")
DECAYS = ("decoupled", "in the gradient")
PLAINER = 0.5  # a rule with more in it must leave less than this part of what a plainer one leaves
LEAST_MEMORY = 0.05
NEAR = 3e-4  # of the moves: a rule that leaves no more is not looked beyond
HANDLED = ("nesterov", "amsgrad", "forgotten", "summed", "clipped", "cut")


def identified(traces: Sequence[Trace]) -> UpdateRule | None:
    """The plainest rule that explains all of a program's moves; None where no known one does."""
    best: tuple[float, UpdateRule] | None = None
    for shapes in _shapes():
        if best is not None and (best[0] <= NEAR or shapes[0].before):
            break
        found = [fitted(traces, shape) for shape in shapes]
        right = [(left, rule) for rule, left in found if explained(rule, traces) and _meant(rule)]
        if right:
            least = min(right, key=lambda pair: pair[0])
            if best is None or least[0] < PLAINER * best[0]:
                best = least
    return best[1] if best else None


def _meant(rule: UpdateRule) -> bool:
    """Whether its values are such as a person gives: no second moment without a memory."""
    return rule.kind == "SGD" or rule.second > LEAST_MEMORY


def _shapes() -> Iterator[list[UpdateRule]]:
    yield [UpdateRule("SGD")]
    yield [UpdateRule(kind) for kind in KINDS[1:]]
    for decay in DECAYS:
        yield [UpdateRule(kind, decay_kind=decay) for kind in KINDS]
    for before in HANDLED:
        kinds = KINDS if before in ("summed", "clipped", "cut", "forgotten") else KINDS[1:]
        yield [UpdateRule(kind, before=before)
               for kind in (("SGD",) if before == "nesterov" else kinds)]  # fmt: skip


def fitted(traces: Sequence[Trace], shape: UpdateRule) -> tuple[UpdateRule, float]:
    """A rule of that shape with the values that explain the moves best, and what is left."""
    names = _open(shape)

    def rule(values: np.ndarray) -> UpdateRule:
        return _linear(_with(shape, names, values), traces)

    def left(values: np.ndarray) -> np.ndarray:
        made = rule(values)
        decay = made.decay if made.decay_kind == "decoupled" else 0.0
        parts = []
        for trace in traces:
            rows = zip(directions(made, trace), trace.before, trace.moves, strict=True)
            parts += [(made.rate * (d - decay * w) - u) / trace.size for d, w, u in rows]
        return np.nan_to_num(np.concatenate(parts), nan=1e3, posinf=1e3, neginf=-1e3)

    middle = {"clipped": np.median([n for t in traces for n in t.norms]),
              "cut": np.median(np.abs(traces[0].gradients))}.get(shape.before, 1.0)  # fmt: skip
    started = _START | {"limit": float(middle) or 1.0}
    start = np.array([_outward(n, started[n]) for n in names])
    if names:
        start = least_squares(left, start, method="trf", x_scale=1.0, max_nfev=60).x
    return rule(start), float(np.sqrt(np.mean(left(start) ** 2)))


# Open values are searched on scales on which all steps are alike.
_START = {"first": 0.9, "second": 0.99, "epsilon": 1e-7, "decay": 1e-3}
_SHARES = ("first", "second")  # between 0 and 1; the others are above 0


def _outward(name: str, value: float) -> float:
    return float(np.log(value / (1 - value)) if name in _SHARES else np.log(value))


def _inward(name: str, x: float) -> float:
    x = float(np.clip(x, -40, 40))
    return float(1 / (1 + np.exp(-x)) if name in _SHARES else np.exp(x))


def _open(shape: UpdateRule) -> tuple[str, ...]:
    """The names of its values that are to be found."""
    own = {"SGD": ("first",), "RMSprop": ("second", "epsilon"),
           "Adam": ("first", "second", "epsilon")}  # fmt: skip
    decay = ("decay",) if shape.decay_kind == "in the gradient" else ()
    limit = ("limit",) if shape.before in ("clipped", "cut") else ()
    return own[shape.kind.split("-")[0]] + decay + limit


def _with(shape: UpdateRule, names: Sequence[str], values: np.ndarray) -> UpdateRule:
    told: dict[str, Any] = {n: _inward(n, float(v)) for n, v in zip(names, values, strict=True)}
    return replace(shape, **told)


def _linear(rule: UpdateRule, traces: Sequence[Trace]) -> UpdateRule:
    """With the learning rate, and the decoupled decay, that explain the moves best."""
    parts = [[np.concatenate(list(v)) / t.size for v in (directions(rule, t), t.before, t.moves)]
             for t in traces]  # fmt: skip
    d, w, u = (np.nan_to_num(np.concatenate(column)) for column in zip(*parts, strict=True))
    if rule.decay_kind != "decoupled":
        rate = float(d @ u / size) if (size := float(d @ d)) > 0 else 0.0
        return replace(rule, rate=rate)
    (rate, drift), *_ = np.linalg.lstsq(np.stack([d, w], 1), u, rcond=None)
    return replace(rule, rate=float(rate), decay=float(-drift / rate) if rate else 0.0)
