"""Names, shapes and count of the parameters; loading and reading back is exact, and a copy."""

from __future__ import annotations

from bench.proof.bounds import relative
from bench.proof.checks import Check, count
from bench.proof.trial import Trial
from tasks.spec.network import parameter_shapes


def checks(t: Trial) -> list[Check]:
    """Build, and read back what was loaded."""
    given, lent = t.weights, {name: value.copy() for name, value in t.weights.items()}
    t.build(t.adapter, t.task, lent)
    for value in lent.values():
        value[...] = 7.0  # the arrays are the caller's: the adapter has to have copied them
    got = t.adapter.weights()
    shapes = {name: value.shape for name, value in got.items()}
    differing = sorted(set(shapes.items()) ^ set(parameter_shapes(t.task).items()))
    if differing:
        return [count("parameters", len(differing), f"differing: {differing[:3]}")]
    worst = max(relative(got[name], given[name]) for name in got)
    return [count("parameters", 0), Check("loaded weights", worst, 0.0)]
