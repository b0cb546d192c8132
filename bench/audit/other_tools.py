"""What two other tools would say of the same raw samples: their rules, on pooled rounds.

Neither knows launches: all rounds of all launches of a side are one heap of samples, which is
what their own files hold. Only alarms ("the new side is slower") are asked for, since their
exit status is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy import stats

ToolRule = Callable[[np.ndarray, np.ndarray], bool]


def compare_fail(statistic: Callable[[np.ndarray], float], percent: float) -> ToolRule:
    """pytest-benchmark's ``--benchmark-compare-fail=min:5%`` (or mean): alarm when the statistic
    of the new seconds exceeds the old by more than `percent`."""

    def alarm(base: np.ndarray, new: np.ndarray) -> bool:
        return bool((statistic(new) / statistic(base) - 1) * 100 > percent)

    return alarm


def continuous(factor: float) -> ToolRule:
    """``asv continuous --factor`` (its default is 1.1): alarm when the median of the new seconds
    exceeds the old by `factor` and a two-sided Mann-Whitney test says p < 0.002. asv takes the
    normal approximation for more than 20 samples, as here; its fallback for few samples (99 %
    intervals that do not overlap) never comes to bear on a launch's hundreds of rounds."""

    def alarm(base: np.ndarray, new: np.ndarray) -> bool:
        if np.median(new) <= factor * np.median(base):
            return False
        return bool(stats.mannwhitneyu(base, new, method="asymptotic").pvalue < 0.002)

    return alarm


RULES: Mapping[str, ToolRule] = {
    "pytest-benchmark min:5%": compare_fail(np.min, 5),
    "pytest-benchmark mean:5%": compare_fail(np.mean, 5),
    "asv continuous 1.1": continuous(1.1),
    "asv continuous 1.05": continuous(1.05),
}
