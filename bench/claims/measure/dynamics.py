"""Networks whose work depends on their data: a branch, and sequences of new lengths."""

from __future__ import annotations

from statistics import median

from bench.claims.facts import ARTICLES, NOT_MEASURED, ClaimFacts, Conclusion, Evidence, each
from bench.records.beside import DynamicAnswer, LengthSeconds

CHEAP = 2.0  # a new length may cost so many times a known one
MOST_CHARACTERS = 90  # of a reason that is shown


def branch(facts: ClaimFacts, framework: str) -> Conclusion:
    answer = facts.answer(DynamicAnswer, framework)
    if answer is None:
        return Conclusion("undecided", NOT_MEASURED)
    works = [name for name, mode in answer.modes.items() if not mode.reason]
    text = f"Written as {answer.branch}; runs in: {', '.join(works) or 'no mode'}."
    failed = [
        f"{name} ({mode.reason[:MOST_CHARACTERS]})"
        for name, mode in answer.modes.items() if mode.reason
    ]  # fmt: skip
    if failed:
        text += f" Not in: {'; '.join(failed)}."
    if _usual(answer) not in works:
        return Conclusion("contradicted", text)
    plain = answer.branch.startswith("a plain Python")
    return Conclusion("supported" if plain else "undecided", text)


def _usual(answer: DynamicAnswer) -> str:
    return next(iter(answer.modes))


def lengths(facts: ClaimFacts, framework: str) -> Conclusion:
    costs: dict[str, dict[str, float]] = {}
    for name in ARTICLES:
        if (answer := facts.answer(DynamicAnswer, name)) is not None:
            ran = {mode: seconds for mode, seconds in answer.modes.items() if not seconds.reason}
            if ran:
                costs[name] = {mode: new_length_cost(seconds) for mode, seconds in ran.items()}
    own = facts.answer(DynamicAnswer, framework)
    usual = costs.get(framework, {}).get(_usual(own)) if own else None
    if usual is None:
        return Conclusion("undecided", NOT_MEASURED)
    numbers = each(costs, lambda m: ", ".join(f"{n} {cost:.1f}×" for n, cost in m.items()))
    text = f"New length over known: {numbers}."
    return Conclusion("supported" if usual < CHEAP else "contradicted", text)


def new_length_cost(mode: LengthSeconds) -> float:
    """Median over lengths, the first left out, of a first call over a later one."""
    pairs = zip(mode.first_seconds[1:], mode.again_seconds[1:], strict=True)
    return median(first / again for first, again in pairs)


EVIDENCE = (
    Evidence(
        "branch",
        "A network that uses a layer only where its data asks for it, trained: how the "
        "condition is written.",
        "Supported when the framework's usual mode takes Python's own `if`; contradicted when "
        "it cannot express it.",
        branch,
    ),
    Evidence(
        "lengths",
        "Seconds of a training step on sequences of a length never seen, over that on one "
        "seen before, median of 15 lengths, in every mode.",
        "Supported when a new length costs less than twice a known one in the usual mode; "
        "contradicted when it costs twice or more.",
        lengths,
    ),
)
