"""Sittings: a pair turn by turn, variances lent over tasks, A/A checks, looks, open questions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench import stats
from bench.judge import pairs, questions, spending, validity
from bench.judge.borrowing import borrow
from bench.judge.looks import MOST_SITTINGS, next_look, open_questions
from bench.judge.verdict import MIN_DF, MIN_SEEN, Question, Rule
from bench.records.metrics import METRICS, metric
from bench.records.record import AA_LABEL, Record
from bench.records.results import Results
from bench.stats import Effect
from tests.support import records
from tests.support.records import record, results

TURNS = 12


def sat(made: Record, factors: np.ndarray, void: tuple[int, ...] = ()) -> Record:
    """The record as one of a sitting: two rounds a turn in every timed phase, so many times as
    long. The turns `void` of each phase do not count."""
    turns = []
    for phase in made["benchmarks"]:
        name = phase["extra_info"]["phase"]
        if name != "learn":
            numbers = len(turns) + np.arange(len(factors))
            seconds = float(np.median(phase["stats"]["data"]))
            phase["stats"]["data"] = np.repeat(seconds * factors, 2).tolist()
            phase["extra_info"]["turns"] = np.repeat(numbers, 2).tolist()
            turns += [
                {"number": int(number), "phase": name, "seconds": 1.0, "others_seconds": 0.0,
                 "steal_seconds": 0.0, "counts": at not in void, "cause": ""}
                for at, number in enumerate(numbers)
            ]  # fmt: skip
    made["launch"]["turns"] = turns
    return made


def sitting(block: int, seconds: dict[str, float], noise: float = 0.0, task: str = "fnn-mnist",
            seed: int = 0, label: str = "") -> list[Record]:  # fmt: skip
    """One sitting: what happens in a turn hits all alike, processes differ by `noise`."""
    rng = np.random.default_rng([block, seed])
    shared = np.exp(rng.normal(0, 0.3, TURNS))
    return [
        sat(
            record(name, block, s * float(np.exp(rng.normal(0, noise))), label, task),
            shared * np.exp(rng.normal(0, 0.001, TURNS)),
        )
        for name, s in seconds.items()
    ]


def both(run: Results) -> tuple[pairs.CellResult, pairs.CellResult]:
    first, second = run.of_task("fnn-mnist")
    return first, second


@pytest.mark.parametrize("name", [m.name for m in METRICS if m.phase])
def test_a_pair_is_compared_turn_by_turn(name: str) -> None:
    """Turns that vary by 30 % leave a ratio of two that is known to a thousandth."""
    run = results(x for b in range(3) for x in sitting(b, {"a:x": 0.1, "b:y": 0.2}))
    base, new = both(run)
    logs = pairs.sittings(metric(name), base, new)
    ratio = 0.5 if metric(name).better == "higher" else 2.0
    assert list(logs) == [0, 1, 2]
    assert list(logs.values()) == pytest.approx([np.log(ratio)] * 3, rel=0.01)


def test_only_turns_that_both_sat_in_and_that_count_are_compared() -> None:
    plain = np.ones(TURNS)
    struck = plain.copy()
    struck[[2, 7]] = 9.0
    run = results([
        sat(record("a:x"), plain, void=(2,)), sat(record("b:y", seconds=0.2), struck, void=(2, 7)),
    ])  # fmt: skip
    (log,) = pairs.sittings(metric("step_latency_p50"), *both(run)).values()
    assert log == pytest.approx(np.log(2))


def test_launches_measured_alone_give_the_ratio_of_their_values() -> None:
    run = results([record("a:x"), record("b:y", seconds=0.2), *sitting(1, {"a:x": 1.0, "b:y": 3})])
    speed = metric("train_throughput")
    base, new = both(run)
    logs = pairs.sittings(speed, base, new)
    assert logs[0] == pytest.approx(np.log(new.values(speed)[0] / base.values(speed)[0]))
    assert logs[1] == pytest.approx(-np.log(3), rel=0.01)


def asked(spreads: dict[str, list[float]], n: int = 4, mean: float = 0.0) -> list[Question]:
    """By task, pairs with that standard deviation of a sitting: c0 with c1, c0 with c2 ..."""
    return [
        Question(
            task, "step_latency_p50", "latency", "c0", f"c{number}",
            Effect(mean, spread / np.sqrt(n), n - 1, n), False,
        )
        for task, row in spreads.items() for number, spread in enumerate(row, 1)
    ]  # fmt: skip


def test_a_pairs_variance_is_lent_over_its_tasks() -> None:
    lent = borrow(asked({"t0": [0.03, 0.01], "t1": [0.03, 0.01], "t2": [0.03, 0.01]}))
    assert [q.effect.spread for q in lent[:2]] == pytest.approx([0.03, 0.01])
    assert {q.effect.df for q in lent} == {9.0}


def test_a_tasks_own_noise_is_never_lent_away() -> None:
    lent = borrow(asked({"t0": [0.10], "t1": [0.01], "t2": [0.01], "t3": [0.01]}))
    assert lent[0].effect.spread >= 0.10
    assert lent[1].effect.spread == pytest.approx(np.sqrt((0.01 + 3 * 1e-4) / 4))
    assert 3 <= lent[1].effect.df < 4  # one task says nearly all of it


def test_a_quiet_pair_of_a_noisy_task_is_not_quieter_than_the_task() -> None:
    rows = {"t0": [0.01, 0.06, 0.06], "t1": [0.02] * 3, "t2": [0.02] * 3}
    lent = borrow(asked(rows))
    pooled = np.sqrt((0.01**2 + 2 * 0.02**2) / 3)
    assert lent[0].effect.spread > 1.2 * pooled
    assert lent[3].effect.spread == pytest.approx(max(0.02, pooled))


def test_a_pair_is_the_same_whoever_is_named_first() -> None:
    one, other = asked({"t0": [0.01], "t1": [0.03]})
    lent = borrow([one, other.turned()])
    assert {q.effect.df for q in lent} == {q.effect.df for q in borrow([one, other])}
    assert lent[1].effect.error == borrow([one, other])[1].effect.error


def test_one_task_lends_nothing() -> None:
    (q,) = asked({"t0": [0.03]})
    same = replace(q.effect, error=pytest.approx(q.effect.error), seen=q.effect.df)
    assert borrow([q])[0].effect == same


def test_four_unlike_tasks_in_three_sittings_are_enough_to_judge_by() -> None:
    """Their noise differs so much that the degrees of freedom of its estimate are under five: p
    pays for that, and what lies far beyond it is no matter of doubt."""
    base = asked({"t0": [0.005], "t1": [0.005], "t2": [0.005], "t3": [0.2]})
    three = [replace(q, effect=replace(q.effect, n=3, df=2.0, mean=-3.0)) for q in base]
    lent = borrow(three)
    assert lent[0].effect.df < MIN_DF
    assert lent[0].effect.seen == MIN_SEEN
    assert lent[0].enough
    assert not borrow(three[1:])[0].enough


def a_a(bias: float, noise: float = 0.01, tasks: int = 4, n: int = 4) -> list[Question]:
    rng = np.random.default_rng(2)
    return [
        Question(
            f"t{task}", "step_latency_p50", "latency", "original", "copy",
            stats.sittings_effect(enumerate((bias + rng.normal(0, noise, n)).tolist())), False,
        )
        for task in range(tasks)
    ]  # fmt: skip


def test_a_a_pairs_that_agree_change_nothing() -> None:
    (check,) = validity.checks(a_a(0.0)).values()
    assert (check.pairs, check.factor, check.void) == (4, 1.0, "")
    assert "as equal as its sittings say" in validity.sentence({check.metric: check}, check.metric)


def test_a_favoured_label_voids_its_metric_in_words() -> None:
    made = validity.checks(a_a(0.05))
    check = made["step_latency_p50"]
    assert "differs from itself by +" in check.void
    asked_ = asked({"t0": [0.01, 0.01], "t1": [0.01, 0.01]}, n=6, mean=0.3)
    assert {v.outcome for v in spending.once(asked_, [])} == {"worse"}
    verdicts = spending.once(asked_, a_a(0.05))
    assert {v.outcome for v in verdicts} == {"undecided"}
    assert all(v.question.void == check.void for v in verdicts)


def test_pairs_that_differ_by_more_than_they_scatter_widen_every_error() -> None:
    """Each task's order favours another label: no bias over all, but errors are too small."""
    made = [
        replace(q, effect=replace(q.effect, mean=q.effect.mean + sign * 0.04))
        for q, sign in zip(a_a(0.0), (1, -1, 1, -1), strict=True)
    ]
    check = validity.checks(made)["step_latency_p50"]
    assert check.void == ""
    assert check.factor > 4
    (plain,), (wide,) = (
        validity.checked(asked({"t0": [0.01]}), c) for c in ({}, {check.metric: check})
    )
    assert wide.effect.error == pytest.approx(plain.effect.error * np.sqrt(check.factor))


def test_too_few_sittings_check_nothing() -> None:
    check = validity.checks(a_a(0.05, tasks=1))["step_latency_p50"]
    assert (check.pairs, check.void) == (0, "")
    assert "too few" in validity.sentence({check.metric: check}, check.metric)


def test_looks_spend_the_whole_error_once() -> None:
    assert sum(share for _, share in spending.LOOKS) == pytest.approx(1.0)
    assert [n for n, _ in spending.LOOKS] == sorted(n for n, _ in spending.LOOKS)
    for blocks in range(1, 30):
        looks = spending.reached(blocks)
        assert sum(share for _, share in looks) <= 1.0 + 1e-9
        assert looks[-1][0] == blocks
    assert spending.reached(5) == ((3, 0.2), (4, 0.2), (5, 0.2))
    assert spending.reached(20)[-1] == (20, 0.0)


def sittings_of(values: dict[str, list[float]]) -> list[Question]:
    return [
        Question(
            task, "step_latency_p50", "latency", "a", "b",
            stats.sittings_effect(enumerate(row)), False,
        )
        for task, row in values.items()
    ]  # fmt: skip


def test_what_was_answered_stays_answered_unless_it_turns_round() -> None:
    clear = [0.101, 0.10, 0.099]
    later = sittings_of({f"t{n}": [*clear, 0.9, -0.5] for n in range(4)})
    assert {v.outcome for v in spending.once(later, [])} == {"undecided"}
    assert {v.outcome for v in spending.in_looks(later, [], ((3, 0.2), (5, 0.2)))} == {"worse"}
    turned = sittings_of({f"t{n}": [*clear, -0.9, -0.9] for n in range(4)})
    assert {v.outcome for v in spending.in_looks(turned, [], ((3, 0.2), (5, 0.2)))} == {"undecided"}


def test_a_look_asks_for_more_than_the_whole_error_would() -> None:
    borderline = sittings_of({f"t{n}": [0.08, 0.10, 0.12] for n in range(4)})
    p = spending.once(borderline, [])[0].p
    rule = Rule(alpha=2 * p)
    assert spending.once(borderline, [], rule)[0].outcome == "worse"
    assert spending.in_looks(borderline, [], ((3, 0.2),), rule)[0].outcome == "undecided"


TASKS = ("fnn-mnist", "fnn-binary-8", "cnn-64-10", "rnn-sequence")


def run_of(sittings: dict[str, int], noise: dict[str, float], budget: float | None) -> Results:
    made = []
    for number, (task, count) in enumerate(sittings.items()):
        for block in range(count):
            made += sitting(block, {"a:x": 0.1, "b:y": 0.15}, noise[task], task, number)
            made += sitting(block, {"a:x": 0.1}, noise[task], task, 50 + number, AA_LABEL)
    about = records.about(TASKS, ("a:x", "b:y"), budget_seconds=budget)
    return records.results(made, about)


def test_only_tasks_with_undecided_questions_stay_open() -> None:
    noise = dict.fromkeys(TASKS, 0.002) | {"rnn-sequence": 0.4}
    open_ = open_questions(run_of(dict.fromkeys(TASKS, 3), noise, 600.0))
    assert "rnn-sequence" in open_
    assert {v.question.metric for v in open_["rnn-sequence"]} == {
        m.name for m in METRICS if m.phase
    }
    assert open_questions(run_of(dict.fromkeys(TASKS, 3), dict.fromkeys(TASKS, 0.002), 600.0)) == {}


def test_before_a_look_is_whole_nothing_is_decided() -> None:
    noise = dict.fromkeys(TASKS, 0.002)
    few = dict.fromkeys(TASKS, 3) | {"rnn-sequence": 2}
    assert set(open_questions(run_of(few, noise, 600.0))) == set(TASKS)
    assert next_look(2) == 3
    assert next_look(3) == 4
    assert next_look(MOST_SITTINGS) is None


def test_nothing_is_open_for_ever() -> None:
    noise = dict.fromkeys(TASKS, 0.4)
    assert open_questions(run_of(dict.fromkeys(TASKS, MOST_SITTINGS), noise, 600.0)) == {}


def test_a_run_that_went_on_is_judged_by_its_looks() -> None:
    sittings, noise = dict.fromkeys(TASKS, 4), dict.fromkeys(TASKS, 0.02)
    whole, grown = (run_of(sittings, noise, budget) for budget in (None, 600.0))
    ps = [
        [v.p for vs in questions.against_best(run).values() for v in vs] for run in (whole, grown)
    ]
    assert ps[0] == pytest.approx(ps[1]) or min(ps[1]) > min(ps[0])
    assert questions.goes_on(grown)
    assert not questions.goes_on(whole)
