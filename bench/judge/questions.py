"""From launch records to the questions the judge answers. Reads records; never writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from bench import stats
from bench.judge import verdict
from bench.judge.verdict import DEFAULT, Kind, Question, Rule, Verdict
from bench.records import tidy
from bench.records.metrics import Metric, better_in, metric
from bench.records.record import AA_LABEL, Cell, Record
from bench.stats import Effect
from tasks.catalogue.every import TASKS

JUDGED: tuple[tuple[str, Kind], ...] = (
    ("train_throughput", "throughput"),
    ("infer_throughput", "throughput"),
    ("step_latency_p50", "latency"),
    ("step_latency_p95", "latency"),
    ("infer_latency_p50", "latency"),
    ("infer_latency_p95", "latency"),
    ("cold_start", "cold start"),
    ("peak_rss", "memory"),
    ("test_score", "accuracy"),
)
"""What is compared, and of which kind it is. p99 is shown but not judged: of 200 rounds it is
the second worst."""

TIME_TO_TARGET = "time_to_target"
SPEED = "train_throughput"  # what a run's own table is ordered and judged by
Groups = Mapping[Cell, list[Record]]


@dataclass(frozen=True)
class Side:
    """One contender's launches of one task, under the name it has in the answer."""

    name: str
    records: Sequence[Record]
    known: dict[str, dict[int, float]] = field(default_factory=dict, repr=False, compare=False)
    """What was read already: a contender meets every other one of its task."""

    def values(self, m: Metric) -> dict[int, float]:
        """Block → the metric's value, of the launches that ended well."""
        if m.name not in self.known:
            self.known[m.name] = tidy.values(m, tidy.good(list(self.records)))
        return self.known[m.name]

    def times_to_target(self) -> tuple[list[float], list[bool]]:
        """Seconds to the target, or of the whole training where it was not reached, and which."""
        readings = [r["launch"]["readings"] for r in tidy.good(list(self.records))]
        known = [r for r in readings if "time_to_target" in r and "learn_seconds" in r]
        reached = [r["time_to_target"] is not None for r in known]
        return [
            float(r["time_to_target"] if done else r["learn_seconds"])
            for r, done in zip(known, reached, strict=True)
        ], reached


def question(
    task: str, name: str, kind: Kind, base: Side, new: Side, floor: float, paired: bool
) -> Question | None:
    """What is asked of the judge; None where a side has no value (or they share no block)."""
    m = metric(name)
    before, after = base.values(m), new.values(m)
    if not before or not after or (paired and not before.keys() & after.keys()):
        return None
    ratio, higher = _scale(task, m, [*before.values(), *after.values()])
    effect = (
        stats.paired_effect(after, before, ratio)
        if paired
        else stats.unpaired_effect(list(after.values()), list(before.values()), ratio)
    )
    return Question(task, name, kind, base.name, new.name, effect, higher, ratio, floor)


def target_question(task: str, base: Side, new: Side) -> Question | None:
    """Training seconds until the task's target, launches that never reached it included.

    Unpaired, without a floor: restricted means of both sides (`judge.restricted_time_effect`).
    None where there is no target, or no launch of either side reached it.
    """
    sides = [side.times_to_target() for side in (base, new)]
    if not all(seconds for seconds, _ in sides):
        return None
    try:
        effect = verdict.restricted_time_effect(sides[0], sides[1])
    except ValueError:
        return None
    return Question(task, TIME_TO_TARGET, "time to target", base.name, new.name, effect, False)


def _scale(task: str, m: Metric, values: Iterable[float]) -> tuple[bool, bool]:
    """(judged as a ratio, higher is better). A task's score can be an error (rmse)."""
    if m.name != "test_score":
        return m.positive and min(values) > 0, m.better == "higher"
    error = any(t.name == task and t.metric == "rmse" for t in TASKS)
    return error and min(values) > 0, not error


def floors(groups: Groups) -> dict[str, float]:
    """Metric → the run's A/A floor, on the judge's scale; metrics without a pair are absent.

    A run has one A/A pair, of its first task; its floor stands for the other tasks too.
    """
    found: dict[str, float] = {}
    for cell, group in groups.items():
        original_group = groups.get(twin(cell), [])
        if cell.label != AA_LABEL or not original_group:
            continue
        for name, kind in JUDGED:
            copy, original = Side("copy", group), Side("original", original_group)
            asked = question(cell.task, name, kind, original, copy, float("nan"), paired=True)
            if asked is not None and asked.effect.n > 1:
                found[name] = verdict.floor_of(asked.effect)
    return found


def best_first(groups: Groups, task: str, name: str = SPEED) -> list[Cell]:
    """The contenders of a task that were measured, best first in a metric; no A/A copies."""
    m = metric(name)
    found = {
        cell: e.value
        for cell, group in groups.items()
        if cell.task == task and not cell.label and (e := tidy.estimate(m, group)) is not None
    }
    higher = better_in(m, task) == "higher"
    return sorted(found, key=lambda cell: -found[cell] if higher else found[cell])


def against_best(
    groups: Groups, name: str = SPEED, rule: Rule = DEFAULT
) -> dict[str, list[Verdict]]:
    """Task → a verdict on one metric for each contender against the task's best.

    The best is picked by the same numbers that are then judged, so the correction is made
    over *all* pairs of contenders of all tasks, not only over the pairs that are shown.
    """
    floor = floors(groups).get(name, float("nan"))
    kinds = dict(JUDGED)
    kept: dict[str, list[int]] = {}
    asked: list[Question] = []
    for task, mine in _by_task(groups).items():
        order = best_first(mine, task, name)
        sides = [Side(cell.contender, groups[cell]) for cell in order]
        for (number, base), (_, new) in combinations(enumerate(sides), 2):
            one = question(task, name, kinds[name], base, new, floor, paired=True)
            if one is not None:
                if number == 0:
                    kept.setdefault(task, []).append(len(asked))
                asked.append(one)
    verdicts = verdict.judge(asked, rule)
    return {task: [verdicts[i] for i in which] for task, which in kept.items()}


def _by_task(groups: Groups) -> dict[str, dict[Cell, list[Record]]]:
    found: dict[str, dict[Cell, list[Record]]] = {}
    for cell, group in groups.items():
        found.setdefault(cell.task, {})[cell] = group
    return found


def twin(cell: Cell) -> Cell:
    """The contender an A/A copy is a copy of."""
    return replace(cell, label="")


def width(effect: Effect) -> float:
    """Half the 95 % interval of a log-ratio, as a fraction of the ratio; NaN for one launch."""
    low, high = effect.interval()
    return (high - low) / 2
