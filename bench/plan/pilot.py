"""Where a run's noise lives: between launches, or between the rounds of one. Pure.

The first blocks of an adaptive run are its pilot. A launch's median over n rounds varies by
L + R / n, L between launches and R between rounds; a launch costs C seconds of its own
and c a round. For a given machine time the mean over launches is known best with
n = sqrt(R / L · C / c) rounds (Cochran 1977, Sampling Techniques, section 10.6: two-stage
sampling). Added blocks take that many training rounds: more where rounds are noisy and launches
dear, never fewer than the profile's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from bench.judge import questions
from bench.judge.divisions import contests
from bench.records.record import Budget
from bench.records.results import CellResult, Results
from bench.records.schema import Launch

FEWEST_LAUNCHES = 3  # fewer say nothing of the variance between launches
MOST_TIMES = 4.0  # a phase is at most so many times as long as the profile's


@dataclass(frozen=True)
class Pilot:
    """One task's noise, in squares of relative differences of training time.

    between: variance between launches that is left when their rounds' noise is taken out.
    within: what the rounds' noise adds to a launch's median of `rounds` rounds.
    launch_seconds: a launch without its training rounds. round_seconds: one training round.
    """

    between: float
    within: float
    rounds: float
    launch_seconds: float
    round_seconds: float

    @property
    def launch_share(self) -> float:
        """The part of the variance of a launch's median that lies between launches."""
        whole = self.between + self.within
        return self.between / whole if whole else 1.0

    @property
    def times(self) -> float:
        """How many times the profile's training rounds an added launch is to take."""
        if not self.within:
            return 1.0
        if not self.between:
            return MOST_TIMES
        single = self.within * self.rounds
        best = sqrt(single / self.between * self.launch_seconds / self.round_seconds)
        return float(np.clip(best / self.rounds, 1.0, MOST_TIMES))


def of_task(results: Results, task: str) -> Pilot | None:
    """What the launches of a task say; None with fewer than three of two contenders.

    Pairs of launches of one block are compared, as the verdicts do, so a drift that hits both
    counts for nothing. Of several contenders the noisiest pair with its division's fastest speaks.
    """
    pairs: list[Pilot | None] = []
    for contest in contests(results, task):
        contenders = [_launches(result) for result in questions.best_first(results, contest)]
        pairs += [_pair(contenders[0], other) for other in contenders[1:]]
    known = [pilot for pilot in pairs if pilot is not None]
    return max(known, key=lambda p: p.between + p.within, default=None)


def longer(budget: Budget, pilot: Pilot | None) -> Budget:
    """The budget of an added launch: training rounds and the phase's time stretched alike."""
    if pilot is None or pilot.times == 1.0:
        return budget
    most = round(budget.train_rounds * pilot.times)
    return replace(budget, train_rounds=most, phase_seconds=budget.phase_seconds * pilot.times)


def sentence(task: str, pilot: Pilot) -> str:
    """For people: where the noise is and what is done about it."""
    where = f"{pilot.launch_share:.0%} of the noise of training lies between launches"
    if pilot.times == 1.0:
        return f"{task}: {where}; added launches are as long as the first."
    return f"{task}: {where}; added launches train {pilot.times:.1f} times as long."


def _launches(result: CellResult) -> dict[int, Launch]:
    return {launch.job.block: launch for launch in result.good}


def _pair(a: dict[int, Launch], b: dict[int, Launch]) -> Pilot | None:
    blocks = sorted(a.keys() & b.keys())
    if len(blocks) < FEWEST_LAUNCHES:
        return None
    launches = [side[k] for side in (a, b) for k in blocks]
    samples = [launch.rounds("train") for launch in launches]
    medians = np.log([np.median(s) for s in samples]).reshape(2, -1)
    # One pair's variance is that of two launches.
    whole = float(np.var(medians[0] - medians[1], ddof=1)) / 2
    within = float(np.mean([_median_variance(s) for s in samples]))
    return Pilot(
        between=max(0.0, whole - within),
        within=min(within, whole),
        rounds=float(np.mean([len(s) for s in samples])),
        launch_seconds=float(np.mean([_launch_seconds(x) for x in launches])),
        round_seconds=float(np.mean([np.median(s) for s in samples])),
    )


def _median_variance(seconds: np.ndarray) -> float:
    """Of the logarithm of a launch's median: a quarter of the squared difference between the
    medians of its two halves (each has twice the variance, the difference four times)."""
    half = len(seconds) // 2
    if not half:
        return 0.0
    first, second = np.median(seconds[:half]), np.median(seconds[-half:])
    return float(np.log(first / second) ** 2) / 4


def _launch_seconds(launch: Launch) -> float:
    s = launch.launch.seconds
    start = sum(part or 0.0 for part in (s.import_, s.build, s.stage, s.first_step))
    others = [b for b in launch.benchmarks if b.extra_info.phase != "train"]
    return start + sum(sum(b.stats.data) for b in others)
