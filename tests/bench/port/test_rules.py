"""An optimizer is read from gradients and moves: each rule from moves that it made itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.port.fitting import identified
from bench.port.rules import Trace, UpdateRule, directions, explained

RULES = {
    "SGD": UpdateRule("SGD", 0.05),
    "momentum": UpdateRule("SGD", 0.05, 0.9),
    "Adam": UpdateRule("Adam", 1e-3, 0.9, 0.999, 1e-8),
    "Keras's Adam": UpdateRule("Adam-hat", 1e-3, 0.9, 0.999, 1e-7),
    "AdamW": UpdateRule("Adam", 1e-3, 0.9, 0.999, 1e-8, decay=0.05, decay_kind="decoupled"),
    "AMSGrad": UpdateRule("Adam", 1e-3, 0.9, 0.99, 1e-8, before="amsgrad"),
    "RMSprop": UpdateRule("RMSprop", 1e-3, second=0.9, epsilon=1e-7),
}


def traces(rule: UpdateRule) -> list[Trace]:
    """Steps of a rule under gradients that swing, and one under tiny ones; in float64."""
    rng = np.random.default_rng(3)
    sizes = [3.0, 1.0, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
    gradients = [size * 1e-2 * rng.standard_normal(200) for size in sizes]
    found = []
    for own in (gradients, [1e-5 * gradients[1]]):
        before, weights = [], rng.standard_normal(200)
        for step in range(len(own)):
            before.append(weights)
            norms = [float(np.linalg.norm(g)) for g in own]
            trace = Trace(own[: step + 1], before, [], norms)
            decay = rule.decay if rule.decay_kind == "decoupled" else 0.0
            weights = weights + rule.rate * (directions(rule, trace)[-1] - decay * weights)
        moves = [b - a for a, b in zip(before, [*before[1:], weights], strict=True)]
        found.append(Trace(own, before, moves, norms))
    return found


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_known_by_its_moves(name: str) -> None:
    meant = RULES[name]
    found = identified(traces(meant))
    assert found is not None
    assert (found.kind, found.before) == (meant.kind, meant.before)
    assert found.rate == pytest.approx(meant.rate, rel=1e-2)
    assert found.first == pytest.approx(meant.first, abs=1e-2)
    assert found.second == pytest.approx(meant.second, abs=1e-3)
    assert found.epsilon == pytest.approx(meant.epsilon, rel=0.1)
    assert found.decay == pytest.approx(meant.decay, rel=0.1, abs=1e-3)


def test_another_epsilon_is_seen_where_gradients_are_tiny() -> None:
    rule = RULES["Adam"]
    moves = traces(rule)
    other = replace(rule, epsilon=1e-6)
    assert explained(rule, moves)
    assert explained(other, moves[:1])
    assert not explained(other, moves[1:])


def test_moves_without_a_rule_are_not_given_one() -> None:
    made = traces(RULES["SGD"])[0]
    rng = np.random.default_rng(5)
    noise = [0.1 * rng.standard_normal(200) for _ in made.moves]
    assert identified([replace(made, moves=noise)]) is None
