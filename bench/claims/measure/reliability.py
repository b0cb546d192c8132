"""Whether a framework does its work, and how often: certificates, endings, scores, backends."""

from __future__ import annotations

from bench.claims.facts import ClaimFacts, Conclusion, Evidence, count, each
from bench.judge.verdict import MIN_LAUNCHES


def certified(facts: ClaimFacts, framework: str) -> Conclusion:
    passed: dict[str, list[bool]] = {}
    for result in facts.results.contenders:
        if result.certificate is not None:
            passed.setdefault(result.cell.framework, []).append(result.certificate.passed)
    own = passed.get(framework, [])
    if not own:
        return Conclusion("undecided", "The run holds no certificate of it.")
    others = [all(p) for name, p in passed.items() if name != framework]
    text = f"{sum(own)} of {len(own)} certificates passed ({each(passed, count)})."
    if all(own):
        return Conclusion("supported", text)
    return Conclusion("contradicted" if any(others) else "undecided", text)


def endings(facts: ClaimFacts, framework: str) -> Conclusion:
    ends: dict[str, list[bool]] = {}
    for launch in facts.results.launches:
        ends.setdefault(launch.cell.framework, []).append(launch.status == "ok")
    if framework not in ends:
        return Conclusion("undecided", "The run holds no launch of it.")
    text = f"Launches that ended well: {each(ends, count)}."
    if all(ends[framework]):
        return Conclusion("supported", text)
    others = [all(e) for name, e in ends.items() if name != framework]
    return Conclusion("contradicted" if any(others) else "undecided", text)


def seeds(facts: ClaimFacts, framework: str) -> Conclusion:
    judged = facts.judged("test_score")
    contests = [
        v for against in judged.values() for v in against
        if framework in (v.question.base.split(":")[0], v.question.new.split(":")[0])
    ]  # fmt: skip
    if not any(v.question.effect.n >= MIN_LAUNCHES for v in contests):
        return Conclusion(
            "undecided", f"Needs {MIN_LAUNCHES} scores of it, and of another contender, in a task."
        )
    worse = [
        v.question.task for v in contests
        if v.outcome == "worse" and v.question.new.startswith(f"{framework}:")
    ]  # fmt: skip
    if worse:
        return Conclusion(
            "contradicted", f"Its score is below the best beyond doubt on {', '.join(worse)}."
        )
    most = max(v.question.effect.n for v in contests)
    tasks = len({v.question.task for v in contests})
    return Conclusion(
        "supported",
        f"Over {most} seeds its score is below the task's best beyond doubt on none of "
        f"{tasks} tasks (nor is any other framework's, unless it says so there).",
    )


def backends(facts: ClaimFacts, framework: str) -> Conclusion:
    names = facts.implementations(framework)
    if not names:
        return Conclusion("undecided", "The run holds no launch of it.")
    text = f"Certified and measured here: {', '.join(names)}."
    return Conclusion("supported" if len(names) > 1 else "undecided", text)


EVIDENCE = (
    Evidence(
        "certified",
        "Tasks of this run whose certificate the framework passed.",
        "Supported when it passed all; contradicted when it failed one that others passed.",
        certified,
    ),
    Evidence(
        "endings",
        "How many launches of the run ended well, beside the other frameworks'.",
        "Supported when all did; contradicted when one failed and another framework's did "
        "all end well.",
        endings,
    ),
    Evidence(
        "seeds",
        "Test scores over the seeds: verdicts against the best contender of each task.",
        "Supported when it is worse on no task, of which one has three launches or more; "
        "contradicted when it is on one.",
        seeds,
    ),
    Evidence(
        "backends",
        "On how many backends its implementations were certified in this run.",
        "Supported when on two or more; with one the question stays open.",
        backends,
    ),
)
