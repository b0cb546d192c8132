"""Statistics over launches. Pure functions; imports nothing of ours.

The independent unit is the launch: inside one, the median of the rounds; across launches the
mean of the logarithms (a geometric mean, a ratio) or of plain values (accuracies). Ratios of
one run are paired by block; runs measured apart share no block and are compared by Welch's test.

Intervals are Student's. With noise resampled from the recorded run of results/cpu-quick
(launch effects, and rounds inside them) a 95 % interval of a
paired ratio covered, in 1,500 to 4,000 simulated runs each (tests/test_coverage.py):

    launches       3     5     8    10    15    20    30    50    60
    Student      95.7  95.4  95.1  94.7  94.7  95.0  94.5  95.1  94.8 %
    BCa          72.5  83.8  86.8  88.5  89.9  92.2  92.3  93.1  93.1 %

The bias-corrected accelerated bootstrap (Efron 1987) is therefore used only from `BCA_LAUNCHES`
on, seeded, through SciPy; below that it would claim more than it knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats as scipy_stats

BCA_LAUNCHES = 60
RESAMPLES = 9_999


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
        if len(self.paired) >= BCA_LAUNCHES and self.error > 0:
            found = scipy_stats.bootstrap(
                (self.paired,), np.mean, confidence_level=confidence, method="BCa",
                n_resamples=RESAMPLES, rng=np.random.default_rng(0),
            ).confidence_interval  # fmt: skip
            return float(found.low), float(found.high)
        margin = float(scipy_stats.t.ppf((1 + confidence) / 2, self.df)) * self.error
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
            return float(scipy_stats.t.sf(distance / self.error, self.df))
        if np.isnan(self.error):
            return 1.0
        return 0.0 if distance > 0 else 1.0  # every launch said exactly the same

    def launches_for(self, distance: float, alpha: float) -> float:
        """Launches a side until a difference of `distance` shows at `alpha`, at this noise.

        Solves t(1 - alpha/2, n - 1) · s / sqrt(n) <= distance for n by iteration; inf for
        a distance of zero or a single launch.
        """
        if not distance > 0 or np.isnan(self.error):
            return float("inf")
        spread = self.error * np.sqrt(self.n)
        n = float(self.n)
        for _ in range(20):
            n = (scipy_stats.t.ppf(1 - alpha / 2, max(n - 1, 1.0)) * spread / distance) ** 2
        return float(np.ceil(n))


def paired_effect(a: Mapping[int, float], b: Mapping[int, float], logs: bool) -> Effect:
    """a against b over the blocks both have. ValueError when they share none."""
    blocks = sorted(a.keys() & b.keys())
    if not blocks:
        raise ValueError("no block holds both")
    x, y = (_scale([side[k] for k in blocks], logs) for side in (a, b))
    found = _mean(x - y, 0.95)
    error = float((x - y).std(ddof=1) / np.sqrt(found.n)) if found.n > 1 else float("nan")
    return Effect(found.value, error, found.n - 1, found.n, tuple((x - y).tolist()))


def unpaired_effect(a: Sequence[float], b: Sequence[float], logs: bool) -> Effect:
    """a against b, measured apart: Welch's standard error and degrees of freedom (1947).

    ValueError when a side is empty.
    """
    if not len(a) or not len(b):
        raise ValueError("nothing to compare")
    x, y = _scale(a, logs), _scale(b, logs)
    centre, n = float(x.mean() - y.mean()), min(len(x), len(y))
    if n < 2:
        return Effect(centre, float("nan"), float("nan"), n)
    parts = np.array([x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)])
    total = float(parts.sum())
    if total == 0:
        return Effect(centre, 0.0, float(len(x) + len(y) - 2), n)
    df = total**2 / float((parts**2 / np.array([len(x) - 1, len(y) - 1])).sum())
    return Effect(centre, float(np.sqrt(total)), df, n)


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


def common_horizon(a: Sequence[float], b: Sequence[float]) -> float:
    """The horizon to compare two groups at: the last moment at which both were still watched."""
    return min(max(a), max(b))


def noise_floor(ratio: Estimate) -> float:
    """The largest relative difference an A/A ratio's interval still admits."""
    if np.isnan(ratio.low):
        return float("nan")
    return float(np.expm1(max(abs(np.log(ratio.low)), abs(np.log(ratio.high)))))
