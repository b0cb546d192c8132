"""The table of a calibration campaign: false alarms and misses, this suite beside other tools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from bench.audit.calibrate_trials import CalibrationTrial, Campaign, TrialComparison
from bench.audit.other_tools import RULES

TIMED = ("train_throughput", "infer_throughput", "step_latency_p50", "infer_latency_p50")
SLOWED = TIMED[:3]  # what the extra work reaches
OURS = "this suite"
EITHER_WAY = "this suite, faster or slower"
Alarm = Callable[[TrialComparison], bool]
InTrials = list[tuple[int, TrialComparison]]
"""Comparisons, each with the number of its trial."""


def write_summary(trials: Sequence[CalibrationTrial], campaign: Campaign, out: Path) -> None:
    """Print the table; write calibration.md and calibration.csv into `out`."""
    if not trials:
        print("no trial is finished yet")
        return
    frame = rates(trials)
    text = markdown(frame, trials, campaign)
    out.mkdir(parents=True, exist_ok=True)
    frame.to_csv(out / "calibration.csv", index=False)
    (out / "calibration.md").write_text(text)
    print(text)


def rates(trials: Sequence[CalibrationTrial]) -> pd.DataFrame:
    """One row a slow-down, metric and rule: alarms, of how many, and the exact 95 % interval
    (Clopper & Pearson 1934). Metric "all" pools them; "any" is a trial in which one alarmed."""
    every = [(t.trial, c) for t in trials for c in t.comparisons]
    rows = []
    for percent in sorted({c.percent for _, c in every}):
        own = [(t, c) for t, c in every if c.percent == percent]
        timed = [(t, c) for t, c in own if c.metric in (SLOWED if percent else TIMED)]
        for name, alarm in _rules().items():
            for m in sorted({c.metric for _, c in timed}):
                rows.append(_row(percent, m, name, [alarm(c) for _, c in timed if c.metric == m]))
            rows.append(_row(percent, "all", name, [alarm(c) for _, c in timed]))
            rows.append(_row(percent, "any", name, _any(timed, alarm)))
        if not percent:  # what the others do not judge: cold start, memory, tails, score
            for name in (OURS, EITHER_WAY):
                rows.append(_row(0, "all judged", name, [_rules()[name](c) for _, c in own]))
                rows.append(_row(0, "any judged", name, _any(own, _rules()[name])))
    return pd.DataFrame(rows)


def _rules() -> dict[str, Alarm]:
    return {
        OURS: lambda c: c.outcome == "worse",
        EITHER_WAY: lambda c: c.outcome in ("better", "worse"),
        **{name: partial(_other, name) for name in RULES},
    }


def _other(name: str, comparison: TrialComparison) -> bool:
    return comparison.others[name]


def _any(comparisons: InTrials, alarm: Alarm) -> list[bool]:
    trials = sorted({t for t, _ in comparisons})
    return [any(alarm(c) for t, c in comparisons if t == trial) for trial in trials]


def _row(percent: int, metric: str, rule: str, alarms: Iterable[bool]) -> dict[str, Any]:
    found = list(alarms)
    interval = stats.binomtest(sum(found), len(found)).proportion_ci(method="exact")
    return {
        "slowdown_percent": percent, "metric": metric, "rule": rule, "alarms": sum(found),
        "comparisons": len(found), "rate": sum(found) / len(found),
        "low": interval.low, "high": interval.high,
    }  # fmt: skip


def markdown(frame: pd.DataFrame, trials: Sequence[CalibrationTrial], campaign: Campaign) -> str:
    """The same for people: alarms in per cent, one column a rule."""
    blocks = [t.blocks for t in trials]
    rules = [OURS, *RULES]
    lines = [
        "# Calibration of the verdicts",
        "",
        f"{len(trials)} trials of {campaign.implementation} on {campaign.task}, "
        f"{sum(t.launches for t in trials)} launches, {min(blocks)} to {max(blocks)} blocks a "
        f"trial (median {np.median(blocks):.0f}), until ±{campaign.until:.0%}. An alarm is "
        "“slower”. At 0 % every alarm is false; elsewhere what is missing to 100 % was missed.",
        "",
        "| extra work | seen as | metric | comparisons | " + " | ".join(rules) + " |",
        "|---|---|---|---:|" + "---:|" * len(rules),
    ]
    for (percent, metric), part in frame.groupby(["slowdown_percent", "metric"], sort=False):
        by_rule = part.set_index("rule")
        cells = [_cell(by_rule, rule) for rule in rules]
        seen = _seen(trials, int(percent), str(metric))
        count = by_rule["comparisons"].iloc[0]
        lines.append(f"| {percent} % | {seen} | {metric} | {count} | " + " | ".join(cells) + " |")
    lines += ["", "Brackets: exact 95 % interval. “all” pools the timed metrics, “any” counts a"]
    lines += ["trial once; “judged” adds cold start, memory, tails and score.", ""]
    either = frame[(frame["rule"] == EITHER_WAY) & frame["metric"].isin(["all", "all judged"])]
    for row in either[either["slowdown_percent"] == 0].itertuples():
        lines.append(
            f"False verdicts either way ({row.metric}): {row.alarms} of {row.comparisons}."
        )
    return "\n".join(lines) + "\n"


def _cell(by_rule: pd.DataFrame, rule: str) -> str:
    if rule not in by_rule.index:
        return ""
    row = by_rule.loc[rule]
    return f"{row['rate']:.1%} [{row['low']:.1%}, {row['high']:.1%}]"


def _seen(trials: Sequence[CalibrationTrial], percent: int, metric: str) -> str:
    """The median change over the trials: how much slower the extra work really made it."""
    found = [
        abs(float(np.log(c.change[0])))
        * (1 if (c.change[0] < 1) == metric.endswith("throughput") else -1)
        for t in trials
        for c in t.comparisons
        if c.percent == percent and c.metric == metric
    ]
    return f"{np.expm1(np.median(found)):+.1%}" if found else ""
