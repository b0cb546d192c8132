"""The calibration: the other tools' rules, the table, and a campaign that was stopped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.audit import calibrate
from bench.audit.calibrate import Campaign
from bench.audit.calibrate_summary import OURS, rates, write_summary
from bench.audit.extra import NUMPY, Contender
from bench.audit.other_tools import RULES
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


def comparison(percent: int, metric: str, outcome: str, others: bool) -> dict[str, object]:
    return {
        "percent": percent, "metric": metric, "outcome": outcome, "change": [0.95, 0.9, 1.0],
        "others": dict.fromkeys(RULES, others),
    }  # fmt: skip


def trials(count: int) -> list[dict[str, object]]:
    return [
        {
            "trial": t, "blocks": 6, "launches": 24,
            "comparisons": [
                comparison(0, "train_throughput", "worse" if t == 0 else "equivalent", t < 2),
                comparison(5, "train_throughput", "undecided" if t == 0 else "worse", False),
            ],
        }
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
    campaign = {"implementation": NUMPY, "task": "t", "until": 0.02}
    write_summary(trials(10), campaign, tmp_path)
    assert len(pd.read_csv(tmp_path / "calibration.csv")) == len(rates(trials(10)))
    text = (tmp_path / "calibration.md").read_text()
    assert text.strip() == capsys.readouterr().out.strip()
    assert "| 5 % | +5.3% | train_throughput | 10 | 90.0% [55.5%, 99.7%] |" in text


def test_a_stopped_campaign_goes_on_and_refuses_other_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "campaign.json").write_text(json.dumps(calibrate.asdict(CAMPAIGN)))
    whole = "\n".join(json.dumps(t) for t in trials(2))
    (tmp_path / "trials.jsonl").write_text(whole + "\n")
    made = []
    monkeypatch.setattr(
        calibrate, "make_trial", lambda out, c, t: made.append(t) or {**trials(9)[t], "trial": t}
    )
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
    assert [line["trial"] for line in calibrate.lines(tmp_path)] == [0, 1, 2, 3, 4]
    with pytest.raises(calibrate.UserError, match="other options"):
        calibrate.run(trials=5, **{**options, "blocks": 4})  # type: ignore[arg-type]


def test_extra_work_changes_the_time_and_nothing_else() -> None:
    x, y = random_rows(FNN)
    order = np.arange(64, dtype=np.int32).reshape(4, 16)
    outputs = []
    for units in (0, 3):
        contender = Contender(f"numpy.fp32.name.{units}.{units}", "cpu", "fp32", 1)
        from tasks.weights import initial_weights

        contender.build(FNN.without_dropout(), initial_weights(FNN, 0), 0)
        data = contender.stage(x, y)
        contender.train(data, order)
        contender.wait()
        outputs.append(contender.predict(data, 32))
    assert np.array_equal(*outputs)


def test_a_real_trial_is_judged_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine launches with 50 % more work at most: judged on every metric, by every rule."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(calibrate, "BUDGET", calibrate.Budget(1, 5, 5, 20, 5, 20, 512, 0.05, 60.0))
    line = calibrate.make_trial(tmp_path, CAMPAIGN, 0)
    assert (line["blocks"], line["launches"]) == (3, 12)
    assert {c["percent"] for c in line["comparisons"]} == {0, 5}
    timed = [c for c in line["comparisons"] if "others" in c]
    assert len(timed) == 2 * len(calibrate.TIMED)
    assert json.loads(json.dumps(line)) == json.loads(
        json.dumps(calibrate.make_trial(tmp_path, CAMPAIGN, 0))
    )
