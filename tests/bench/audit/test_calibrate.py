"""The calibration: the other tools' rules, the table, and a campaign that was stopped."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.audit import calibrate, calibrate_trials
from bench.audit.calibrate_costs import uncertainty
from bench.audit.calibrate_summary import HALF, OURS, rates, side_by_side, write_summary
from bench.audit.calibrate_trials import (
    TIMED,
    CalibrationTrial,
    Campaign,
    TrialComparison,
    make_trial,
    trials_in,
)
from bench.audit.extra import NUMPY, WORKED, Contender, implementation
from bench.audit.other_tools import RULES
from bench.judge.verdict import Decision
from bench.records.beside import written
from bench.records.metrics import judged
from bench.records.record import Budget
from bench.stats import Effect
from tasks.errors import UserError
from tasks.weights import initial_weights
from tests.support.small import FNN, random_rows

UNITS = {"train": 40.0, "step": 50.0, "infer": 80.0, "latency": 5.0}
CAMPAIGN = Campaign(NUMPY, "fnn-binary-20", 1, 6, "quiet", UNITS, 1.0)


def test_other_tools_rules_on_known_samples() -> None:
    base = 1 + 0.01 * np.random.default_rng(0).random(200)
    assert not any(rule(base, base) for rule in RULES.values())
    said = {name: rule(base, 1.07 * base) for name, rule in RULES.items()}
    assert said == {
        "pytest-benchmark min:5%": True,
        "pytest-benchmark mean:5%": True,
        "asv continuous 1.1": False,
        "asv continuous 1.05": True,
    }
    assert all(rule(base, 1.2 * base) for rule in RULES.values())
    one_slow = np.append(base, 100.0)
    said = {name: rule(base, one_slow) for name, rule in RULES.items()}
    assert [name for name, alarm in said.items() if alarm] == ["pytest-benchmark mean:5%"]


def comparison(
    percent: int, metric: str, outcome: Decision, others: bool, half: Decision = "undecided"
) -> TrialComparison:
    return TrialComparison(
        percent=percent, base="plain", new=f"slow{percent}" if percent else "copy1", metric=metric,
        outcome=outcome, half=half, change=(0.95, 0.9, 1.0), p=0.5, sittings=6,
        others=dict.fromkeys(RULES, others),
    )  # fmt: skip


def trials(count: int) -> list[CalibrationTrial]:
    return [
        CalibrationTrial(
            trial=t, sittings=6, turns=100, disturbed=t,
            comparisons=(
                comparison(0, "train_throughput", "worse" if t == 0 else "equivalent", t < 2),
                comparison(
                    5, "train_throughput", "undecided" if t == 0 else "worse", False,
                    half="worse" if t < 4 else "better",
                ),
            ),
        )
        for t in range(count)
    ]  # fmt: skip


def test_rates_count_alarms_over_comparisons() -> None:
    frame = rates(trials(10)).set_index(["slowdown_percent", "metric", "rule"])
    assert frame.loc[(0, "train_throughput", OURS), "rate"] == pytest.approx(0.1)
    assert frame.loc[(5, "train_throughput", OURS), "rate"] == pytest.approx(0.9)
    assert frame.loc[(5, "train_throughput", HALF), "rate"] == pytest.approx(0.4)
    assert frame.loc[(0, "any", "asv continuous 1.1"), "rate"] == pytest.approx(0.2)
    row = frame.loc[(5, "all", OURS)]
    assert (row["alarms"], row["comparisons"]) == (9, 10)
    assert row["low"] == pytest.approx(0.555, abs=1e-3)  # Clopper & Pearson, 9 of 10
    assert row["high"] == pytest.approx(0.9975, abs=1e-4)


@pytest.mark.parametrize(("percent", "rate"), [(0, 1.0), (5, 0.0)])
def test_of_equal_ones_faster_is_as_false_as_slower(percent: int, rate: float) -> None:
    faster = comparison(percent, "train_throughput", "better", False)
    made = CalibrationTrial(trial=0, sittings=6, turns=1, disturbed=0, comparisons=(faster,))
    frame = rates([made]).set_index(["slowdown_percent", "metric", "rule"])
    assert frame.loc[(percent, "all", OURS), "rate"] == rate


def test_summary_is_written_for_people_and_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_summary(trials(10), CAMPAIGN, tmp_path)
    assert len(pd.read_csv(tmp_path / "quiet.csv")) == len(rates(trials(10)))
    text = (tmp_path / "quiet.md").read_text()
    assert text.strip() in capsys.readouterr().out
    assert "| 5 % | +5.3% | train_throughput | 10 | 90.0% [55.5%, 99.7%] | 40.0%" in text
    assert "4% of 1000 turns were disturbed" in text
    assert "0 of 10 tables" in text


def test_conditions_lie_side_by_side(tmp_path: Path) -> None:
    write_summary(trials(10), CAMPAIGN, tmp_path)
    write_summary(trials(20), replace(CAMPAIGN, condition="bursts"), tmp_path)
    text = (tmp_path / "calibration.md").read_text()
    assert "| extra work | rule | quiet | bursts | to be shown |" in text
    cells = "90.0% [55.5%, 99.7%] of 10 | 95.0% [75.1%, 99.9%] of 20 | at least 95 % |"
    assert f"| 5 % | {OURS} | {cells}" in text
    assert "[quiet](quiet.md), [bursts](bursts.md)" in text
    assert "half" not in side_by_side({"quiet": rates(trials(3))}).split("\n")[6]


def test_a_stopped_campaign_goes_on_and_refuses_other_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "campaign.json").write_text(json.dumps(asdict(CAMPAIGN)))
    whole = "\n".join(json.dumps(written(t)) for t in trials(2))
    (tmp_path / "trials.jsonl").write_text(whole + "\n")
    made = []

    def make(out: Path, campaign: Campaign, trial: int) -> CalibrationTrial:
        made.append(trial)
        return trials(9)[trial]

    monkeypatch.setattr(calibrate, "make_trial", make)
    options = {"out": tmp_path, "results": tmp_path / "results", "sittings": 6}
    calibrate.run(trials=5, **options)  # type: ignore[arg-type]
    assert made == [2, 3, 4]
    assert [each.trial for each in trials_in(tmp_path)] == [0, 1, 2, 3, 4]
    for other in ({"sittings": 7}, {"condition": "half"}):
        with pytest.raises(UserError, match="other options"):
            calibrate.run(trials=5, **{**options, **other})  # type: ignore[arg-type]


def test_extra_work_changes_the_time_and_nothing_else() -> None:
    x, y = random_rows(FNN)
    order = np.arange(64, dtype=np.int32).reshape(4, 16)
    outputs = []
    for units in (0, 3):
        row = implementation(NUMPY, "name", dict.fromkeys(WORKED, units))
        contender = Contender(row.mode, "cpu", "fp32", 1)
        contender.build(FNN.without_dropout(), initial_weights(FNN, 0), 0)
        data = contender.stage(x, y)
        contender.train(data, order)
        contender.wait()
        outputs.append(contender.predict(data, 32))
    assert np.array_equal(outputs[0], outputs[1])


def test_each_phase_has_units_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = random_rows(FNN)
    asked: list[int] = []
    monkeypatch.setattr("bench.audit.extra._work", asked.append)
    units = dict(zip(WORKED, (1000, 200, 30, 4), strict=True))
    contender = Contender(implementation(NUMPY, "name", units).mode, "cpu", "fp32", 1)
    contender.build(FNN.without_dropout(), initial_weights(FNN, 0), 0)
    order = np.arange(64, dtype=np.int32).reshape(4, 16)
    data, single = contender.stage(x[:64], y[:64]), contender.stage(x[:1], y[:1])
    contender.train(data, order)
    contender.train(data, order[:1])
    contender.predict(data, 32)
    contender.predict(single, 1)
    assert asked == [4000, 200, 60, 4]


def test_a_cost_is_as_uncertain_as_the_extra_time() -> None:
    assert uncertainty(Effect(np.log(1.5), 0.01, 3, 4)) == pytest.approx(0.01 * 1.5 / 0.5)
    assert uncertainty(Effect(-0.001, 0.01, 3, 4)) == float("inf")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("trials.jsonl", '{"trial": 0}', "line 1: no trial: sittings"),
        ("trials.jsonl", "not JSON", "line 1: no trial"),
        ("campaign.json", '{"implementation": "numpy:fp32"}', "no campaign: task"),
    ],
)
def test_a_spoiled_file_is_named(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / "campaign.json").write_text(json.dumps(asdict(CAMPAIGN)))
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=words):
        calibrate.summary("quiet", tmp_path, tmp_path / "results")


@pytest.mark.quiet  # twenty per cent more work must take longer
def test_a_real_trial_is_judged_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sittings, a per cent of which is really some twenty: judged on every metric, by every
    rule."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(calibrate_trials, "BUDGET", Budget(1, 5, 512, 2, 0.01, 60.0))
    much = {phase: 20 * units for phase, units in UNITS.items()}
    campaign = replace(CAMPAIGN, sittings=2, units=much)
    trial = make_trial(tmp_path, campaign, 0)
    pairs = {(c.base, c.new): c.percent for c in trial.comparisons}
    equal = {("plain", "copy1"): 0, ("plain", "copy2"): 0, ("copy1", "copy2"): 0}
    slower = {(b, f"slow{p}"): p for b in ("plain", "copy1", "copy2") for p in (2, 3, 5)}
    assert pairs == equal | slower
    timed = [c for c in trial.comparisons if c.others]
    assert len(timed) == len(pairs) * len(TIMED)
    on_cpu = {m.name for m in judged()} - {"energy"}  # no counter is read where there is none
    assert {c.metric for c in trial.comparisons} - {"energy"} == on_cpu
    assert trial.turns >= 2 * 2 * len(TIMED)
    for c in (c for c in timed if c.percent == 5):
        slower = 1 / c.change[0] if c.metric.endswith("throughput") else c.change[0]
        assert slower > 1.2, (c.base, c.metric)
    # Two sittings of one task are too few for the judge to know its errors.
    assert {c.outcome for c in timed} == {c.half for c in timed} == {"undecided"}
    line = json.dumps(written(trial))
    assert CalibrationTrial.model_validate_json(line) == trial
    assert make_trial(tmp_path, campaign, 0) == trial
