"""Statistics over launches. Pure functions; imports nothing of ours.

The independent unit is the launch: inside one, the median of the rounds; across launches the
logarithms (a ratio) or plain values (accuracies). Ratios of one run are paired by block; runs
measured apart share no block and are compared by Welch's form of the same test.

A launch that met a burst of other load is off by half, not by a per cent, and one such launch
makes Student's interval useless. So from `TRIM_FROM` launches on the mean is the 20 % trimmed
mean with its winsorized standard error (Tukey & McLaughlin 1963; two samples: Yuen 1974); below
that there is nothing to trim and it is Student's interval. Simulated coverage of a 95 % interval
of a paired ratio, and how often 5 % more time is seen at p <= 0.01, with 6,000 runs each:

    launches                     5     8    10    12    16    20    30    50    60
    recorded noise, trimmed   95.3  95.1  94.2  94.6  94.5  94.6  94.9  94.0  95.3 %
    recorded noise, BCa       83.8  86.8  88.5              92.2  92.3  93.1  95.1 %
    bursts in 7 %, trimmed    97.3  95.7  95.2  95.5  95.3  95.3  95.1  95.0  96.2 %
      sees 5 %, trimmed         49    82    93    95    99   100   100   100       %
      sees 5 %, untrimmed       49    47    47    46    47    47    52    64       %

Recorded: launches and rounds of results/cpu-quick, resampled. Bursts: 1.2 % normal noise, and
7 % of the launches slower by 25 % on average. BCa is the bias-corrected accelerated bootstrap
(Efron 1987) of the mean, in the last column of the trimmed mean: of few launches it claims more
than it knows, so it is used only from `BCA_FROM` on, seeded, through SciPy. The promises that
matter are tests (tests/bench/test_coverage.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special
from scipy import stats as scipy_stats

TRIM_FROM = 8
TRIMMED = 0.2  # of the launches, at each end
BCA_FROM = 60
RESAMPLES = 9_999
MOST_LAUNCHES = 100_000  # more than anyone makes


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
    margin = special.stdtrit(n - 1, (1 + confidence) / 2) * values.std(ddof=1) / np.sqrt(n)
    return Estimate(centre, float(centre - margin), float(centre + margin), n)


def paired_ratio(
    a: Mapping[int, float], b: Mapping[int, float], confidence: float = 0.95
) -> Estimate:
    """Ratio a / b over the blocks both have: the mean of the log-ratios and its interval.

    Raises ValueError when they share no block.
    """
    effect = paired_effect(a, b, logs=True)
    low, high = effect.interval(confidence)
    value, low, high = (float(np.exp(x)) for x in (effect.mean, low, high))
    return Estimate(value, low, high, effect.n)


@dataclass(frozen=True)
class Effect:
    """How much a is above b, with what is needed to judge it; in logarithms or plain units.

    error: standard error of the mean. df: its degrees of freedom. n: launches of the smaller
    side. paired: the differences themselves where launches were paired by block, else empty.
    """

    mean: float
    error: float
    df: float
    n: int
    paired: tuple[float, ...] = ()

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Two-sided; NaN where one launch gives none. Which method: see the module."""
        if np.isnan(self.error):
            return float("nan"), float("nan")
        if len(self.paired) >= BCA_FROM and self.error > 0:
            found = scipy_stats.bootstrap(
                (self.paired,), _trimmed_mean, confidence_level=confidence, method="BCa",
                n_resamples=RESAMPLES, rng=np.random.default_rng(0),
            ).confidence_interval  # fmt: skip
            if np.isfinite([found.low, found.high]).all():  # not where almost all are equal
                return float(found.low), float(found.high)
        margin = float(special.stdtrit(self.df, (1 + confidence) / 2)) * self.error
        return self.mean - margin, self.mean + margin

    def p_different(self) -> float:
        """Two-sided p-value of "there is no difference"."""
        return min(1.0, 2 * self._p_above(abs(self.mean)))

    def p_equivalent(self, margin: float) -> float:
        """p-value of "the difference is at least `margin` one way or the other".

        Two one-sided tests (Schuirmann 1987): the larger of the two p-values.
        """
        return self._p_above(margin - abs(self.mean))

    def _p_above(self, distance: float) -> float:
        """One-sided p-value of a mean `distance` away from the tested value."""
        if self.error > 0:
            return float(special.stdtr(self.df, -distance / self.error))
        if np.isnan(self.error):
            return 1.0
        return 0.0 if distance > 0 else 1.0  # every launch said exactly the same

    def launches_for(self, distance: float, alpha: float) -> float:
        """Launches a side until a difference of `distance` shows at `alpha`, at this noise.

        The smallest n with t(1 - alpha/2, n - 1) · s / sqrt(n) <= distance, by bisection: the left
        side falls with n. Inf for a distance of zero, a single launch, or over `MOST_LAUNCHES`.
        """
        if not distance > 0 or np.isnan(self.error):
            return float("inf")
        spread = self.error * np.sqrt(self.n)

        def enough(n: int) -> bool:
            quantile = float(special.stdtrit(n - 1, 1 - alpha / 2))
            return bool(quantile * spread / np.sqrt(n) <= distance)

        low, high = 2, MOST_LAUNCHES
        if not enough(high):
            return float("inf")
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle + 1, high)
        return float(low)


def paired_effect(a: Mapping[int, float], b: Mapping[int, float], logs: bool) -> Effect:
    """a against b over the blocks both have. ValueError when they share none."""
    blocks = sorted(a.keys() & b.keys())
    if not blocks:
        raise ValueError("no block holds both")
    x, y = (_scale([side[k] for k in blocks], logs) for side in (a, b))
    centre, variance, df = _trimmed(x - y)
    return Effect(centre, float(np.sqrt(variance)), df, len(blocks), tuple((x - y).tolist()))


def unpaired_effect(a: Sequence[float], b: Sequence[float], logs: bool) -> Effect:
    """a against b, measured apart: Welch's degrees of freedom (1947) on trimmed means.

    ValueError when a side is empty.
    """
    if not len(a) or not len(b):
        raise ValueError("nothing to compare")
    (x, x_variance, x_df), (y, y_variance, y_df) = (_trimmed(_scale(v, logs)) for v in (a, b))
    n, variance = min(len(a), len(b)), x_variance + y_variance
    if not variance > 0:  # one launch (NaN), or launches that all said the same
        return Effect(x - y, float(variance), x_df + y_df, n)
    df = variance**2 / (x_variance**2 / x_df + y_variance**2 / y_df)
    return Effect(x - y, float(np.sqrt(variance)), df, n)


def _trimmed(values: np.ndarray) -> tuple[float, float, float]:
    """Trimmed mean, the variance of it, and its degrees of freedom (see the module).

    With h of n values left: sum of squares of the winsorized values over h (h - 1), df h - 1.
    """
    n = len(values)
    cut = _cut(n)
    left = n - 2 * cut
    if left < 2:
        return float(values.mean()), float("nan"), float("nan")
    ordered = np.sort(values)
    winsorized = np.clip(ordered, ordered[cut], ordered[n - 1 - cut])
    squares = float(((winsorized - winsorized.mean()) ** 2).sum())
    return float(ordered[cut : n - cut].mean()), squares / (left * (left - 1)), left - 1.0


def _cut(n: int) -> int:
    return int(TRIMMED * n) if n >= TRIM_FROM else 0


def _trimmed_mean(values: np.ndarray, axis: int = -1) -> np.ndarray:
    n = values.shape[axis]
    return np.asarray(scipy_stats.trim_mean(values, _cut(n) / n, axis=axis))


def _scale(values: Sequence[float], logs: bool) -> np.ndarray:
    found = np.asarray(values, float)
    return np.log(found) if logs else found


def restricted_times(
    seconds: Sequence[float], reached: Sequence[bool], horizon: float
) -> np.ndarray:
    """One time a launch until its target, cut at `horizon`, where some never reached it.

    seconds: until the target (reached) or until the launch stopped trying (not reached:
    right-censored). The mean of what comes back is the restricted mean survival time, the area
    under the Kaplan-Meier curve up to `horizon` (Irwin 1949). Each value is the jackknife
    pseudo-value n·θ - (n-1)·θ without that launch (Andersen, Hansen & Klein 2004), so launches
    can be compared, paired or not, like any other reading; without censoring before the
    horizon it is simply min(seconds, horizon). ValueError when no launch was watched that long.
    """
    t, done = np.asarray(seconds, float), np.asarray(reached, bool)
    if not len(t) or (t.max() < horizon and not done[t == t.max()].all()):
        raise ValueError("the horizon lies beyond what was watched")
    whole = _area(t, done, horizon)
    n = len(t)
    if done[t < horizon].all():
        return np.asarray(np.minimum(t, horizon))
    keep = ~np.eye(n, dtype=bool)
    left_out = np.array([_area(t[k], done[k], horizon) for k in keep])
    return np.asarray(n * whole - (n - 1) * left_out)


def _area(t: np.ndarray, done: np.ndarray, horizon: float) -> float:
    """Area under the Kaplan-Meier curve from 0 to `horizon`."""
    area, alive, before = 0.0, 1.0, 0.0
    for moment in np.unique(t[t < horizon]):
        area += alive * (moment - before)
        at_risk = int((t >= moment).sum())
        alive *= 1 - int((done & (t == moment)).sum()) / at_risk
        before = float(moment)
    return area + alive * (horizon - before)


def common_horizon(*sides: tuple[Sequence[float], Sequence[bool]]) -> float:
    """The last moment at which every side's survival is known: its longest launch when that one
    was censored; for ever when it reached the target. Then, the latest moment of all."""
    latest = [max(zip(*side, strict=True)) for side in sides]
    censored = [seconds for seconds, reached in latest if not reached]
    return min(censored) if censored else max(seconds for seconds, _ in latest)


def noise_floor(ratio: Estimate) -> float:
    """The largest relative difference an A/A ratio's interval still admits."""
    if np.isnan(ratio.low):
        return float("nan")
    return float(np.expm1(max(abs(np.log(ratio.low)), abs(np.log(ratio.high)))))
