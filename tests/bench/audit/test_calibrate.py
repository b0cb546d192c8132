"""The calibration: the other tools' rules, the table, and a campaign that was stopped."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.audit import calibrate, calibrate_trials
from bench.audit.calibrate_summary import OURS, rates, write_summary
from bench.audit.calibrate_trials import (
    CalibrationTrial,
    Campaign,
    TrialComparison,
    make_trial,
    trials_in,
)
from bench.audit.extra import NUMPY, Contender
from bench.audit.other_tools import RULES
from bench.judge.verdict import Decision
from bench.records.beside import written
from bench.records.metrics import judged
from bench.records.record import Budget
from tasks.errors import UserError
from tasks.weights import initial_weights
from tests.support.small import FNN, random_rows

CAMPAIGN = Campaign(NUMPY, "fnn-binary-20", 1, 3, 3, 0.5, 0, 40.0, 10.0, 1.0)


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


def comparison(percent: int, metric: str, outcome: Decision, others: bool) -> TrialComparison:
    return TrialComparison(
        percent=percent, metric=metric, outcome=outcome, change=(0.95, 0.9, 1.0), p=0.5,
        floor=None, launches=6, others=dict.fromkeys(RULES, others),
    )  # fmt: skip


def trials(count: int) -> list[CalibrationTrial]:
    return [
        CalibrationTrial(
            trial=t, blocks=6, launches=24,
            comparisons=(
                comparison(0, "train_throughput", "worse" if t == 0 else "equivalent", t < 2),
                comparison(5, "train_throughput", "undecided" if t == 0 else "worse", False),
            ),
        )
        for t in range(count)
    ]  # fmt: skip


def test_rates_count_alarms_over_comparisons() -> None:
    frame = rates(trials(10)).set_index(["slowdown_percent", "metric", "rule"])
    assert frame.loc[(0, "train_throughput", OURS), "rate"] == pytest.approx(0.1)
    assert frame.loc[(5, "train_throughput", OURS), "rate"] == pytest.approx(0.9)
    assert frame.loc[(0, "any", "asv continuous 1.1"), "rate"] == pytest.approx(0.2)
    row = frame.loc[(5, "all", OURS)]
    assert (row["alarms"], row["comparisons"]) == (9, 10)
    assert row["low"] == pytest.approx(0.555, abs=1e-3)  # Clopper & Pearson, 9 of 10
    assert row["high"] == pytest.approx(0.9975, abs=1e-4)


def test_summary_is_written_for_people_and_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_summary(trials(10), CAMPAIGN, tmp_path)
    assert len(pd.read_csv(tmp_path / "calibration.csv")) == len(rates(trials(10)))
    text = (tmp_path / "calibration.md").read_text()
    assert text.strip() == capsys.readouterr().out.strip()
    assert "| 5 % | +5.3% | train_throughput | 10 | 90.0% [55.5%, 99.7%] |" in text


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
    options = {
        "out": tmp_path,
        "results": tmp_path / "results",
        "curve_trials": 0,
        "blocks": 3,
        "most_blocks": 3,
        "until": "50%",
    }
    options |= {"implementations": NUMPY, "task": "fnn-binary-20", "threads": 1, "budget": None}
    calibrate.run(trials=5, **options)  # type: ignore[arg-type]
    assert made == [2, 3, 4]
    assert [each.trial for each in trials_in(tmp_path)] == [0, 1, 2, 3, 4]
    with pytest.raises(UserError, match="other options"):
        calibrate.run(trials=5, **{**options, "blocks": 4})  # type: ignore[arg-type]


def test_extra_work_changes_the_time_and_nothing_else() -> None:
    x, y = random_rows(FNN)
    order = np.arange(64, dtype=np.int32).reshape(4, 16)
    outputs = []
    for units in (0, 3):
        contender = Contender(f"numpy.fp32.name.{units}.{units}", "cpu", "fp32", 1)
        contender.build(FNN.without_dropout(), initial_weights(FNN, 0), 0)
        data = contender.stage(x, y)
        contender.train(data, order)
        contender.wait()
        outputs.append(contender.predict(data, 32))
    assert np.array_equal(outputs[0], outputs[1])


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("trials.jsonl", '{"trial": 0}', "line 1: no trial: blocks"),
        ("trials.jsonl", "not JSON", "line 1: no trial"),
        ("campaign.json", '{"implementation": "numpy:fp32"}', "no campaign: task"),
    ],
)
def test_a_spoiled_file_is_named(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / "campaign.json").write_text(json.dumps(asdict(CAMPAIGN)))
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=words):
        calibrate.summary(tmp_path, tmp_path / "results")


def test_a_real_trial_is_judged_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve launches with 50 % more work at most: judged on every metric, by every rule."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(calibrate_trials, "BUDGET", Budget(1, 5, 5, 20, 5, 20, 512, 0.05, 60.0))
    trial = make_trial(tmp_path, CAMPAIGN, 0)
    assert (trial.blocks, trial.launches) == (3, 12)
    assert {c.percent for c in trial.comparisons} == {0, 5}
    timed = [c for c in trial.comparisons if c.others]
    assert len(timed) == 2 * len(calibrate_trials.TIMED)
    on_cpu = {m.name for m in judged()} - {"energy"}  # no counter is read where there is none
    assert {c.metric for c in trial.comparisons} - {"energy"} == on_cpu
    assert all(c.floor is not None for c in trial.comparisons)
    line = json.dumps(written(trial))
    assert CalibrationTrial.model_validate_json(line) == trial
    assert make_trial(tmp_path, CAMPAIGN, 0) == trial
