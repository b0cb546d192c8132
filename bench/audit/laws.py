"""Laws of noise that the judge is tried on: log seconds of contenders that do not differ.

A law gives float64 (tasks, contenders, sittings), or with a fourth axis of turns. Some are what the
judge's rule was chosen on, others are not (`FRESH`): a rule is only worth what it does on those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from bench.records.results import Results
from bench.records.store import Run

RECORDED = Path("results") / "cpu-full"
PHASES = ("train", "step", "infer", "latency")


@dataclass(frozen=True)
class TableSize:
    """How large a table is."""

    tasks: int
    contenders: int
    sittings: int

    @property
    def axes(self) -> tuple[int, int, int]:
        """Of an array of it."""
        return self.tasks, self.contenders, self.sittings


Law = Callable[[np.random.Generator, TableSize], np.ndarray]


def normal(rng: np.random.Generator, shape: TableSize) -> np.ndarray:
    """3 % a launch, all alike."""
    return np.asarray(rng.normal(0, 0.03, shape.axes))


def noisy_tasks(rng: np.random.Generator, shape: TableSize) -> np.ndarray:
    """1.5, 3, 6 and 3 % a launch by task, and so on."""
    times = np.resize([0.5, 1.0, 2.0, 1.0], shape.tasks)
    return np.asarray(normal(rng, shape) * times[:, None, None])


def noisy_contenders(rng: np.random.Generator, shape: TableSize) -> np.ndarray:
    """1, 2, 3, 5 and 10 % a launch by contender."""
    times = np.resize([1.0, 2.0, 3.0, 5.0, 10.0], shape.contenders)
    return np.asarray(rng.normal(0, 0.01, shape.axes) * times[:, None])


def one_noisy(rng: np.random.Generator, shape: TableSize) -> np.ndarray:
    """10 % of the last contender, 1 % of the others, times by task as in `noisy_tasks`."""
    times = np.resize([1.0, 1.0, 1.0, 1.0, 10.0], shape.contenders)
    return np.asarray(noisy_tasks(rng, shape) / 3 * times[:, None])


def noisy_cells(rng: np.random.Generator, shape: TableSize) -> np.ndarray:
    """Each cell its own noise: log-normal around 3 %, twice as much or half one cell in three."""
    times = np.exp(rng.normal(0, 0.7, (shape.tasks, shape.contenders, 1)))
    return np.asarray(normal(rng, shape) * times)


def two_speeds(share: float, times: float) -> Law:
    """1 % a launch, and a share of the launches so many times as slow."""

    def law(rng: np.random.Generator, shape: TableSize) -> np.ndarray:
        slow = rng.random(shape.axes) < share
        return np.asarray(rng.normal(0, 0.01, shape.axes) + np.log(times) * slow)

    return law


def bursts(rng: np.random.Generator, shape: TableSize) -> np.ndarray:
    """1.2 % a launch, and 7 % of the launches slower by 25 % on average."""
    hit = (rng.random(shape.axes) < 0.07) * rng.exponential(0.25, shape.axes)
    return np.asarray(rng.normal(0, 0.012, shape.axes) + hit)


def wandering(rng: np.random.Generator, shape: TableSize) -> np.ndarray:
    """The machine's own speed, AR(1) with 0.9 a launch and 10 %, contenders one after another."""
    series = np.empty((shape.tasks, shape.sittings * shape.contenders))
    state = rng.normal(0, 0.10, shape.tasks)
    for number in range(series.shape[1]):
        state = 0.9 * state + np.sqrt(1 - 0.81) * rng.normal(0, 0.10, shape.tasks)
        series[:, number] = state
    return _in_turn(series, shape)


def drift(rng: np.random.Generator, shape: TableSize) -> np.ndarray:
    """1 % a launch on a machine that gets 30 % slower over the run, one after another."""
    series = np.linspace(0, np.log(1.3), shape.sittings * shape.contenders)
    whole = _in_turn(np.tile(series, (shape.tasks, 1)), shape)
    return whole + rng.normal(0, 0.01, shape.axes)


def _in_turn(series: np.ndarray, shape: TableSize) -> np.ndarray:
    """A series in time as cells: in every second block the contenders come in reverse."""
    blocks = series.reshape(shape.tasks, shape.sittings, shape.contenders).copy()
    blocks[:, 1::2] = blocks[:, 1::2, ::-1]
    return np.asarray(blocks.transpose(0, 2, 1))


def turns(rng: np.random.Generator, shape: TableSize) -> np.ndarray:
    """Sittings of 16 turns: 1.5 % a process, 3 % a turn with AR(1) 0.5, and one turn in twenty
    struck by 50 % on average."""
    axes = (*shape.axes, 16)
    noise = rng.normal(0, 0.03, axes)
    for turn in range(1, 16):
        noise[..., turn] = 0.5 * noise[..., turn - 1] + np.sqrt(0.75) * noise[..., turn]
    struck = (rng.random(axes) < 0.05) * rng.exponential(0.5, axes)
    return rng.normal(0, 0.015, (*shape.axes, 1)) + noise + struck


@cache
def _cells() -> tuple[tuple[np.ndarray, ...], ...]:
    """A published run's launch medians, centred by cell: task and phase → cells."""
    results = Results.read(Run.open(RECORDED))
    tables = []
    for task in results.tasks:
        for phase in PHASES:
            cells = []
            for result in results.of_task(task):
                logs = [np.log(np.median(x.rounds(phase))) for x in result.good if x.samples(phase)]
                if len(logs) >= 5:
                    values = np.array(logs)
                    cells.append((values - values.mean()) * np.sqrt(len(logs) / (len(logs) - 1)))
            if len(cells) >= 4:
                tables.append(tuple(cells))
    return tuple(tables)


def recorded(rng: np.random.Generator, shape: TableSize) -> np.ndarray:
    """Launches of a published run, drawn whole: a cell's own launches and no other's, so that the
    order of contenders, their speeds and their unlike noise stay. Each has a little normal noise
    on it (half of the cell's median deviation, 0.3 % at least), as five launches drawn with
    replacement would tie."""
    found = np.empty(shape.axes)
    tables = _cells()
    for task in range(shape.tasks):
        cells = tables[rng.integers(len(tables))]
        for contender, cell in enumerate(rng.choice(len(cells), shape.contenders)):
            values = cells[cell]
            inside = 1.48 * float(np.median(np.abs(values - np.median(values))))
            kernel = rng.normal(0, max(0.003, inside / 2), shape.sittings)
            found[task, contender] = rng.choice(values, shape.sittings) + kernel
    return found


LAWS: dict[str, Law] = {
    "normal, 3 %": normal,
    "tasks of 1.5, 3 and 6 %": noisy_tasks,
    "contenders of 1 to 10 %": noisy_contenders,
    "two speeds, 20 % twice as slow": two_speeds(0.2, 2.0),
    "two speeds, 50 % twice as slow": two_speeds(0.5, 2.0),
    "bursts in 7 %": bursts,
}
FRESH: dict[str, Law] = {
    "recorded launches, drawn whole": recorded,
    "one noisy contender, tasks unlike": one_noisy,
    "every cell its own noise": noisy_cells,
    "two speeds, 30 % slower by 30 %": two_speeds(0.3, 1.3),
    "machine wanders, AR(1) 0.9": wandering,
    "machine drifts by 30 %": drift,
    "turns with bursts": turns,
}
"""Laws that the rule was not chosen on."""
