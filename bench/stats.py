"""Statistics over launches. Pure functions; imports nothing of ours.

The independent unit is the launch: inside one, the median of the rounds; across launches the
geometric mean with Student's interval on the logarithms. With the five to ten launches of a
run that interval keeps its stated coverage (shown by simulation in tests/test_stats.py) where
a bootstrap of so few values is too narrow. Ratios are paired by block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats as scipy_stats


@dataclass(frozen=True)
class Estimate:
    """A value with its two-sided interval; `n` launches. The interval is NaN for one launch."""

    value: float
    low: float
    high: float
    n: int

    @property
    def half_width(self) -> float:
        """Half the interval relative to the value."""
        return (self.high - self.low) / 2 / abs(self.value) if self.value else float("nan")


def positive_mean(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Geometric mean of positive values and its interval."""
    logs = _mean(np.log(np.asarray(values, float)), confidence)
    value, low, high = (float(np.exp(x)) for x in (logs.value, logs.low, logs.high))
    return Estimate(value, low, high, logs.n)


def mean(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Arithmetic mean and Student's interval: for accuracies and other signed values."""
    return _mean(np.asarray(values, float), confidence)


def _mean(values: np.ndarray, confidence: float) -> Estimate:
    n = len(values)
    centre = float(values.mean())
    if n < 2:
        return Estimate(centre, float("nan"), float("nan"), n)
    margin = scipy_stats.t.ppf((1 + confidence) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return Estimate(centre, float(centre - margin), float(centre + margin), n)


def paired_ratio(
    a: Mapping[int, float], b: Mapping[int, float], confidence: float = 0.95
) -> Estimate:
    """Ratio a / b over the blocks both have: the mean of the log-ratios and its interval.

    Raises ValueError when they share no block.
    """
    blocks = sorted(a.keys() & b.keys())
    if not blocks:
        raise ValueError("no block holds both")
    return positive_mean([a[k] / b[k] for k in blocks], confidence)


def noise_floor(ratio: Estimate) -> float:
    """The largest relative difference an A/A ratio's interval still admits."""
    if np.isnan(ratio.low):
        return float("nan")
    return float(np.expm1(max(abs(np.log(ratio.low)), abs(np.log(ratio.high)))))
