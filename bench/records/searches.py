"""What is read from a search's record: totals, the curve, growth, and whether trials are the same.

Pure functions of the record's ``search`` key (results/README.md).
"""

from __future__ import annotations

from itertools import accumulate
from statistics import median

import numpy as np
from scipy import stats as scipy_stats
from statsmodels.regression.linear_model import OLS

from bench.records.parts import SearchRecord, TrialRecord
from bench.stats import Estimate

PHASES = ("tuner", "build", "compile", "train", "evaluate")
FEWEST = 4  # trials below which no growth is told; it takes two more where units are a factor


def seconds(search: SearchRecord) -> float:
    """The search: all its trials, told or failed, whichever process ran them."""
    return sum(trial.seconds for trial in search.trials)


def share(search: SearchRecord, *phases: str) -> float:
    """The part of the search that these phases took, 0…1; NaN where no trial has seconds."""
    spent = sum(float(getattr(t.phases, p)) for t in search.trials for p in phases)
    total = seconds(search)
    return spent / total if total else float("nan")


def accounted(search: SearchRecord) -> float:
    """The part of a trial's time that the five phases explain, in the trial where it is least; a
    trial that took its process with it has no time. NaN where all did."""
    timed = [t for t in search.trials if t.seconds]
    shares = (sum(float(getattr(t.phases, p)) for p in PHASES) / t.seconds for t in timed)
    return min(shares, default=float("nan"))


def curve(search: SearchRecord) -> list[float | None]:
    """Best validation accuracy after each trial; None until one succeeds."""
    values = [trial.validation_accuracy for trial in search.trials]
    best = accumulate((-1.0 if v is None else float(v) for v in values), max)
    return [None if value < 0 else value for value in best]


def waste(trial: TrialRecord) -> float:
    """Seconds a trial built and compiled its model."""
    return trial.phases.build + trial.phases.compile


def halves(search: SearchRecord) -> tuple[float, float, float]:
    """Seconds of build and compile: the first trial, then the median of the trials of the first
    half without it, and of the second half. NaN where there is none."""
    first, *rest = [waste(trial) for trial in search.trials]
    middle = len(search.trials) // 2
    early, late = rest[: max(0, middle - 1)], rest[max(0, middle - 1) :]
    nan = float("nan")
    return first, median(early) if early else nan, median(late) if late else nan


def waste_growth(search: SearchRecord) -> Estimate | None:
    """Seconds of build and compile that each trial adds at equal units, the first left out.

    Least squares on the trial's number and its units (larger models take longer to build), with
    Student's 95 % interval. None for too few trials.
    """
    trials = [t for t in search.trials[1:] if t.status == "ok"]
    if len(trials) < FEWEST + 2:
        return None
    factors = np.array([[1.0, float(t.index), float(t.units)] for t in trials])
    fit = OLS(np.array([waste(t) for t in trials]), factors).fit()
    low, high = fit.conf_int(0.05)[1]
    return Estimate(float(fit.params[1]), float(low), float(high), len(trials))


def memory_growth(search: SearchRecord) -> Estimate | None:
    """Bytes of resident memory that each trial adds, in the process that ran most of them, its
    first trial left out: the median of the pairwise slopes with its 95 % interval (Theil–Sen).
    None for too few trials."""
    starts = [trial.start for trial in search.trials]
    most = max(set(starts), key=starts.count)
    values = [float(t.rss_bytes) for t in search.trials if t.start == most][1:]
    if len(values) < FEWEST:
        return None
    slope = scipy_stats.theilslopes(values, alpha=0.95)
    return Estimate(float(slope[0]), float(slope[2]), float(slope[3]), len(values))


def identity(trial: TrialRecord) -> tuple[int, float, str]:
    """What makes two trials the same work: configuration and digest of the initial weights."""
    return trial.units, trial.learning_rate, trial.weights


def coinciding(a: SearchRecord, b: SearchRecord) -> tuple[int, int]:
    """How many trials of two searches are the same: from the start on, and in all positions."""
    same = [identity(x) == identity(y) for x, y in zip(a.trials, b.trials, strict=False)]
    return (same.index(False) if False in same else len(same)), sum(same)


def memory_slope(search: SearchRecord) -> float | None:
    """The value of `memory_growth`."""
    found = memory_growth(search)
    return None if found is None else found.value
