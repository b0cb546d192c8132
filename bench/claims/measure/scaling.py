"""How training throughput grows with threads and with the batch."""

from __future__ import annotations

from statistics import median

from bench import stats
from bench.claims.facts import MORE_THAN_HALF, NOT_MEASURED, ClaimFacts, Conclusion, Evidence, each
from bench.records.beside import CurveAnswer

THREAD_BATCH = "32"  # at which threads are compared
FAR_BATCHES = ("16", "512")
Gains = dict[str, dict[str, dict[int, float]]]
"""Framework → task → launch → throughput at all threads over that at one."""


def _gains(facts: ClaimFacts) -> Gains:
    speeds: dict[tuple[str, str, int], dict[int, float]] = {}
    for asked, curve in facts.answers(CurveAnswer):
        speed = curve.samples_per_second.get(THREAD_BATCH)
        if speed is not None and asked.launch is not None and asked.threads is not None:
            key = (asked.framework, asked.task, asked.launch)
            speeds.setdefault(key, {})[asked.threads] = speed
    gains: Gains = {}
    for (framework, task, launch), by_threads in speeds.items():
        if len(by_threads) > 1:
            gain = by_threads[max(by_threads)] / by_threads[min(by_threads)]
            gains.setdefault(framework, {}).setdefault(task, {})[launch] = gain
    return gains


def threads(facts: ClaimFacts, framework: str) -> Conclusion:
    gains = _gains(facts)
    own = gains.get(framework, {})
    others = [tasks for name, tasks in gains.items() if name != framework]
    if not own or not others:
        return Conclusion("undecided", NOT_MEASURED)
    above = below = 0
    for task, launches in own.items():
        met = [other[task] for other in others if other.get(task, {}).keys() & launches.keys()]
        against = [stats.paired_ratio(launches, gain) for gain in met]
        above += bool(against) and all(ratio.low > 1 for ratio in against)
        below += any(ratio.high < 1 for ratio in against)
    text = _gains_text(gains, tuple(own))
    if above > MORE_THAN_HALF * len(own):
        return Conclusion("supported", text)
    return Conclusion("contradicted" if below > MORE_THAN_HALF * len(own) else "undecided", text)


def _gains_text(gains: Gains, tasks: tuple[str, ...]) -> str:
    def numbers(by_task: dict[str, dict[int, float]]) -> str:
        return " / ".join(f"{median(by_task[t].values()):.2f}" if t in by_task else "–"
                          for t in tasks)  # fmt: skip

    return f"Gain of all threads over one on {', '.join(tasks)}: {each(gains, numbers)}."


def batches(facts: ClaimFacts, framework: str) -> Conclusion:
    gains: dict[str, dict[str, float]] = {}
    for asked, curve in facts.answers(CurveAnswer):
        found = curve.samples_per_second
        if all(batch in found for batch in FAR_BATCHES):
            small, large = (found[batch] for batch in FAR_BATCHES)
            gains.setdefault(asked.framework, {})[asked.task] = large / small
    if framework not in gains:
        return Conclusion("undecided", NOT_MEASURED)
    tasks = list(gains[framework])
    numbers = each(gains, lambda g: " / ".join(f"{g[t]:.1f}" if t in g else "–" for t in tasks))
    return Conclusion("undecided", f"Gain of batch 512 over 16 on {', '.join(tasks)}: {numbers}.")


EVIDENCE = (
    Evidence(
        "threads",
        "Training throughput with all threads over that with one, three tasks, "
        "three processes each, beside the other frameworks'.",
        "Supported when its gain is above every other's on more than half of the tasks, the "
        "95 % intervals of the ratios of gains excluding 1; contradicted when it is below "
        "some other's on more than half.",
        threads,
    ),
    Evidence(
        "batches",
        "Training throughput at batch 512 over that at batch 16, three tasks, one process.",
        "Shown, never decided: one process gives no interval.",
        batches,
    ),
)
