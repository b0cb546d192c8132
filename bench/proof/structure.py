"""Names, shapes and count of the parameters, and that loading and reading back is exact."""

from __future__ import annotations

from bench.proof.bounds import relative
from bench.proof.checks import Check, count
from bench.proof.trial import Trial
from tasks.spec.network import parameter_shapes


def checks(t: Trial) -> list[Check]:
    """Build, and read back what was loaded."""
    t.build(t.adapter, t.task)
    got, given = t.adapter.weights(), t.weights
    shapes = {name: value.shape for name, value in got.items()}
    differing = sorted(set(shapes.items()) ^ set(parameter_shapes(t.task).items()))
    if differing:
        return [count("parameters", len(differing), f"differing: {differing[:3]}")]
    worst = max(relative(got[name], given[name]) for name in got)
    return [count("parameters", 0), Check("loaded weights", worst, 0.0)]
