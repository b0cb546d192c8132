"""From a run's cells to the questions the judge answers. Pure: results in, questions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from bench import stats
from bench.judge import pairs, spending, verdict
from bench.judge.divisions import Contest, contests
from bench.judge.pairs import Side
from bench.judge.validity import LabelCheck, checks
from bench.judge.verdict import DEFAULT, FINEST, Question, Rule, Verdict
from bench.records.metrics import SCORE, SPEED, TARGET, Metric, judged, metric
from bench.records.results import CellResult, Results
from bench.stats import Effect


def question(
    results: Results, task: str, m: Metric, base: Side, new: Side, paired: bool = True
) -> Question | None:
    """What is asked of the judge; None where a side has no value (or they share no block).

    results: the run of `new`, which says what is good in the task and how fine its scores are.
    paired: both sides sat together. Scores are always paired, by seed, where they share any.
    """
    better = results.better(m, task)
    values = [side.values(m) for side in (base, new)]
    if m.kind is None or not all(values):
        return None
    ratio = pairs.as_ratio(m, better, [v for side in values for v in side.values()])
    step = FINEST if ratio else _step(results, task)
    effect = _effect(m, base, new, paired, ratio, step)
    if effect is None:
        return None
    higher = better == "higher"
    return Question(task, m.name, m.kind, base.name, new.name, effect, higher, ratio, m.words)


def _effect(
    m: Metric, base: Side, new: Side, paired: bool, ratio: bool, step: float
) -> Effect | None:
    if m.name == SCORE:
        scores, other_scores = base.by_seed(m), new.by_seed(m)
        if scores.keys() & other_scores.keys():
            return stats.paired_effect(other_scores, scores, ratio, step)
    if paired:
        assert base.result is not None
        assert new.result is not None
        return pairs.effect(m, base.result, new.result, ratio, step)
    after, before = (list(side.values(m).values()) for side in (new, base))
    return stats.unpaired_effect(after, before, ratio, step)


def _step(results: Results, task: str) -> float:
    """What one test row is worth in a share of them."""
    rows = results.about.datasets[task].rows[1]
    return 1 / rows if rows else FINEST


def target_question(task: str, base: Side, new: Side, paired: bool = False) -> Question | None:
    """Training seconds until the task's target, launches that never reached it included.

    Restricted means of both sides (`verdict.restricted_time_effect`), unpaired; by block where
    both sat together and every launch reached it. None where there is no target, or no launch
    of either side reached it.
    """
    times = [side.times_to_target() for side in (base, new)]
    if not all(seconds for seconds, _ in times):
        return None
    m = metric(TARGET)
    effect: Effect | None
    if paired and all(all(reached) for _, reached in times) and base.result and new.result:
        effect = pairs.effect(m, base.result, new.result)
    else:
        try:
            effect = verdict.restricted_time_effect(times[0], times[1])
        except ValueError:
            effect = None
    if effect is None:
        return None
    return Question(task, TARGET, "time to target", base.name, new.name, effect, False)


def a_a_questions(results: Results, name: str = "") -> list[Question]:
    """What is asked of the run's A/A pairs, copy against original; of one metric where named."""
    asked = []
    for original, copy in results.twins():
        sides = Side("original", original), Side("copy", copy)
        for m in (metric(name),) if name else judged():
            pair = question(results, original.cell.task, m, *sides)
            asked += [pair] if pair is not None else []
    return asked


def checks_of(results: Results, name: str = "") -> dict[str, LabelCheck]:
    """Metric → what the run's A/A pairs say of its errors; of one metric where named."""
    return checks(a_a_questions(results, name))


def best_first(results: Results, contest: Contest, name: str = SPEED) -> list[CellResult]:
    """The contenders of a contest that were measured, best first in a metric; no A/A copies."""
    m = metric(name)
    estimates = ((result, result.estimate(m)) for result in contest.cells(results))
    ranked = [(result, e.value) for result, e in estimates if e is not None]
    ranked.sort(key=lambda pair: pair[1], reverse=results.better(m, contest.task) == "higher")
    return [result for result, _ in ranked]


def pairs_of(results: Results, name: str) -> list[tuple[Contest, Question]]:
    """Every pair of contenders of every contest in one metric, each with its own error; variances
    are not yet borrowed (bench.judge.spending does). The contest's best is the base of its pairs,
    which come first."""
    return [(contest, q) for contest in contests(results) for q in _pairs(results, contest, name)]


def _pairs(results: Results, contest: Contest, name: str) -> list[Question]:
    m = metric(name)
    sides = [Side(r.cell.contender, r) for r in best_first(results, contest, name)]
    asked = [question(results, contest.task, m, *both) for both in combinations(sides, 2)]
    known = [q for q in asked if q is not None]
    if not known:
        return []
    best = _best([side.name for side in sides], known)
    turned = [q.turned() if q.new == best else q for q in known]
    return sorted(turned, key=lambda q: q.base != best)


def _best(names: Sequence[str], asked: Sequence[Question]) -> str:
    """Who is ahead by the effects that are judged, over all others; turns can tell another than
    the launches' own medians do."""
    ahead = dict.fromkeys(names, 0.0)
    for q in asked:
        gain = q.effect.mean if q.higher_is_better else -q.effect.mean
        ahead[q.new] += gain
        ahead[q.base] -= gain
    return max(ahead, key=lambda name: ahead[name])


def against_best(
    results: Results, name: str = SPEED, rule: Rule | None = None
) -> dict[Contest, list[Verdict]]:
    """Contest → a verdict on one metric for each contender against the contest's best.

    The best is picked by the same numbers that are then judged, so the correction is made
    over *all* pairs of contenders of all contests, not only over the pairs that are shown.
    """
    asked = pairs_of(results, name)
    best = {contest: q.base for contest, q in reversed(asked)}
    answers = answered(results, [q for _, q in asked], a_a_questions(results, name), rule)
    shown: dict[Contest, list[Verdict]] = {}
    for (contest, q), v in zip(asked, answers, strict=True):
        if q.base == best[contest]:
            shown.setdefault(contest, []).append(v)
    return shown


def answered(
    results: Results,
    asked: Sequence[Question],
    a_a: Sequence[Question],
    rule: Rule | None = None,
) -> list[Verdict]:
    """The answers to questions of one run: in one look, or, where the run went on until it knew
    enough, in the looks that it had. rule: unless given, with the run's own margin."""
    rule = rule_of(results) if rule is None else rule
    if not goes_on(results):
        return spending.once(asked, a_a, rule)
    blocks = 1 + max((x.job.block for x in results.launches), default=0)
    return spending.in_looks(asked, a_a, spending.reached(blocks), rule)


def rule_of(results: Results) -> Rule:
    """The rule of a run's own verdicts: with the margin that it was asked for."""
    return replace(DEFAULT, margin=results.about.request.margin)


def goes_on(results: Results) -> bool:
    """Whether the run's number of sittings followed from what it saw, or from the time it had."""
    return results.about.request.budget_seconds is not None
