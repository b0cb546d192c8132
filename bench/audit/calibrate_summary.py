"""The tables of calibration campaigns: false alarms and misses, this suite beside other tools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from scipy import stats

from bench.audit.calibrate_trials import TIMED, CalibrationTrial, Campaign, TrialComparison
from bench.audit.neighbour import Condition
from bench.audit.other_tools import RULES
from bench.judge.verdict import Decision

OURS = "this suite"
HALF = "this suite, half the time"
PROMISED = {0: "at most 1 %", 2: "at least 50 %", 3: "at least 90 %", 5: "at least 95 %"}
Alarm = Callable[[TrialComparison], bool]
InTrials = list[tuple[int, TrialComparison]]
"""Comparisons, each with the number of its trial."""


def write_summary(trials: Sequence[CalibrationTrial], campaign: Campaign, out: Path) -> None:
    """Print the tables; write CONDITION.md and CONDITION.csv into `out`, and calibration.md, which
    lays all conditions that are there side by side."""
    if not trials:
        print("no trial is finished yet")
        return
    frame = rates(trials)
    text = markdown(frame, trials, campaign)
    out.mkdir(parents=True, exist_ok=True)
    frame.to_csv(out / f"{campaign.condition}.csv", index=False)
    (out / f"{campaign.condition}.md").write_text(text, encoding="utf-8")
    together = side_by_side(
        {
            name: pd.read_csv(out / f"{name}.csv")
            for name in get_args(Condition)
            if (out / f"{name}.csv").exists()
        }
    )
    (out / "calibration.md").write_text(together, encoding="utf-8")
    print(text)
    print(together)


def rates(trials: Sequence[CalibrationTrial]) -> pd.DataFrame:
    """One row a slow-down, metric and rule: alarms, of how many, and the exact 95 % interval
    (Clopper & Pearson 1934). Metric "all" pools them; "any" is a trial in which one alarmed."""
    every = [(t.trial, c) for t in trials for c in t.comparisons]
    rows = []
    for percent in sorted({c.percent for _, c in every}):
        own = [(t, c) for t, c in every if c.percent == percent]
        timed = [(t, c) for t, c in own if c.metric in TIMED]
        for name, alarm in _rules().items():
            for m in sorted({c.metric for _, c in timed}):
                rows.append(_row(percent, m, name, [alarm(c) for _, c in timed if c.metric == m]))
            rows.append(_row(percent, "all", name, [alarm(c) for _, c in timed]))
            rows.append(_row(percent, "any", name, _any(timed, alarm)))
        if not percent:  # what the others do not judge: cold start, memory, tails, score
            alarm = _rules()[OURS]
            rows.append(_row(0, "all judged", OURS, [alarm(c) for _, c in own]))
            rows.append(_row(0, "any judged", OURS, _any(own, alarm)))
    return pd.DataFrame(rows)


def _rules() -> dict[str, Alarm]:
    return {
        OURS: lambda c: _claims(c.outcome, c.percent),
        HALF: lambda c: _claims(c.half, c.percent),
        **{name: partial(_other, name) for name in RULES},
    }


def _claims(outcome: Decision, percent: int) -> bool:
    """Whether a difference is claimed: "slower"; of equal ones "faster" is as false."""
    return outcome == "worse" or (outcome == "better" and not percent)


def _other(name: str, comparison: TrialComparison) -> bool:
    return comparison.others[name]


def _any(comparisons: InTrials, alarm: Alarm) -> list[bool]:
    trials = sorted({t for t, _ in comparisons})
    return [any(alarm(c) for t, c in comparisons if t == trial) for trial in trials]


def _row(percent: int, metric: str, rule: str, alarms: Iterable[bool]) -> dict[str, Any]:
    each = list(alarms)
    interval = stats.binomtest(sum(each), len(each)).proportion_ci(method="exact")
    return {
        "slowdown_percent": percent, "metric": metric, "rule": rule, "alarms": sum(each),
        "comparisons": len(each), "rate": sum(each) / len(each),
        "low": interval.low, "high": interval.high,
    }  # fmt: skip


def markdown(frame: pd.DataFrame, trials: Sequence[CalibrationTrial], campaign: Campaign) -> str:
    """One condition for people: alarms in per cent, one column a rule."""
    rules = [OURS, HALF, *RULES]
    lines = [f"# Calibration of the verdicts: {campaign.condition}", "", _made_of(trials, campaign)]
    lines += ["", "| extra work | seen as | metric | comparisons | " + " | ".join(rules) + " |"]
    lines += ["|---|---|---|---:|" + "---:|" * len(rules)]
    for (percent, metric), part in frame.groupby(["slowdown_percent", "metric"], sort=False):
        by_rule = part.set_index("rule")
        cells = [_cell(by_rule, rule) for rule in rules]
        seen = _seen(trials, int(percent), str(metric))
        count = by_rule["comparisons"].iloc[0]
        lines.append(f"| {percent} % | {seen} | {metric} | {count} | " + " | ".join(cells) + " |")
    lines += ["", "Brackets: exact 95 % interval, as if comparisons were independent; those of one"]
    lines += ["trial share sittings. “all” pools the timed metrics, “any” counts a trial once;"]
    lines += ["“judged” adds cold start, memory, tails and score. “Half the time”: by the first"]
    lines += ["half of the sittings; the other tools have the samples of all.", ""]
    return "\n".join([*lines, _void(trials)]) + "\n"


def _made_of(trials: Sequence[CalibrationTrial], campaign: Campaign) -> str:
    turns, disturbed = (sum(getattr(t, name) for t in trials) for name in ("turns", "disturbed"))
    beside = "" if campaign.condition == "quiet" else f" beside a neighbour ({campaign.condition})"
    return (
        f"{len(trials)} trials of {campaign.implementation} on {campaign.task}{beside}, "
        f"{campaign.sittings} sittings each; {disturbed / turns:.0%} of {turns} turns were "
        "disturbed. An alarm is “slower”. At 0 % every alarm is false, and this suite's “faster” "
        "counts as one; elsewhere what is missing to 100 % was missed."
    )


def _void(trials: Sequence[CalibrationTrial]) -> str:
    """How often the check by A/A pairs left a metric of a trial unjudged."""
    tables = {(t.trial, c.metric) for t in trials for c in t.comparisons}
    void = {(t.trial, c.metric) for t in trials for c in t.comparisons if c.void}
    return f"Not judged, as the trial's own A/A pair differed: {len(void)} of {len(tables)} tables."


def _cell(by_rule: pd.DataFrame, rule: str) -> str:
    if rule not in by_rule.index:
        return ""
    row = by_rule.loc[rule]
    return f"{row['rate']:.1%} [{row['low']:.1%}, {row['high']:.1%}]"


def _seen(trials: Sequence[CalibrationTrial], percent: int, metric: str) -> str:
    """The median change over the trials: how much slower the extra work really made it."""
    slower = [
        abs(float(np.log(c.change[0])))
        * (1 if (c.change[0] < 1) == metric.endswith("throughput") else -1)
        for t in trials
        for c in t.comparisons
        if c.percent == percent and c.metric == metric
    ]
    return f"{np.expm1(np.median(slower)):+.1%}" if slower else ""


def side_by_side(frames: Mapping[str, pd.DataFrame]) -> str:
    """Condition → its rates: one table for people, one column a condition."""
    lines = [
        "# Calibration of the verdicts",
        "",
        "How often a difference is claimed, by extra work; all timed metrics, with the exact 95 % "
        "interval and the number of comparisons. Without extra work every claim is false, and the "
        "suite's own are counted either way; the other tools only alarm of what is slower.",
        "",
        f"By metric: {', '.join(f'[{name}]({name}.md)' for name in frames)}.",
        "",
        "| extra work | rule | " + " | ".join(frames) + " | to be shown |",
        "|---|---|" + "---:|" * len(frames) + "---|",
    ]
    percents = sorted({int(p) for frame in frames.values() for p in frame["slowdown_percent"]})
    for percent in percents:
        for rule in (OURS, HALF, *RULES):
            cells = [_rate(frame, percent, rule) for frame in frames.values()]
            promised = PROMISED.get(percent, "") if rule == OURS else ""
            lines.append(f"| {percent} % | {rule} | {' | '.join(cells)} | {promised} |")
    return "\n".join(lines) + "\n"


def _rate(frame: pd.DataFrame, percent: int, rule: str) -> str:
    own = frame[(frame["slowdown_percent"] == percent) & (frame["metric"] == "all")]
    by_rule = own.set_index("rule")
    cell = _cell(by_rule, rule)
    return f"{cell} of {by_rule.loc[rule, 'comparisons']}" if cell else ""
