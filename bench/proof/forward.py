"""What was loaded, outputs on few batches, and that they are of the precision that is said."""

from __future__ import annotations

import numpy as np

from bench.proof import structure
from bench.proof.bounds import EXACT_SHARE, LEAST_VALUES, bound, relative
from bench.proof.checks import Check, count
from bench.proof.trial import Trial

BATCHES = 4
PREDICT_BATCH = 13  # does not divide the rows, so a dropped remainder shows


def checks(t: Trial) -> list[Check]:
    """Of one build: the weights read back, then outputs in batches that leave a remainder."""
    found = structure.checks(t)
    if not all(check.passed for check in found):
        return found
    rows = t.order[:BATCHES].ravel()
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
