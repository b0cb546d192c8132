"""Which formats a framework writes a model in and reads it back from."""

from __future__ import annotations

from bench.claims.facts import (
    ARTICLES,
    MORE_THAN_HALF,
    NOT_MEASURED,
    ClaimFacts,
    Conclusion,
    Evidence,
    count,
    each,
)
from bench.deploy.results import route_results
from bench.records.beside import ExportsAnswer, RoundTrip

MOST_CHARACTERS = 90  # of a reason that is shown


def _round_trips(facts: ClaimFacts) -> dict[str, list[bool]]:
    """Framework → of each format it could try, whether it came back the same."""
    if deployed := _deployed(facts):
        return deployed
    answers = {name: facts.answer(ExportsAnswer, name) for name in ARTICLES}
    return {
        name: [trip.same for trip in answer.formats.values() if not _needs_another(trip)]
        for name, answer in answers.items()
        if answer is not None
    }


def _deployed(facts: ClaimFacts) -> dict[str, list[bool]]:
    """Framework → of each format that it has a converter to, whether some runtime's answers from
    the file were certified in every task; empty of a run without deployments."""
    found: dict[str, dict[str, dict[str, bool]]] = {}
    for one in route_results(facts.results):
        if one.word not in ("none", "not installed") and one.route.framework in ARTICLES:
            tasks = found.setdefault(one.route.framework, {}).setdefault(one.route.format, {})
            good = one.word in ("certified", "fixed")
            tasks[one.task] = tasks.get(one.task, False) or good
    return {
        name: [all(tasks.values()) for tasks in formats.values()] for name, formats in found.items()
    }


def _needs_another(trip: RoundTrip) -> bool:
    return trip.reason.startswith("needs ")


def _not_tried(facts: ClaimFacts, framework: str) -> int:
    """How many of its formats need a package that is not there."""
    answer = facts.answer(ExportsAnswer, framework)
    return sum(map(_needs_another, answer.formats.values())) if answer else 0


def _text(facts: ClaimFacts, framework: str) -> str:
    if deployed := _deployed(facts):
        return (
            f"Formats whose files were certified in every task, of those that there is a "
            f"converter to: {each(deployed, count)}."
        )
    answer = facts.answer(ExportsAnswer, framework)
    parts = []
    for name, trip in answer.formats.items() if answer else ():
        if trip.same:
            parts.append(f"{name} comes back")
        elif _needs_another(trip):
            parts.append(f"{name} not tried ({trip.reason})")
        else:
            parts.append(f"{name} fails ({(trip.reason or 'other outputs')[:MOST_CHARACTERS]})")
    return f"{'; '.join(parts)}. Formats that came back: {each(_round_trips(facts), count)}."


def formats(facts: ClaimFacts, framework: str) -> Conclusion:
    own = _round_trips(facts).get(framework)
    if not own:
        return Conclusion("undecided", NOT_MEASURED)
    text = _text(facts, framework)
    if all(own) and len(own) > 1:
        return Conclusion("supported", text)
    return Conclusion("contradicted" if sum(own) < MORE_THAN_HALF * len(own) else "undecided", text)


def fewer_formats(facts: ClaimFacts, framework: str) -> Conclusion:
    trips = _round_trips(facts)
    own = trips.pop(framework, None)
    if not own or not trips:
        return Conclusion("undecided", NOT_MEASURED)
    text, most = _text(facts, framework), max(sum(other) for other in trips.values())
    if most <= sum(own):
        return Conclusion("contradicted", text)
    possible = sum(own) + _not_tried(facts, framework)
    return Conclusion("supported" if most > possible else "undecided", text)


_FORMATS = (
    "A model is written in every format that the framework's own package knows, read again, and "
    "its outputs compared (1e-5 of the largest). Formats that need another package are not "
    "counted. In a run of `bench deploy`: every format that there is a converter to, certified."
)

EVIDENCE = (
    Evidence(
        "formats",
        _FORMATS,
        "Supported when every counted format comes back and at least two do; contradicted "
        "when more than half fail.",
        formats,
    ),
    Evidence(
        "fewer_formats",
        _FORMATS,
        "Supported when fewer of its formats come back than of some other framework's, even if "
        "those not tried would have; contradicted when no other has more.",
        fewer_formats,
    ),
)
