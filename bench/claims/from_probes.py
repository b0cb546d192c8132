"""Evidence that `bench evidence` measures, and the sizes of the programs.

One function a piece of evidence, each following its rule in `bench/claims/table.py`. Without data
a finding is undecided and says what would measure it.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from bench import stats
from bench.claims.facts import (
    ARTICLES,
    MORE_THAN_HALF,
    NOT_MEASURED,
    Answer,
    Facts,
    Word,
    count,
    each,
)
from bench.claims.programs import Size

CHEAP = 2.0  # a new length may cost so many times a known one
STEP_MARGIN = 1.05
FAR_BATCHES = ("16", "512")


def _gains(facts: Facts) -> dict[str, dict[str, dict[int, float]]]:
    """Framework → task → launch → throughput at all threads over that at one."""
    speeds: dict[tuple[str, str, int], dict[int, float]] = {}
    for entry in facts.answers.values():
        request, found = entry["request"], entry["answer"].get("samples_per_second")
        if request["part"] == "curve" and found and "32" in found:
            key = (request["framework"], request["task"], request["launch"])
            speeds.setdefault(key, {})[request["threads"]] = found["32"]
    gains: dict[str, dict[str, dict[int, float]]] = {}
    for (framework, task, launch), by_threads in speeds.items():
        if len(by_threads) > 1:
            gain = by_threads[max(by_threads)] / by_threads[min(by_threads)]
            gains.setdefault(framework, {}).setdefault(task, {})[launch] = gain
    return gains


def threads(facts: Facts, framework: str) -> Answer:
    gains = _gains(facts)
    mine = gains.pop(framework, {})
    if not mine or not gains:
        return "undecided", NOT_MEASURED
    above = below = 0
    for task, launches in mine.items():
        against = [
            stats.paired_ratio(launches, other[task]) for other in gains.values() if task in other
        ]
        above += bool(against) and all(ratio.low > 1 for ratio in against)
        below += any(ratio.high < 1 for ratio in against)
    shown = {
        name: {t: median(g.values()) for t, g in tasks.items()} for name, tasks in gains.items()
    }
    shown[framework] = {t: median(g.values()) for t, g in mine.items()}
    tasks = ", ".join(mine)
    numbers = each(shown, lambda g: " / ".join(f"{g[t]:.2f}" if t in g else "–" for t in mine))
    text = f"Gain of all threads over one on {tasks}: {numbers}."
    if above > MORE_THAN_HALF * len(mine):
        return "supported", text
    return ("contradicted" if below > MORE_THAN_HALF * len(mine) else "undecided"), text


def batches(facts: Facts, framework: str) -> Answer:
    gains: dict[str, dict[str, float]] = {}
    for entry in facts.answers.values():
        request, found = entry["request"], entry["answer"].get("samples_per_second", {})
        if request["part"] == "curve" and all(batch in found for batch in FAR_BATCHES):
            small, large = (found[batch] for batch in FAR_BATCHES)
            gains.setdefault(request["framework"], {})[request["task"]] = large / small
    if framework not in gains:
        return "undecided", NOT_MEASURED
    tasks = list(gains[framework])
    numbers = each(gains, lambda g: " / ".join(f"{g[t]:.1f}" if t in g else "–" for t in tasks))
    return "undecided", f"Gain of batch 512 over 16 on {', '.join(tasks)}: {numbers}."


def _programs(facts: Facts) -> str:
    def numbers(mine: dict[str, Size]) -> str:
        return " ".join(f"{size.logical_lines}/{size.names}" for size in mine.values())

    families = ", ".join(next(iter(facts.sizes.values())))
    return f"Logical lines / interface names of {families}: {each(facts.sizes, numbers)}."


def program_longest(facts: Facts, framework: str) -> Answer:
    mine = facts.sizes[framework]
    others = [sizes for name, sizes in facts.sizes.items() if name != framework]
    longest = [
        all(s.logical_lines > o[f].logical_lines and s.names > o[f].names for o in others)
        for f, s in mine.items()
    ]
    word: Word = "supported" if all(longest) else "undecided" if any(longest) else "contradicted"
    return word, _programs(facts)


def program_shortest(facts: Facts, framework: str) -> Answer:
    mine = facts.sizes[framework]
    others = [sizes for name, sizes in facts.sizes.items() if name != framework]
    shortest = [all(s.logical_lines <= o[f].logical_lines for o in others) for f, s in mine.items()]
    word: Word = "supported" if all(shortest) else "undecided" if any(shortest) else "contradicted"
    return word, _programs(facts)


def shape_error(facts: Facts, framework: str) -> Answer:
    found = facts.answer("shape", framework)
    if found is None:
        return "undecided", NOT_MEASURED
    if not found["raised"]:
        return "contradicted", "No error was raised."
    word: Word = "supported" if found["names_both"] else "undecided"
    both = "names both sizes" if found["names_both"] else "does not name both sizes"
    message = found["message"]
    short = message if len(message) <= 160 else f"{message[:160]}…"
    return word, (f"{found['raised']} of {found['characters']} characters, which {both}: “{short}”")


def branch(facts: Facts, framework: str) -> Answer:
    found = facts.answer("dynamic", framework)
    if found is None:
        return "undecided", NOT_MEASURED
    works = {name: "reason" not in mode for name, mode in found["modes"].items()}
    usual = next(iter(works))
    text = f"Written as {found['branch']}; runs in: {', '.join(n for n, w in works.items() if w)}."
    failed = [f"{n} ({found['modes'][n]['reason'][:90]})" for n, w in works.items() if not w]
    if failed:
        text += f" Not in: {'; '.join(failed)}."
    if not works[usual]:
        return "contradicted", text
    return ("supported" if found["branch"].startswith("a plain Python") else "undecided"), text


def lengths(facts: Facts, framework: str) -> Answer:
    costs: dict[str, dict[str, float]] = {}
    for name in ARTICLES:
        said = facts.answer("dynamic", name)
        modes = said["modes"] if said else {}
        ran = {mode: found for mode, found in modes.items() if "reason" not in found}
        if ran:
            costs[name] = {mode: new_length_cost(found) for mode, found in ran.items()}
    own = facts.answer("dynamic", framework)
    if own is None or next(iter(own["modes"])) not in costs.get(framework, {}):
        return "undecided", NOT_MEASURED
    usual = costs[framework][next(iter(own["modes"]))]
    numbers = each(costs, lambda m: ", ".join(f"{n} {cost:.1f}×" for n, cost in m.items()))
    return ("supported" if usual < CHEAP else "contradicted"), f"New length over known: {numbers}."


def new_length_cost(mode: dict[str, list[float]]) -> float:
    """Median over lengths, the first left out, of a first call over a later one."""
    pairs = zip(mode["first_seconds"][1:], mode["again_seconds"][1:], strict=True)
    return median(first / again for first, again in pairs)


def _round_trips(facts: Facts) -> dict[str, list[bool]]:
    """Framework → of each format it could try, whether it came back the same."""
    found = {}
    for framework in ARTICLES:
        said = facts.answer("exports", framework)
        if said is not None:
            tried = {k: v for k, v in said["formats"].items() if not _needs_another(v)}
            found[framework] = [bool(v.get("same")) for v in tried.values()]
    return found


def _not_tried(facts: Facts, framework: str) -> int:
    """How many of its formats need a package that is not there."""
    said = facts.answer("exports", framework) or {"formats": {}}
    return sum(_needs_another(trip) for trip in said["formats"].values())


def _needs_another(trip: dict[str, Any]) -> bool:
    return str(trip.get("reason", "")).startswith("needs ")


def _formats_text(facts: Facts, framework: str) -> str:
    said = facts.answer("exports", framework)
    assert said is not None
    parts = []
    for name, trip in said["formats"].items():
        if trip.get("same"):
            parts.append(f"{name} comes back")
        elif _needs_another(trip):
            parts.append(f"{name} not tried ({trip['reason']})")
        else:
            parts.append(f"{name} fails ({str(trip.get('reason', 'other outputs'))[:90]})")
    return f"{'; '.join(parts)}. Formats that came back: {each(_round_trips(facts), count)}."


def formats(facts: Facts, framework: str) -> Answer:
    mine = _round_trips(facts).get(framework)
    if not mine:
        return "undecided", NOT_MEASURED
    text = _formats_text(facts, framework)
    if all(mine) and len(mine) > 1:
        return "supported", text
    return ("contradicted" if sum(mine) < MORE_THAN_HALF * len(mine) else "undecided"), text


def fewer_formats(facts: Facts, framework: str) -> Answer:
    trips = _round_trips(facts)
    mine = trips.pop(framework, None)
    if not mine or not trips:
        return "undecided", NOT_MEASURED
    text, most = _formats_text(facts, framework), max(sum(other) for other in trips.values())
    if most <= sum(mine):
        return "contradicted", text
    possible = sum(mine) + _not_tried(facts, framework)
    return ("supported" if most > possible else "undecided"), text


def custom_step(facts: Facts, framework: str) -> Answer:
    found = facts.answer("custom_step", framework)
    if found is None:
        return "undecided", NOT_MEASURED
    easy, custom = (dict(enumerate(found["seconds"][name])) for name in ("easy", "custom"))
    ratio = stats.paired_ratio(custom, easy)
    text = (
        f"An epoch with a custom step takes {ratio.value:.3f} of fit's own (95 % interval "
        f"{ratio.low:.3f} to {ratio.high:.3f}, {ratio.n} pairs)."
    )
    if ratio.low > STEP_MARGIN:
        return "supported", text
    return ("contradicted" if ratio.high < STEP_MARGIN else "undecided"), text
