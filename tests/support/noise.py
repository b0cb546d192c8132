"""Launches as they really scatter: resampled from the recorded run in results/cpu-quick.

A simulated launch is a launch effect of that run plus the median of rounds drawn from one of
its launches; a block adds what both contenders share, a random walk of the machine. Nothing
differs between contenders unless `slower` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from bench.records.results import Results
from bench.records.store import Run

RECORDED = Path(__file__).parents[2] / "results" / "cpu-quick"
PHASES = ("train", "step", "infer", "latency")
ROUNDS = 9


@dataclass(frozen=True)
class Noise:
    """Logarithms: launch effects around their cell's mean; medians of resampled rounds."""

    launches: np.ndarray
    medians: np.ndarray


@cache
def recorded() -> Noise:
    """Everything that scattered in the recorded run; effects are scaled for the mean they lost."""
    effects: list[float] = []
    inside: list[np.ndarray] = []
    for result in Results.read(Run.open(RECORDED)).cells:
        for phase in PHASES:
            logs = [np.log(launch.rounds(phase)) for launch in result.good]
            if len(logs) > 1:
                medians = np.array([np.median(x) for x in logs])
                scale = np.sqrt(len(medians) / (len(medians) - 1))
                effects += list((medians - medians.mean()) * scale)
                inside += [x - np.median(x) for x in logs]
    rng = np.random.default_rng(0)
    medians = [np.median(rng.choice(x, (100, ROUNDS)), axis=1) for x in inside]
    return Noise(np.array(effects), np.concatenate(medians))


def drift(rng: np.random.Generator, blocks: int) -> np.ndarray:
    """What all contenders of a block share: a random walk of 5 % a block."""
    return np.asarray(rng.normal(0, 0.05, blocks).cumsum())


def launches(rng: np.random.Generator, shared: np.ndarray, slower: float = 0.0) -> dict[int, float]:
    """Block → seconds of one contender, recorded noise on what the block shares."""
    noise = recorded()
    n = len(shared)
    own = rng.choice(noise.launches, n) + rng.choice(noise.medians, n)
    logs = shared + own + np.log1p(slower)
    return dict(enumerate(np.exp(logs).tolist()))


def bursts(rng: np.random.Generator, shared: np.ndarray, slower: float = 0.0) -> dict[int, float]:
    """A quiet machine, 1.2 % a launch, on which 7 % of the launches meet other load and are
    slower by 25 % on average: what the calibration launches look like."""
    n = len(shared)
    hit = (rng.random(n) < 0.07) * rng.exponential(0.25, n)
    logs = shared + rng.normal(0, 0.012, n) + hit + np.log1p(slower)
    return dict(enumerate(np.exp(logs).tolist()))
