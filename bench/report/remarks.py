"""What is said of a task under its table: verdicts, the A/A check, and what weakens a number."""

from __future__ import annotations

from bench.judge import disturbed, pairs, settling, speeds, verdict
from bench.judge.divisions import contests
from bench.records.metrics import SPEED
from bench.records.results import Results
from bench.report.context import Context

SCORES = {
    "accuracy": "accuracy on the test rows, target at least",
    "cross_entropy": "mean cross-entropy of the test rows in nats, target at most",
    "frechet_distance": "Fréchet distance of generated digits to the test rows' in the features "
    "of the suite's digit network, target at most",
    "rmse": "root mean squared error on the test rows, target at most",
}
OLD_MEMORY = (
    "Memory was read by getrusage here, which is never under the runner's own peak "
    "(some 230 MiB): lower values are shown as that."
)


def of(own: Results, context: Context, task: str) -> list[str]:
    """One line a remark, verdicts first. own: cells of that task, of one division."""
    judged = context.judged(SPEED)
    of_task = (judged.get(contest, ()) for contest in contests(own))
    lines = [verdict.sentence(v) for verdicts in of_task for v in verdicts]
    lines += [target(own, task), a_a(own, context)]
    if any(not x.launch.peak_rss_from for r in own.cells for x in r.ended_well):
        lines.append(OLD_MEMORY)
    lines += [
        speeds.note(own),
        disturbed.note(own),
        adam_forms(own),
        settling.note(own),
        early_stopping(own),
    ]
    lines.append(environments(own))
    lines += [f"{r.cell.contender}: {r.status}: {r.reason}" for r in own.cells if r.failed]
    return [line for line in lines if line]


def environments(results: Results) -> str:
    """Whose environment is not the suite's; empty where all are."""
    theirs = results.about.request.own
    rows = {
        r.cell.implementation: r.version
        for r in results.cells
        if r.launches and r.launches[0].job.framework in theirs
    }
    named = ", ".join(f"{name} ({version})" for name, version in sorted(rows.items()))
    return (
        f"In environments of the user's own, which the suite has not made: {named}." if rows else ""
    )


def target(results: Results, task: str) -> str:
    """What the score is and which one counts as learned; empty without a target."""
    data = results.about.datasets[task]
    return "" if data.target is None else f"Score: {SCORES[data.metric]} {data.target:g}."


def a_a(own: Results, context: Context) -> str:
    """What one implementation beside itself says: here, and over the run; empty without a pair."""
    here = []
    for original, copy in own.twins():
        found = pairs.ratio(SPEED, original, copy)
        if found is not None and found.n > 1:
            sure = f"95 % interval {found.low:.3f} to {found.high:.3f}, {found.n} launches"
            here.append(f"{copy.cell.implementation} is {found.value:.3f} of itself ({sure})")
    return f"{context.a_a} Here: {'; '.join(here)}." if here else ""


def adam_forms(results: Results) -> str:
    """Who computes which form of Adam, where contenders differ in it."""
    forms: dict[str, set[str]] = {}
    for result in results.cells:
        if result.certificate is not None:
            forms.setdefault(result.certificate.adam_form, set()).add(result.cell.implementation)
    if len(forms) < 2:
        return ""
    named = "; ".join(f"{form}: {', '.join(sorted(who))}" for form, who in sorted(forms.items()))
    return f"Forms of Adam ({named}): certified each, but scores can part where gradients are tiny."


def early_stopping(results: Results) -> str:
    """Which epoch each launch kept, where the task stops early, and whether all agree by seed."""
    kept: dict[str, dict[int, int]] = {}
    for result in results.contenders:
        for launch in result.good:
            best = launch.launch.readings.best_epoch
            if best is not None:
                kept.setdefault(result.cell.implementation, {})[launch.job.seed] = best
    if not kept:
        return ""
    common = set.intersection(*(set(seeds) for seeds in kept.values()))
    same = sum(len({seeds[seed] for seeds in kept.values()}) == 1 for seed in common)
    epochs = "; ".join(
        f"{name} {', '.join(str(e) for _, e in sorted(seeds.items()))}"
        for name, seeds in kept.items()
    )
    agreement = f"the best epoch is the same in all for {same} of {len(common)} seeds"
    return f"Early stopping: {agreement} ({epochs})."
