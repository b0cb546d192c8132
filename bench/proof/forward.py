"""What was loaded, outputs on few batches, and that they are of the precision that is said."""

from __future__ import annotations

import numpy as np

from bench.proof.bounds import EXACT_SHARE, LEAST_VALUES, bound, relative
from bench.proof.checks import Check, count
from bench.proof.trial import Trial
from tasks.spec.network import parameter_shapes

# A whole batch and a remainder, so that a dropped one shows; bench.proof.prediction has them too.
ROWS, PREDICT_BATCH = 300, 256


def checks(t: Trial) -> list[Check]:
    """Of one build: the weights read back, then outputs in batches that leave a remainder."""
    found = _loaded(t)
    if not all(check.passed for check in found):
        return found
    rows = np.resize(t.order, ROWS)
    got = t.adapter.predict(t.adapter.stage(t.x[rows], t.y[rows]), PREDICT_BATCH)
    expected = t.answer(
        "outputs of the first rows", lambda: {"outputs": _outputs(t, rows)}, by_adam=False
    )
    found += [
        # A subclass could compute when it is read, which is not timed.
        count(
            "output type", type(got) is not np.ndarray or got.dtype != np.float32, str(got.dtype)
        ),
        Check("outputs", relative(got, expected["outputs"]), bound(t.task, "outputs")),
    ]
    return found if t.by_layer else [*found, exactness("outputs", got, expected["outputs"])]


def _loaded(t: Trial) -> list[Check]:
    """Build, and read back what was loaded: names, shapes and values are exact, and a copy."""
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


def _outputs(t: Trial, rows: np.ndarray) -> np.ndarray:
    t.oracle.build(t.task, t.weights, t.seed)
    return t.oracle.predict(t.oracle.stage(t.x[rows], t.y[rows]), PREDICT_BATCH)


def exactness(name: str, got: np.ndarray, expected: np.ndarray) -> Check:
    """Whether values are too good for float32: almost all are the float64 ones, rounded once.

    expected: float64. Sums in float32 end on that very number less than half of the time.
    """
    name = f"{name} in float32"
    if got.shape != expected.shape or got.size < LEAST_VALUES:
        return count(name, 0, "too few to tell")
    share = float(np.mean(got == expected.astype(np.float32)))
    detail = f"{share:.0%} of {got.size} are float64's, rounded once"
    return count(name, share > EXACT_SHARE, detail)
