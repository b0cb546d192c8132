"""The table of a calibration campaign: false alarms and misses, this suite beside other tools."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from bench.audit.other_tools import RULES

TIMED = ("train_throughput", "infer_throughput", "step_latency_p50", "infer_latency_p50")
SLOWED = TIMED[:3]  # what the extra work reaches
OURS = "this suite"
EITHER_WAY = "this suite, faster or slower"
Comparison = dict[str, Any]


def write_summary(trials: list[dict[str, Any]], campaign: dict[str, Any], out: Path) -> None:
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


def rates(trials: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a slow-down, metric and rule: alarms, of how many, and the exact 95 % interval
    (Clopper & Pearson 1934). Metric "all" pools them; "any" is a trial in which one alarmed."""
    every = [{**c, "trial": t["trial"]} for t in trials for c in t["comparisons"]]
    rows = []
    for percent in sorted({c["percent"] for c in every}):
        mine = [c for c in every if c["percent"] == percent]
        timed = [c for c in mine if c["metric"] in (SLOWED if percent else TIMED)]
        for name, alarm in _rules().items():
            for m in sorted({c["metric"] for c in timed}):
                rows.append(_row(percent, m, name, [alarm(c) for c in timed if c["metric"] == m]))
            rows.append(_row(percent, "all", name, [alarm(c) for c in timed]))
            rows.append(_row(percent, "any", name, _any(timed, alarm)))
        if not percent:  # what the others do not judge: cold start, memory, tails, score
            for name in (OURS, EITHER_WAY):
                rows.append(_row(0, "all judged", name, [_rules()[name](c) for c in mine]))
                rows.append(_row(0, "any judged", name, _any(mine, _rules()[name])))
    return pd.DataFrame(rows)


def _rules() -> dict[str, Callable[[Comparison], bool]]:
    others = {name: (lambda c, name=name: bool(c["others"][name])) for name in RULES}
    return {
        OURS: lambda c: c["outcome"] == "worse",
        EITHER_WAY: lambda c: c["outcome"] in ("better", "worse"),
        **others,
    }


def _any(comparisons: list[Comparison], alarm: Callable[[Comparison], bool]) -> list[bool]:
    trials = sorted({c["trial"] for c in comparisons})
    return [any(alarm(c) for c in comparisons if c["trial"] == t) for t in trials]


def _row(percent: int, metric: str, rule: str, alarms: Iterable[bool]) -> dict[str, Any]:
    found = list(alarms)
    interval = stats.binomtest(sum(found), len(found)).proportion_ci(method="exact")
    return {
        "slowdown_percent": percent, "metric": metric, "rule": rule, "alarms": sum(found),
        "comparisons": len(found), "rate": sum(found) / len(found),
        "low": interval.low, "high": interval.high,
    }  # fmt: skip


def markdown(frame: pd.DataFrame, trials: list[dict[str, Any]], campaign: dict[str, Any]) -> str:
    """The same for people: alarms in per cent, one column a rule."""
    blocks = [t["blocks"] for t in trials]
    rules = [OURS, *RULES]
    lines = [
        "# Calibration of the verdicts",
        "",
        f"{len(trials)} trials of {campaign['implementation']} on {campaign['task']}, "
        f"{sum(t['launches'] for t in trials)} launches, {min(blocks)} to {max(blocks)} blocks a "
        f"trial (median {np.median(blocks):.0f}), until ±{campaign['until']:.0%}. An alarm is "
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


def _seen(trials: list[dict[str, Any]], percent: int, metric: str) -> str:
    """The median change over the trials: how much slower the extra work really made it."""
    found = [
        abs(float(np.log(c["change"][0])))
        * (1 if (c["change"][0] < 1) == metric.endswith("throughput") else -1)
        for t in trials
        for c in t["comparisons"]
        if c["percent"] == percent and c["metric"] == metric
    ]
    return f"{np.expm1(np.median(found)):+.1%}" if found else ""
