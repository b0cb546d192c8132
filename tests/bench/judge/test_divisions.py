"""Documented and tuned rows are judged apart, and compared only within one framework."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.base import Division
from bench.judge import breakeven, questions, spending, verdict
from bench.judge.divisions import Contest, contests, gains
from bench.judge.leads import leads
from bench.records.record import Record
from bench.records.results import Results
from tests.support.records import of_division, record, results

DOCUMENTED: dict[str, float] = {"pytorch:loop": 0.4, "keras:fit": 0.8, "mxnet:gluon": 1.6}
TUNED: dict[str, float] = {"pytorch:eager": 0.1, "mxnet:hybrid": 0.2}


def launches(
    seconds: dict[str, float], division: Division, noise: float = 0.01, label: str = ""
) -> list[Record]:
    rng = np.random.default_rng([len(division), len(label)])
    return [
        of_division(record(name, block, s * float(np.exp(rng.normal(0, noise))), label), division)
        for name, s in seconds.items()
        for block in range(6)
    ]


@pytest.fixture(scope="module")
def both() -> Results:
    return results(launches(DOCUMENTED, "documented") + launches(TUNED, "tuned"))


def test_a_cell_has_the_division_of_its_jobs(both: Results) -> None:
    assert {r.cell.implementation: r.division for r in both.cells} == {
        **dict.fromkeys(DOCUMENTED, "documented"),
        **dict.fromkeys(TUNED, "tuned"),
    }
    assert both.divisions == ("documented", "tuned")
    assert contests(both) == (
        Contest("fnn-mnist", "documented"),
        Contest("fnn-mnist", "tuned"),
    )


def test_no_verdict_is_on_rows_of_two_divisions(both: Results) -> None:
    judged = questions.against_best(both)
    pairs = {(v.question.base, v.question.new) for against in judged.values() for v in against}
    assert pairs == {
        ("pytorch:loop", "keras:fit"),
        ("pytorch:loop", "mxnet:gluon"),
        ("pytorch:eager", "mxnet:hybrid"),
    }
    assert all(v.outcome == "worse" for against in judged.values() for v in against)


def test_each_division_has_its_leader(both: Results) -> None:
    led = leads(questions.against_best(both))
    assert {lead.division: lead.leaders for lead in led} == {
        "documented": ("pytorch:loop",),
        "tuned": ("pytorch:eager",),
    }


def test_false_discoveries_are_controlled_over_both(
    both: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    judge = verdict.judge

    def counted(all_asked: list[verdict.Question], rule: verdict.Rule) -> list[verdict.Verdict]:
        asked.append(len(all_asked))
        return judge(all_asked, rule)

    monkeypatch.setattr(spending, "judge", counted)
    questions.against_best(both)
    assert asked == [3 + 1]  # the pairs of three documented rows and that of two tuned ones


def test_a_noisy_division_mutes_no_verdict_of_the_other() -> None:
    made = launches(DOCUMENTED, "documented", noise=3.0) + launches(TUNED, "tuned")
    made += launches({"pytorch:eager": 0.1}, "tuned", label="A/A")
    made += launches({"pytorch:loop": 0.4}, "documented", noise=3.0, label="A/A")
    run = results(made)
    judged = questions.against_best(run)
    outcomes = {c.division: {v.outcome for v in against} for c, against in judged.items()}
    assert outcomes == {"documented": {"undecided"}, "tuned": {"worse"}}
    assert questions.checks_of(run)["train_throughput"].pairs == 2


def test_what_tuning_gains_is_a_ratio_within_a_framework(both: Results) -> None:
    found = {(gain.documented, gain.tuned): gain.ratios for gain in gains(both)}
    assert set(found) == {("pytorch:loop", "pytorch:eager"), ("mxnet:gluon", "mxnet:hybrid")}
    trained = found["pytorch:loop", "pytorch:eager"]["train_throughput"]
    assert trained.value == pytest.approx(4, rel=0.03)
    assert trained.low < trained.value < trained.high
    assert trained.n == 6
    assert found["mxnet:gluon", "mxnet:hybrid"]["infer_throughput"].value == pytest.approx(8, 0.03)


def test_a_gain_is_paired_by_block() -> None:
    """A slow block is slow for both; without a common block nothing is said."""
    slow = (1.0, 5.0, 1.0, 3.0)
    made = [of_division(record("a:x", b, 0.4 * s), "documented") for b, s in enumerate(slow)]
    made += [record("a:y", b, 0.1 * s) for b, s in enumerate(slow)]
    (gain,) = gains(results(made))
    ratio = gain.ratios["train_throughput"]
    assert ratio.value == pytest.approx(4)
    assert ratio.high - ratio.low < 0.001  # what readings are trusted to, and no more
    apart = [of_division(record("a:x", 0), "documented"), record("a:y", 1)]
    assert gains(results(apart)) == ()


def test_a_run_of_one_division_has_no_gain() -> None:
    assert gains(results(launches(TUNED, "tuned"))) == ()
    assert gains(results(launches(DOCUMENTED, "documented"))) == ()


def test_a_mode_is_held_against_the_usual_one_of_its_division() -> None:
    documented = {"pytorch:loop": 0.4, "pytorch:torch-compile": 0.2}
    tuned = {"pytorch:eager": 0.1, "pytorch:compile": 0.05}
    run = results(launches(documented, "documented") + launches(tuned, "tuned"))
    ratios = {one.mode: one.ratio.value for one in breakeven.paybacks(run, "fnn-mnist")}
    assert ratios == {
        "pytorch:torch-compile": pytest.approx(2, rel=0.03),
        "pytorch:compile": pytest.approx(2, rel=0.03),
    }
