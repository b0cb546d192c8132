"""From a run's cells to the questions the judge answers. Pure: results in, questions out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from bench import stats
from bench.judge import verdict
from bench.judge.divisions import Contest, contests
from bench.judge.verdict import DEFAULT, Question, Rule, Verdict
from bench.records.metrics import SCORE, SPEED, TARGET, Direction, Metric, judged, metric
from bench.records.results import CellResult, Results
from bench.stats import Effect


@dataclass(frozen=True)
class Side:
    """One contender's launches of one task, under the name it has in the answer."""

    name: str
    result: CellResult | None

    def values(self, m: Metric) -> Mapping[int, float]:
        """Block → the metric's value, of the launches that count."""
        return self.result.values(m) if self.result else {}

    def times_to_target(self) -> tuple[list[float], list[bool]]:
        """Seconds to the target, or of the whole training where it was not reached, and which."""
        readings = self.result.readings if self.result else ()
        known = [r for r in readings if r.target is not None and r.learn_seconds is not None]
        seconds = [r.learn_seconds if r.time_to_target is None else r.time_to_target for r in known]
        return [s for s in seconds if s is not None], [r.time_to_target is not None for r in known]


def question(
    task: str,
    m: Metric,
    base: Side,
    new: Side,
    floor: float,
    paired: bool,
    better: Direction,
) -> Question | None:
    """What is asked of the judge; None where a side has no value (or they share no block).

    better: which way is good in this task. Scores are judged as plain differences, unless they
    are errors: then as ratios, like times.
    """
    before, after = base.values(m), new.values(m)
    if m.kind is None or not before or not after or (paired and not before.keys() & after.keys()):
        return None
    ratio = _as_ratio(m, better, [*before.values(), *after.values()])
    effect = (
        stats.paired_effect(after, before, ratio)
        if paired
        else stats.unpaired_effect(list(after.values()), list(before.values()), ratio)
    )
    higher = better == "higher"
    return Question(
        task, m.name, m.kind, base.name, new.name, effect, higher, ratio, floor, m.words
    )


def _as_ratio(m: Metric, better: Direction, values: Iterable[float]) -> bool:
    return (m.positive or (m.name == SCORE and better == "lower")) and min(values) > 0


def target_question(task: str, base: Side, new: Side) -> Question | None:
    """Training seconds until the task's target, launches that never reached it included.

    Unpaired, without a floor: restricted means of both sides (`verdict.restricted_time_effect`).
    None where there is no target, or no launch of either side reached it.
    """
    sides = [side.times_to_target() for side in (base, new)]
    if not all(seconds for seconds, _ in sides):
        return None
    try:
        effect = verdict.restricted_time_effect(sides[0], sides[1])
    except ValueError:
        return None
    return Question(task, TARGET, "time to target", base.name, new.name, effect, False)


def a_a_questions(results: Results) -> list[Question]:
    """What is asked of the run's A/A pair, copy against original, over two blocks or more."""
    asked = []
    for original, copy in results.twins():
        sides, task = (Side("original", original), Side("copy", copy)), original.cell.task
        for m in judged():
            pair = question(task, m, *sides, float("nan"), True, results.better(m, task))
            if pair is not None and pair.effect.n > 1:
                asked.append(pair)
    return asked


def floors(results: Results) -> dict[str, float]:
    """Metric → the run's A/A floor, on the judge's scale; metrics without a pair are absent.

    A division has one A/A pair, of the run's first task; its floor stands for the other tasks
    too. Of several pairs the widest floor counts.
    """
    widest: dict[str, float] = {}
    for q in a_a_questions(results):
        widest[q.metric] = max(verdict.floor_of(q.effect), widest.get(q.metric, 0.0))
    return widest


def best_first(results: Results, contest: Contest, name: str = SPEED) -> list[CellResult]:
    """The contenders of a contest that were measured, best first in a metric; no A/A copies."""
    m = metric(name)
    estimates = ((result, result.estimate(m)) for result in contest.cells(results))
    ranked = [(result, e.value) for result, e in estimates if e is not None]
    ranked.sort(key=lambda pair: pair[1], reverse=results.better(m, contest.task) == "higher")
    return [result for result, _ in ranked]


def against_best(
    results: Results, name: str = SPEED, rule: Rule = DEFAULT
) -> dict[Contest, list[Verdict]]:
    """Contest → a verdict on one metric for each contender against the contest's best.

    The best is picked by the same numbers that are then judged, so the correction is made
    over *all* pairs of contenders of all contests, not only over the pairs that are shown.
    """
    m = metric(name)
    floor = {d: floors(results.of_division(d)).get(name, float("nan")) for d in results.divisions}
    shown: dict[Contest, list[int]] = {}
    asked: list[Question] = []
    for contest in contests(results):
        better = results.better(m, contest.task)
        sides = [Side(r.cell.contender, r) for r in best_first(results, contest, name)]
        for (number, base), (_, new) in combinations(enumerate(sides), 2):
            pair = question(contest.task, m, base, new, floor[contest.division], True, better)
            if pair is not None:
                if number == 0:
                    shown.setdefault(contest, []).append(len(asked))
                asked.append(pair)
    verdicts = verdict.judge(asked, rule)
    return {contest: [verdicts[i] for i in which] for contest, which in shown.items()}


def width(effect: Effect) -> float:
    """Half the 95 % interval of a log-ratio, as a fraction of the ratio; NaN for one launch."""
    low, high = effect.interval()
    return (high - low) / 2
