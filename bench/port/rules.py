"""By which optimizer a program moves, read from its own gradients and moves.

Each program's moves are explained by its own gradients, so rounding that grows from step to step
in one program and not in the other plays no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

Vectors = Sequence[np.ndarray]
ROUNDING = 2.0**-24


@dataclass(frozen=True)
class Trace:
    """Gradients, weights before and moves, one vector a step; norms of whole gradients. arrays:
    where each array lies in a vector. A tiny trace is of one step."""

    gradients: Vectors
    before: Vectors
    moves: Vectors
    norms: Sequence[float]
    arrays: dict[str, slice] = field(default_factory=dict)

    def only(self, at: slice) -> Trace:
        """The values of one array alone."""
        cut = [[v[at] for v in part] for part in (self.gradients, self.before, self.moves)]
        return Trace(cut[0], cut[1], cut[2], self.norms)

    @property
    def size(self) -> float:
        """Root of the mean square of the moves; 1 where nothing moves."""
        return float(np.sqrt(np.mean([np.mean(u**2) for u in self.moves]))) or 1.0

    def rounding(self) -> float:
        """What float32 weights leave open, as a share of the moves."""
        weights = float(np.sqrt(np.mean([np.mean(v**2) for v in self.before])))
        return ROUNDING * weights / self.size


@dataclass(frozen=True)
class UpdateRule:
    """An optimizer with its values. kind: SGD, Adam (ε beside sqrt(v̂)), Adam-hat (beside
    sqrt(v)), RMSprop, RMSprop-inside (ε under the root). before: what is done to gradients."""

    kind: str
    rate: float = 0.0
    first: float = 0.0  # momentum, or β1
    second: float = 0.0  # β2, or ρ
    epsilon: float = 0.0
    decay: float = 0.0
    decay_kind: str = ""  # "decoupled", or "in the gradient"
    before: str = ""  # "", "clipped", "cut", "summed", "forgotten", "amsgrad", "nesterov"
    limit: float = 0.0

    def text(self) -> str:
        """As it is printed."""
        words = [f"learning rate {self.rate:.3g}"]
        if self.kind == "SGD":
            name, words = (
                "SGD",
                words + ([f"momentum {self.first:.3g}"] if self.first > 1e-3 else []),
            )
        else:
            name = self.kind.split("-")[0]
            if name == "Adam":
                words.append(f"β1 {self.first:.4g}")
            words += [f"β2 {self.second:.4g}" if name == "Adam" else f"ρ {self.second:.4g}"]
            words.append(f"ε {self.epsilon:.2g}")
        if self.decay:
            words.append(f"weight decay {self.decay:.3g} {self.decay_kind}")
        told = {
            "clipped": f"gradients clipped to a norm of {self.limit:.3g}",
            "cut": f"each gradient cut at {self.limit:.3g}",
            "summed": "gradients of all steps summed, never zeroed",
            "forgotten": "as if new in every step",
            "amsgrad": "AMSGrad",
            "nesterov": "Nesterov",
        }
        return f"{name}({', '.join([*words, *filter(None, [told.get(self.before)])])})"


def _prepared(rule: UpdateRule, trace: Trace) -> list[np.ndarray]:
    """Gradients as the optimizer gets them."""
    found = [np.asarray(g) for g in trace.gradients]
    if rule.before == "clipped":
        scales = [min(1.0, rule.limit / n) if n else 1.0 for n in trace.norms]
        found = [g * s for g, s in zip(found, scales, strict=True)]
    if rule.before == "cut":
        found = [np.clip(g, -rule.limit, rule.limit) for g in found]
    if rule.before == "summed":
        found = list(np.cumsum(found, 0))
    if rule.decay_kind == "in the gradient":
        found = [g + rule.decay * w for g, w in zip(found, trace.before, strict=True)]
    return found


def directions(rule: UpdateRule, trace: Trace) -> list[np.ndarray]:
    """Moves at a learning rate of 1, without decoupled decay."""
    found = []
    m = v = largest = np.zeros_like(trace.gradients[0])
    for number, g in enumerate(_prepared(rule, trace)):
        t = number + 1
        if rule.before == "forgotten":
            m = v = np.zeros_like(g)
            t = 1
        if rule.kind == "SGD":
            m = rule.first * m + g
            found.append(-(g + rule.first * m) if rule.before == "nesterov" else -m)
            continue
        v = rule.second * v + (1 - rule.second) * g * g
        largest = np.maximum(largest, v)
        square = largest if rule.before == "amsgrad" else v
        if rule.kind == "RMSprop":
            found.append(-g / (np.sqrt(square) + rule.epsilon))
        elif rule.kind == "RMSprop-inside":
            found.append(-g / np.sqrt(square + rule.epsilon))
        else:
            m = rule.first * m + (1 - rule.first) * g
            one, two = 1 - rule.first**t, np.sqrt(1 - rule.second**t)
            epsilon = rule.epsilon / (two + 1e-300) if rule.kind == "Adam-hat" else rule.epsilon
            root = np.sqrt(square) / (two + 1e-300)
            found.append(-(m / (one + 1e-300)) / (root + epsilon + 1e-300))
    return found


def misfits(rule: UpdateRule, trace: Trace) -> list[float]:
    """How far a step's moves are from those of a rule, as a share of the moves' size."""
    decay = rule.decay if rule.decay_kind == "decoupled" else 0.0
    return [
        float(np.sqrt(np.mean((rule.rate * (d - decay * w) - u) ** 2)) / trace.size)
        for d, w, u in zip(directions(rule, trace), trace.before, trace.moves, strict=True)
    ]


def explained(rule: UpdateRule, traces: Sequence[Trace]) -> bool:
    """Whether a program's moves are a rule's, but for rounding."""
    return all(max(misfits(rule, t)) <= allowed(t) for t in traces)


def allowed(trace: Trace) -> float:
    """Rounding of weights, and of gradients that are made anew."""
    return max(2e-3, 4 * trace.rounding())
