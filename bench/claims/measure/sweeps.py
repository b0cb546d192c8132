"""How training throughput grows with threads and with the batch, by a run's own curves.

In a run that is a sweep these stand for the evidence of the same names that `bench evidence`
measures (scaling.py).
"""

from __future__ import annotations

from statistics import median

from bench import stats
from bench.claims.facts import MORE_THAN_HALF, ClaimFacts, Conclusion, Evidence, each
from bench.judge.curves import SweptCurve, curves
from bench.records.points import Axis

Growths = dict[str, dict[str, dict[int, float]]]
"""Framework → task → sitting → speed at the last point of a curve over that at its first."""


def _growths(facts: ClaimFacts, axis: Axis) -> Growths:
    """Of each framework its first row's, where a sitting has both ends of the curve."""
    found: Growths = {}
    for curve in curves(facts.results):
        growth = _growth(curve)
        if curve.axis == axis and growth:
            found.setdefault(curve.implementation.split(":")[0], {}).setdefault(curve.task, growth)
    return found


def _growth(curve: SweptCurve) -> dict[int, float]:
    if len(curve.measured) < 2:
        return {}
    first, last = curve.measured[0].rates, curve.measured[-1].rates
    return {block: last[block] / first[block] for block in sorted(first.keys() & last.keys())}


def _span(facts: ClaimFacts, axis: Axis) -> str:
    values = [p.point.value for c in curves(facts.results) if c.axis == axis for p in c.points]
    return f"{max(values)} over {min(values)}"


def conclude(facts: ClaimFacts, framework: str, axis: Axis, what: str) -> Conclusion:
    """Its growth beside every other's, task by task."""
    found = _growths(facts, axis)
    own = found.get(framework, {})
    others = [tasks for name, tasks in found.items() if name != framework]
    if not own or not others:
        return Conclusion("undecided", f"The run has no curve over {what} of it and of another.")
    above = below = 0
    for task, growth in own.items():
        met = [other[task] for other in others if other.get(task, {}).keys() & growth.keys()]
        against = [stats.paired_ratio(growth, other) for other in met]
        above += bool(against) and all(ratio.low > 1 for ratio in against)
        below += any(ratio.high < 1 for ratio in against)

    def numbers(by_task: dict[str, dict[int, float]]) -> str:
        return " / ".join(f"{median(by_task[t].values()):.2f}" if t in by_task else "–"
                          for t in own)  # fmt: skip

    span = _span(facts, axis)
    text = f"Gain of {what} {span} on {', '.join(own)}: {each(found, numbers)}."
    if above > MORE_THAN_HALF * len(own):
        return Conclusion("supported", text)
    return Conclusion("contradicted" if below > MORE_THAN_HALF * len(own) else "undecided", text)


def threads(facts: ClaimFacts, framework: str) -> Conclusion:
    return conclude(facts, framework, "threads", "threads")


def batches(facts: ClaimFacts, framework: str) -> Conclusion:
    return conclude(facts, framework, "batch", "batch")


RULE = (
    "Supported when its gain is above every other's on more than half of the tasks, the 95 % "
    "intervals of the ratios of gains excluding 1; contradicted when it is below some other's on "
    "more than half."
)
EVIDENCE = (
    Evidence(
        "threads",
        "This run's curves over threads: training throughput with the most over that with the "
        "fewest, paired by sitting, beside the other frameworks'.",
        RULE,
        threads,
    ),
    Evidence(
        "batches",
        "This run's curves over batches: training throughput at the largest batch over that at "
        "the smallest, paired by sitting, beside the other frameworks'.",
        RULE,
        batches,
    ),
)
