"""Statistics over sittings. Pure functions; imports nothing of ours.

The independent unit is the sitting: fresh processes of all contenders, measured in turns (older
records: launches of one block). Inside one, the turns of a pair give one log-ratio, their
Hodges-Lehmann estimate; turns of a sitting share its processes and are never counted as n. Over
sittings the mean of those and Student's interval. Runs measured apart share no sitting and are
compared by Welch's form of the same test.

Nothing is trimmed and nothing is resampled: of a contender that is slow in a fifth of its launches
a trimmed mean hides that, and a bootstrap of three to six sittings covers 71 to 88 % for 95. What
disturbs a turn is put aside by its cause, before its time is looked at. How often verdicts err is
simulated (results/judging); what matters of it is a test (tests/bench/test_coverage.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy import special

MOST_LAUNCHES = 10_000  # more than anyone makes
POWER = 0.8  # with which "so many would show it" is meant


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


def from_log(log: float) -> float:
    """The ratio of a log-ratio; infinite, and no error, where no float is as large."""
    with np.errstate(over="ignore"):
        return float(np.exp(np.float64(log)))


def positive_mean(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Geometric mean of positive values and its interval."""
    logs = _mean(np.log(np.asarray(values, float)), confidence)
    value, low, high = map(from_log, (logs.value, logs.low, logs.high))
    return Estimate(value, low, high, logs.n)


def mean(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Arithmetic mean and Student's interval: for accuracies and other signed values."""
    return _mean(np.asarray(values, float), confidence)


def _mean(values: np.ndarray, confidence: float) -> Estimate:
    n = len(values)
    centre = float(values.mean())
    if n < 2:
        return Estimate(centre, float("nan"), float("nan"), n)
    margin = quantile((1 + confidence) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return Estimate(centre, float(centre - margin), float(centre + margin), n)


def paired_ratio(
    a: Mapping[int, float], b: Mapping[int, float], confidence: float = 0.95
) -> Estimate:
    """Ratio a / b over the blocks both have, and its interval. ValueError when they share none."""
    return paired_effect(a, b, logs=True).as_ratio(confidence)


def hodges_lehmann(values: Sequence[float] | np.ndarray) -> float:
    """Median of the Walsh averages (x_i + x_j) / 2, i <= j (Hodges & Lehmann 1963).

    Of normal values it is as good as the mean (95.5 %), of bursts as good as the median; it is
    the centre of a sitting's turns. ValueError of no value.
    """
    x = np.asarray(values, float)
    if not len(x):
        raise ValueError("no value has no centre")
    i, j = _halves(len(x))
    return float(np.median(x[i] + x[j]) / 2)


@lru_cache(maxsize=64)
def _halves(n: int) -> tuple[np.ndarray, np.ndarray]:
    i, j = np.triu_indices(n)
    return i, j


def quantile(share: float, df: float) -> float:
    """Student's quantile."""
    return float(special.stdtrit(df, share))


@dataclass(frozen=True)
class Effect:
    """How much a is above b, with what is needed to judge it; in logarithms or plain units.
    error: standard error of the mean. df: its degrees of freedom. n: sittings (launches, where
    measured apart) of the smaller side. sittings: block and its difference, where paired.
    resolution: the step in which readings come; `error` is never under what it hides. seen: what
    `df` was before unlike tasks lowered it; 0 where nothing was lent."""

    mean: float
    error: float
    df: float
    n: int
    sittings: tuple[tuple[int, float], ...] = ()
    resolution: float = 0.0
    seen: float = 0.0

    @property
    def spread(self) -> float:
        """What one sitting varies by: the error of the mean times sqrt(n)."""
        return self.error * float(np.sqrt(self.n))

    def first(self, blocks: int) -> Effect | None:
        """The same over the blocks below `blocks`; itself where it was not paired, None where no
        such block is left."""
        if not self.sittings:
            return self
        kept = [(block, x) for block, x in self.sittings if block < blocks]
        return sittings_effect(kept, self.resolution) if kept else None

    def widened(self, factor: float = 1.0, shift: float = 0.0) -> Effect:
        """With its variance times `factor`, and that of an independent `shift` added."""
        return replace(self, error=float(np.hypot(self.error * np.sqrt(factor), shift)))

    def turned(self) -> Effect:
        """Of b against a."""
        return replace(
            self, mean=-self.mean, sittings=tuple((block, -x) for block, x in self.sittings)
        )

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Two-sided; NaN where one sitting gives none."""
        if np.isnan(self.error):
            return float("nan"), float("nan")
        margin = quantile((1 + confidence) / 2, self.df) * self.error
        return self.mean - margin, self.mean + margin

    def as_ratio(self, confidence: float = 0.95) -> Estimate:
        """Of a log-ratio: the ratio and its interval."""
        value, low, high = map(from_log, (self.mean, *self.interval(confidence)))
        return Estimate(value, low, high, self.n)

    def p_above(self, bound: float = 0.0) -> float:
        """One-sided p-value of "the difference is at most `bound`"."""
        return self._p(self.mean - bound)

    def p_different(self) -> float:
        """Two-sided p-value of "there is no difference"."""
        return min(1.0, 2 * self._p(abs(self.mean)))

    def p_equivalent(self, margin: float) -> float:
        """p-value of "the difference is at least `margin` one way or the other".

        Two one-sided tests (Schuirmann 1987): the larger of the two p-values.
        """
        return self._p(margin - abs(self.mean))

    def _p(self, distance: float) -> float:
        """One-sided p-value of a mean `distance` away from the tested value; 1 without an error,
        as readings that all say the same leave none unless their resolution is known."""
        if not self.error > 0:
            return 1.0
        return float(special.stdtr(self.df, -distance / self.error))

    def detectable(self, alpha: float, sides: int = 1, power: float = POWER) -> float:
        """The smallest true difference that a test at `alpha` finds with `power`."""
        if np.isnan(self.error):
            return float("inf")
        return (quantile(1 - alpha / sides, self.df) + quantile(power, self.df)) * self.error

    def launches_for(
        self, distance: float, alpha: float, sides: int = 2, power: float = POWER
    ) -> float:
        """Sittings until a difference of `distance` is found at `alpha` with `power`.

        The smallest n whose `detectable` is within the distance, by bisection: it falls with n, as
        the degrees of freedom grow in proportion to n - 1. Inf for a distance of zero, a single
        sitting, or over `MOST_LAUNCHES`.
        """
        if not distance > 0 or np.isnan(self.error) or self.n < 2:
            return float("inf")
        df_each, spread, level = self.df / (self.n - 1), self.spread, 1 - alpha / sides

        def enough(n: int) -> bool:
            df = df_each * (n - 1)
            quantiles = quantile(level, df) + quantile(power, df)
            return bool(quantiles * spread <= distance * n**0.5)

        low, high = 2, MOST_LAUNCHES
        if not enough(high):
            return float("inf")
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle + 1, high)
        return float(low)


def sittings_effect(sittings: Iterable[tuple[int, float]], resolution: float = 0.0) -> Effect:
    """Block and difference of each sitting → their mean and its error. ValueError of none.

    resolution: the step q in which both readings come. It hides q / sqrt(12) of each, so that n
    sittings that all say the same are not known better than q / sqrt(12) · sqrt(2 / n).
    """
    known = tuple(sorted(sittings))
    if not known:
        raise ValueError("no block holds both")
    x = np.array([value for _, value in known])
    n = len(x)
    error = float(x.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return Effect(float(x.mean()), _floored(error, resolution, n), n - 1.0, n, known, resolution)


def _floored(error: float, resolution: float, n: int) -> float:
    return error if np.isnan(error) else max(error, resolution / np.sqrt(12) * np.sqrt(2 / n))


def paired_effect(
    a: Mapping[int, float], b: Mapping[int, float], logs: bool, resolution: float = 0.0
) -> Effect:
    """a against b over the blocks (or seeds) both have. ValueError when they share none."""
    blocks = sorted(a.keys() & b.keys())
    x, y = (_scale([side[k] for k in blocks], logs) for side in (a, b))
    return sittings_effect(zip(blocks, (x - y).tolist(), strict=True), resolution)


def unpaired_effect(
    a: Sequence[float], b: Sequence[float], logs: bool, resolution: float = 0.0
) -> Effect:
    """a against b, measured apart: Welch's degrees of freedom (1947).

    ValueError when a side is empty.
    """
    if not len(a) or not len(b):
        raise ValueError("nothing to compare")
    x, y = (_scale(side, logs) for side in (a, b))
    n, difference = min(len(x), len(y)), float(x.mean() - y.mean())
    if n < 2:
        return Effect(difference, float("nan"), float(len(x) + len(y) - 2), n)
    of_x, of_y = (float(side.var(ddof=1)) / len(side) for side in (x, y))
    variance, df = of_x + of_y, float(len(x) + len(y) - 2)
    if variance > 0:
        df = variance**2 / (of_x**2 / (len(x) - 1) + of_y**2 / (len(y) - 1))
    return Effect(difference, _floored(float(np.sqrt(variance)), resolution, n), df, n)


def _scale(values: Sequence[float], logs: bool) -> np.ndarray:
    known = np.asarray(values, float)
    return np.log(known) if logs else known


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
