"""What a training step of the user's own costs: TensorFlow's beside fit, and one inside of fit."""

from __future__ import annotations

from dataclasses import replace

from bench import stats
from bench.claims import programs
from bench.claims.facts import (
    MORE_THAN_HALF,
    NOT_MEASURED,
    ClaimFacts,
    ClaimVerdict,
    Conclusion,
    Evidence,
)
from bench.judge import questions
from bench.records.beside import CustomStepAnswer
from bench.records.metrics import SPEED

STEP_MARGIN = 1.05
# The rows that run the programs whose sizes are counted.
OWN_STEP, FIT = (programs.implementation(framework) for framework in ("tensorflow", "keras"))


def own_step(facts: ClaimFacts, framework: str) -> Conclusion:
    pair = tuple(r for r in facts.results.contenders if r.cell.implementation in (OWN_STEP, FIT))
    by_task = questions.against_best(replace(facts.results, cells=pair), SPEED)
    verdicts = [v for of_task in by_task.values() for v in of_task]
    if not verdicts:
        return Conclusion("undecided", f"Needs {OWN_STEP} and {FIT} in the run.")
    slower = sum(v.question.new == OWN_STEP and v.outcome == "worse" for v in verdicts)
    faster = sum(v.question.new == FIT and v.outcome == "worse" for v in verdicts)
    verdict: ClaimVerdict = "undecided"
    if not slower and faster:
        verdict = "supported"
    elif slower > MORE_THAN_HALF * len(verdicts):
        verdict = "contradicted"
    return Conclusion(
        verdict,
        f"Against Keras's fit the own step is faster on {faster} and slower on {slower} of "
        f"{len(verdicts)} tasks; the others are not decided.",
    )


def custom_step(facts: ClaimFacts, framework: str) -> Conclusion:
    answer = facts.answer(CustomStepAnswer, framework)
    if answer is None:
        return Conclusion("undecided", NOT_MEASURED)
    easy, custom = (dict(enumerate(x)) for x in (answer.seconds.easy, answer.seconds.custom))
    ratio = stats.paired_ratio(custom, easy)
    text = (
        f"An epoch with a custom step takes {ratio.value:.3f} of fit's own (95 % interval "
        f"{ratio.low:.3f} to {ratio.high:.3f}, {ratio.n} pairs)."
    )
    if ratio.low > STEP_MARGIN:
        return Conclusion("supported", text)
    return Conclusion("contradicted" if ratio.high < STEP_MARGIN else "undecided", text)


EVIDENCE = (
    Evidence(
        "own_step",
        f"Training by the user's own compiled step ({OWN_STEP}) against Keras's fit ({FIT}) on "
        "the same runtime, both as their documents say, verdicts of this run.",
        "Supported when the own step is slower on no task and faster on at least one; "
        "contradicted when it is slower on more than half of them.",
        own_step,
    ),
    Evidence(
        "custom_step",
        "An epoch of fit with a training step of the user's own over one with Keras's, "
        "12 pairs in turns in one process.",
        "Supported when the 95 % interval lies above 1.05; contradicted when it lies below.",
        custom_step,
    ),
)
