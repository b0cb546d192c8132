"""Verdict words from effects: each condition alone can keep a verdict from being given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench import stats
from bench.judge import verdict as judge
from bench.judge.verdict import MOST_LAUNCHES, Question, Rule
from bench.judge.verdict import judge as decide
from bench.records.metrics import metric
from bench.stats import Effect

CLEAR = Effect(mean=-0.10, error=0.005, df=9, n=10)


def question(effect: Effect = CLEAR, **changes: object) -> Question:
    asked = Question("t", "train_throughput", "throughput", "a", "b", effect, True, True, 0.01)
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
        {"floor": 0.11},  # inside the A/A floor
        {"effect": replace(CLEAR, error=0.05)},  # not significant
        {"effect": replace(CLEAR, mean=-0.018, error=0.002)},  # significant, within the margin
        {"effect": replace(CLEAR, n=2, df=1, error=1e-6)},  # too few launches
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


def test_equivalence_needs_proof_and_a_floor_inside_the_margin() -> None:
    same = replace(CLEAR, mean=0.001)
    assert word(same) == "equivalent"
    assert word(same, floor=0.03) == "undecided"
    assert word(replace(same, error=0.02)) == "undecided"


def test_many_questions_raise_the_bar() -> None:
    """p = 0.004 alone is a verdict; among 50 questions without an answer it is not."""
    borderline = Effect(mean=-0.10, error=0.10 / 3.8, df=9, n=10)
    nothing = Effect(mean=0.0, error=0.03, df=9, n=10)
    assert word(borderline) == "slower"
    many = decide([question(borderline), *[question(nothing)] * 49])
    assert many[0].word == "undecided"


def test_no_floor_is_said_by_nan_and_does_not_forbid_a_verdict() -> None:
    assert word(floor=float("nan")) == "slower"


def test_launches_needed_are_about_right() -> None:
    """Take as many as were said to be missing: then most are decided."""
    rng = np.random.default_rng(5)
    decided = asked = 0
    for _ in range(300):
        few = rng.normal(-0.05, 0.06, 7)
        effect = stats.paired_effect(dict(enumerate(few)), dict.fromkeys(range(7), 0.0), logs=False)
        verdict = decide([question(effect, floor=0.0)])[0]
        if verdict.outcome == "undecided" and verdict.more_launches < MOST_LAUNCHES:
            more = [*few, *rng.normal(-0.05, 0.06, verdict.more_launches)]
            blocks = range(len(more))
            again = stats.paired_effect(
                dict(enumerate(more)), dict.fromkeys(blocks, 0.0), logs=False
            )
            asked += 1
            decided += decide([question(again, floor=0.0)])[0].outcome != "undecided"
    assert asked > 100
    assert decided / asked > 0.5


def test_floor_is_the_far_end_of_the_interval() -> None:
    a_a = Effect(mean=0.02, error=0.01, df=9, n=10)
    assert judge.floor_of(a_a) == pytest.approx(a_a.interval()[1])
    assert np.isnan(judge.floor_of(None))


def test_equal_launches_are_equal_not_an_error() -> None:
    effect = stats.paired_effect(dict.fromkeys(range(5), 3.0), dict.fromkeys(range(5), 3.0), True)
    assert word(effect, floor=0.0) == "equivalent"


def test_sixty_launches_take_the_seeded_bootstrap_twice_the_same() -> None:
    rng = np.random.default_rng(2)
    a = dict(enumerate(np.exp(rng.normal(0, 0.05, 60)).tolist()))
    effect = stats.paired_effect(a, dict.fromkeys(range(60), 1.0), logs=True)
    assert effect.interval() == effect.interval()
    student = Effect(effect.mean, effect.error, effect.df, effect.n).interval()
    assert effect.interval() != student
    assert effect.interval() == pytest.approx(student, abs=0.3 * effect.error)


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
