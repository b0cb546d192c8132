"""Documented and tuned programs: who is ranked with whom, and what tuning gains. Pure.

A *contest* is one task in one division. The two divisions answer different questions (what a user
gets who follows the documents; what the framework can do), and tuning changes who wins, so nothing
here or in the judge ranks rows of both in one list. They are compared in one way only: a
framework's tuned mode with the same framework's documented one.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.base import Division
from bench.judge import pairs
from bench.records.results import CellResult, Results
from bench.stats import Estimate

MEANINGS: dict[Division, str] = {
    "documented": "what the framework's documents tell a user to write",
    "tuned": "the fastest certified form",
}
GAINED = ("train_throughput", "infer_throughput")
"""The metrics by which tuning is held against the documents."""


@dataclass(frozen=True)
class Contest:
    """The rows of one task that are ranked together: those of one division."""

    task: str
    division: Division

    def cells(self, results: Results) -> tuple[CellResult, ...]:
        """Its contenders, A/A copies left out."""
        return tuple(r for r in results.of_task(self.task) if r.division == self.division)


def contests(results: Results, task: str = "") -> tuple[Contest, ...]:
    """Those that have contenders, in the order of the request; of one task where it is named."""
    every = (
        Contest(name, division)
        for name in ((task,) if task else results.tasks)
        for division in results.divisions
    )
    return tuple(contest for contest in every if contest.cells(results))


@dataclass(frozen=True)
class Gain:
    """What a tuned mode of a framework gains over a documented one, in one task.

    ratios: metric of `GAINED` → tuned / documented over launches paired by block, above 1 where
    tuning gains; a metric without a common block is absent.
    """

    task: str
    documented: str
    tuned: str
    ratios: dict[str, Estimate]


def gains(results: Results) -> tuple[Gain, ...]:
    """Of each task, every pair of a framework's documented and tuned modes that were measured."""
    return tuple(
        Gain(task, documented.cell.implementation, tuned.cell.implementation, ratios)
        for task in results.tasks
        for documented in Contest(task, "documented").cells(results)
        for tuned in Contest(task, "tuned").cells(results)
        if documented.cell.framework == tuned.cell.framework
        and (ratios := _ratios(tuned, documented))
    )


def _ratios(tuned: CellResult, documented: CellResult) -> dict[str, Estimate]:
    found = {name: pairs.ratio(name, documented, tuned) for name in GAINED}
    return {name: ratio for name, ratio in found.items() if ratio is not None}
