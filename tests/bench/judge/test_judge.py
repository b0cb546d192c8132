"""Verdict words from effects: each condition alone can keep a verdict from being given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench import stats
from bench.judge import verdict as judge
from bench.judge.verdict import Question, Rule, Verdict
from bench.judge.verdict import judge as decide
from bench.records.metrics import metric
from bench.stats import Effect

CLEAR = Effect(mean=-0.10, error=0.005, df=9, n=10)


def question(effect: Effect = CLEAR, **changes: object) -> Question:
    asked = Question("t", "train_throughput", "throughput", "a", "b", effect, True, True)
    return replace(asked, **changes)  # type: ignore[arg-type]


def word(effect: Effect = CLEAR, rule: Rule = judge.DEFAULT, **changes: object) -> str:
    return decide([question(effect, **changes)], rule)[0].word


def test_direction_follows_the_metric() -> None:
    assert word() == "slower"
    assert word(replace(CLEAR, mean=0.10)) == "faster"
    assert word(higher_is_better=False) == "faster"
    memory, score = (metric(name).words for name in ("peak_rss", "test_score"))
    assert word(kind="memory", higher_is_better=False, words=memory) == "lighter"
    assert word(kind="accuracy", ratio=False, words=score) == "worse"


@pytest.mark.parametrize(
    "changed",
    [
        {"void": "its A/A pairs differ"},
        {"effect": replace(CLEAR, error=0.05)},  # not significant
        {"effect": replace(CLEAR, mean=-0.018, error=0.002)},  # significant, within the margin
        {"effect": replace(CLEAR, n=2, error=1e-6)},  # two sittings of the pair
        {"effect": replace(CLEAR, n=5, df=4, error=1e-6)},  # its error is not known
        {"effect": Effect(-0.1, float("nan"), float("nan"), 1)},  # one launch
    ],
)
def test_each_condition_alone_keeps_it_undecided(changed: dict[str, object]) -> None:
    assert word() == "slower"
    verdict = decide([replace(question(), **changed)])[0]  # type: ignore[arg-type]
    assert verdict.word == "undecided"
    assert verdict.more_launches >= 1
    assert "undecided against a" in judge.sentence(verdict)


def test_the_margin_is_the_users() -> None:
    three = replace(CLEAR, mean=-0.03)
    assert word(three) == "slower"
    assert word(three, Rule(margin=0.05)) == "equivalent"


def test_equivalence_needs_proof() -> None:
    same = replace(CLEAR, mean=0.001)
    assert word(same) == "equivalent"
    assert word(replace(same, error=0.02)) == "undecided"


def test_scores_need_three_seeds_and_no_lent_variance() -> None:
    seeds = stats.paired_effect(*[dict.fromkeys(range(3), 0.9)] * 2, False, resolution=0.001)
    asked = question(seeds, kind="accuracy", ratio=False)
    assert decide([asked])[0].outcome == "equivalent"
    assert decide([replace(asked, effect=replace(seeds, n=2))])[0].outcome == "undecided"
    assert decide([replace(asked, kind="throughput")])[0].outcome == "undecided"


def test_many_questions_raise_the_bar() -> None:
    """p = 0.004 alone is a verdict; among 50 questions without an answer it is not."""
    borderline = Effect(mean=-0.10, error=0.10 / 3.8, df=9, n=10)
    nothing = Effect(mean=0.0, error=0.03, df=9, n=10)
    assert word(borderline) == "slower"
    many = decide([question(borderline), *[question(nothing)] * 49])
    assert many[0].word == "undecided"


@pytest.mark.parametrize("others", [0, 39])
def test_launches_needed_are_about_right(others: int) -> None:
    """Take as many as were said to be missing: then most are decided, in a table of 40 too."""
    rng = np.random.default_rng(5)
    decided = asked = 0
    for _ in range(300):
        few = rng.normal(-0.05, 0.06, 7)
        if not 0.04 < abs(few.mean()) < 0.06 or not 0.05 < few.std(ddof=1) < 0.07:
            continue  # a pilot that is far off asks for too few or too many
        verdict = _among(few, others, rng)
        if verdict.outcome == "undecided":
            more = [*few, *rng.normal(-0.05, 0.06, verdict.more_launches)]
            asked += 1
            decided += _among(np.array(more), others, rng).outcome != "undecided"
    assert asked > 30
    assert decided / asked > 0.7


def _among(values: np.ndarray, others: int, rng: np.random.Generator) -> Verdict:
    """The verdict on these sittings among others in which nothing differs."""
    rows = [values, *rng.normal(0, 0.06, (others, len(values)))]
    effects = [stats.sittings_effect(enumerate(row.tolist())) for row in rows]
    return decide([question(e) for e in effects])[0]


def test_a_bigger_table_asks_for_more() -> None:
    effect = stats.Effect(-0.05, 0.06 / np.sqrt(8), 7, 8)
    alone = judge.more_launches(question(effect))
    assert judge.more_launches(question(effect), shares=(1 / 40, 1 / 40)) > 1.5 * alone


def test_equal_launches_are_as_equal_as_readings_are_fine() -> None:
    same = dict.fromkeys(range(6), 3.0)
    assert word(stats.paired_effect(same, same, True, judge.FINEST)) == "equivalent"
    assert word(stats.paired_effect(same, same, True)) == "undecided"


def test_restricted_times_without_censoring_are_the_times_cut_at_the_horizon() -> None:
    found = stats.restricted_times([1, 2, 9], [True] * 3, 5)
    assert found.tolist() == [1, 2, 5]


def test_restricted_mean_is_the_area_under_kaplan_meier() -> None:
    """Known answer: S is 1 to 1, 3/4 to 3 (one was lost at 2), 3/8 to 4: 1 + 1.5 + 0.375."""
    found = stats.restricted_times([1, 2, 3, 6], [True, False, True, True], 4)
    assert found.mean() == pytest.approx(2.875)
    assert stats._area(np.array([1, 2, 3, 6.0]), np.array([1, 0, 1, 1], bool), 4) == 2.875


def test_a_target_nobody_reached_is_no_answer() -> None:
    never = ([5.0, 5.0], [False, False])
    with pytest.raises(ValueError, match="no launch reached"):
        judge.restricted_time_effect(never, never)
    with pytest.raises(ValueError, match="horizon"):
        stats.restricted_times(*never, 6.0)


def test_fewer_reaching_the_target_is_slower_not_absent() -> None:
    base = ([1.0, 1.1, 1.2, 1.1, 1.0, 1.2], [True] * 6)
    new = ([3.0, 1.2, 3.0, 3.0, 1.1, 3.0], [False, True, False, False, True, False])
    assert judge.restricted_time_effect(base, new).mean == pytest.approx(
        np.log((4 * 3.0 + 1.2 + 1.1) / sum(base[0])), abs=1e-9
    )


def test_the_horizon_is_where_the_shorter_watch_of_a_censored_side_ends() -> None:
    reached, lost = ([1.0, 2.0], [True, True]), ([1.0, 5.0], [True, False])
    assert stats.common_horizon(reached, lost) == 5.0
    assert stats.common_horizon(lost, ([1.0, 4.0], [False, False])) == 4.0
    assert stats.common_horizon(reached, reached) == 2.0
