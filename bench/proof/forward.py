"""Outputs on one batch, and that they were computed in the precision that is said."""

from __future__ import annotations

import numpy as np

from bench.proof.bounds import EXACT_SHARE, LEAST_OUTPUTS, bound, relative
from bench.proof.checks import Check, count
from bench.proof.trial import Trial

PREDICT_BATCH = 13  # does not divide the rows, so a dropped remainder shows


def checks(t: Trial) -> list[Check]:
    """In batches that leave a remainder."""
    rows = t.order[0]
    t.adapter.build(t.task, t.weights, t.seed)
    got = t.adapter.predict(t.adapter.stage(t.x[rows], t.y[rows]), PREDICT_BATCH)
    expected = t.answer("outputs of the first batch", lambda: {"outputs": _outputs(t, rows)})
    return [
        count("output type", got.dtype != np.float32, str(got.dtype)),
        Check("outputs", relative(got, expected["outputs"]), bound(t.task, "outputs")),
    ]


def _outputs(t: Trial, rows: np.ndarray) -> np.ndarray:
    t.oracle.build(t.task, t.weights, t.seed)
    return t.oracle.predict(t.oracle.stage(t.x[rows], t.y[rows]), PREDICT_BATCH)


def exactness(got: np.ndarray, expected: np.ndarray) -> Check:
    """Whether outputs are too good for float32: almost all are the float64 ones, rounded once.

    expected: float64. Sums in float32 end on that very number less than half of the time.
    """
    if got.shape != expected.shape or got.size < LEAST_OUTPUTS:
        return count("float32 arithmetic", 0, "too few outputs to tell")
    share = float(np.mean(got == expected.astype(np.float32)))
    detail = f"{share:.0%} of {got.size} outputs are float64's, rounded once"
    return count("float32 arithmetic", share > EXACT_SHARE, detail)
